"""The Pulumi engine on any machine: `python -m tools.engine` makes sure of one and prints the folder to put on PATH.

In this order, the first that works:

1. `pulumi` on PATH, if it is new enough and its Python language host is there;
2. one that the Pulumi SDK's own installer put under `~/.pulumi/versions`;
3. one that was built here before;
4. the SDK's own installer, where the internet can be reached;
5. a build from Go modules into a per-user cache, with the machine's Go or, without one, with Go from PyPI.
"""
