"""The Pulumi engine on any machine: `python -m tools.engine` finds or builds one and prints the folder to put on PATH.

The first of these that works is used:

1. `pulumi` on PATH, if it is new enough and its Python language host is there;
2. an engine that the Pulumi SDK's own installer put under `~/.pulumi/versions`;
3. an earlier build from the per-user cache;
4. the SDK's own installer, if the internet can be reached;
5. a build from Go modules into the per-user cache, with the machine's Go or, if it has none, with Go from PyPI.

`recipe` explains how to raise the version that is built; `versions` states which engines and SDKs are tested.
"""
