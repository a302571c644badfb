"""A Pulumi that keeps its state in a folder of its own and knows nothing of the user's accounts."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
PASSPHRASE = "local"  # noqa: S105  stacks/Pulumi.local.yaml is made with it, and keeps no secret


def environment(home: Path) -> dict[str, str]:
    """The environment for `pulumi` with everything below ``home``; the stand-in for the AWS plugin comes first."""
    state = home / "state"
    state.mkdir(parents=True, exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))},
        "PATH": os.pathsep.join([str(ROOT / "localcloud" / "bin"), os.environ["PATH"]]),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
