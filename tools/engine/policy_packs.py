"""Policy packs in Python with the language host that `build` makes.

An engine tells the language host what to run in `RunPluginRequest.info`. The host of 3.75.0, the last that Go modules
have, reads `program` instead, which engines leave empty by now, and ignores the pack's `virtualenv`: it would run
`python "" ADDRESS`. `policy_pack_python` in this folder runs in place of that Python, and fills both in. Everything
else that the host runs, and what newer hosts run, it leaves as it is. An engine from get.pulumi.com needs none of this.
"""

from __future__ import annotations

from pathlib import Path

from tools.engine.recipe import HERE


def variables(pack: Path) -> dict[str, str]:
    """The variables with which a run starts the policy pack in this folder, in its own virtual environment."""
    return {"PULUMI_PYTHON_CMD": str(HERE / "policy_pack_python"), "POLICY_PACK": str(pack.resolve())}
