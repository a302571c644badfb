#!/bin/sh
# Write a kustomize overlay for each stack file that imds-stacks wrote, and a kustomization of them all.
# Usage: deploy/kubernetes/overlays.sh [folder of the stack files]; then `kubectl apply -k deploy/kubernetes/stacks`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
files=$(grep -l '^# Written by imds-stacks' "${1:-stacks}"/Pulumi.*.yaml)
mkdir -p "$here/stacks"
{
  printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n'
  for file in $files; do
    stack=$(basename "$file" .yaml)
    stack=${stack#Pulumi.}
    # Kubernetes allows neither capitals nor underscores in names. Two stacks with one name fail in kustomize.
    name=imds-$(printf %s "$stack" | tr 'A-Z_' 'a-z-')
    mkdir -p "$here/stacks/$stack"
    cat >"$here/stacks/$stack/kustomization.yaml" <<END
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../base]
patches:
  - target: { kind: Stack, name: imds }
    patch: |
      - { op: replace, path: /metadata/name, value: "$name" }
      - { op: replace, path: /spec/stack, value: "$stack" }
END
    printf '  - "%s"\n' "$stack"
  done
} >"$here/stacks/kustomization.yaml.new"
mv "$here/stacks/kustomization.yaml.new" "$here/stacks/kustomization.yaml"
