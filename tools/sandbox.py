"""A Pulumi that keeps its state in a folder of its own and knows nothing of the user's accounts."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from shlex import quote

ROOT = Path(__file__).parent.parent
STAND_IN = ROOT / "localcloud" / "aws_plugin" / "bin" / "pulumi-resource-aws"
PASSPHRASE = "local"  # noqa: S105  stacks/Pulumi.local.yaml is made with it, and keeps no secret


def environment(home: Path) -> dict[str, str]:
    """The environment for `pulumi` with everything below ``home``, and the stand-in for the AWS plugin installed there.

    The plugin of pulumi-aws is large to download, and would be asked for even where no AWS resource is made.
    """
    state = home / "state"
    state.mkdir(parents=True, exist_ok=True)
    plugin = home / "pulumi" / "plugins" / f"resource-aws-v{version('pulumi-aws')}" / "pulumi-resource-aws"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    plugin.write_text(f'#!/bin/sh\nexec {quote(str(STAND_IN))} "$@"\n')
    plugin.chmod(0o755)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
