//go:build tools

// Package engine pins what the Pulumi engine is built from where no ready-made one can be had.
package engine

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
