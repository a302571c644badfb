//go:build tools

// Package languagehost pins the Python language host, whose last release as a Go module is older than the engine's.
package languagehost

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
