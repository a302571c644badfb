"""A run with ``--target`` that changes instances and leaves out their barrier."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pulumi
import pytest

from imds_components.targeted import warn_of_not_waited

WEB = "i-0123456789abcdef0"
OF_020 = f"{WEB} httpTokens=required change=965f4789-20261125T044012Z"
SAME_TODAY = f"{WEB} httpTokens=required change=965f4789 changedAt=2026-11-25T04:40:12Z"
NEXT = f"{WEB} httpTokens=required change=0ddba11"


@pytest.mark.parametrize(
    ("target", "waited_for", "warns"),
    [(NEXT, NEXT, False), (NEXT, SAME_TODAY, True), (SAME_TODAY, OF_020, False), (NEXT, None, True)],
    ids=["the same", "changed again", "the same, recorded by 0.2.0", "a new instance"],
)
def test_a_run_warns_of_instances_whose_last_change_was_not_waited_for(
    target: str, waited_for: str | None, monkeypatch: pytest.MonkeyPatch, *, warns: bool
) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda message, _resource: warnings.append(message))

    async def program() -> None:
        resource = SimpleNamespace(
            pulumi_resource_name="web",
            target=pulumi.Output.from_input(target),
            targets=pulumi.Output.from_input({} if waited_for is None else {"web": waited_for}),
            applied_ids=pulumi.Output.from_input([WEB]),
        )
        await warn_of_not_waited(resource, {"web": resource}, resource).future()  # type: ignore[arg-type, dict-item]  # all that is read of them

    asyncio.run(program())
    assert len(warnings) == (1 if warns else 0)
