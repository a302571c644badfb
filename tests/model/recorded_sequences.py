"""Sequences that once found a defect or that guard an invariant which is easily broken, by what they show."""

from __future__ import annotations

from collections.abc import Mapping

from imds_provider.rules.options import Options
from tests.model.steps import (
    Assign,
    Copy,
    Declaration,
    Destroy,
    Drift,
    FaultName,
    Launch,
    Manage,
    Merge,
    OnDestroy,
    Reconfigure,
    Refresh,
    Release,
    Rename,
    Split,
    StateChange,
    Step,
    Swap,
    SwitchStack,
    Up,
)


def manage(
    slot: str,
    options: Options,
    fault: FaultName = "none",
    *,
    row: str | None = None,
    wait: bool = True,
    on_destroy: OnDestroy = "restore",
    may_loosen: bool = True,
) -> Manage:
    """Declare a row for a slot, of the slot's name unless another is given, and run the program."""
    declared = Declaration(slot, options, wait=wait, on_destroy=on_destroy, may_loosen=may_loosen)
    return Manage({row or slot: declared}, fault)


STRICT: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}

SEQUENCES: Mapping[str, tuple[Step, ...]] = {
    "a change whose answer was lost is recorded, and restored in the end": (
        manage("a", {"httpPutResponseHopLimit": 2}, "connection-lost-after-change"),
        Up(),
        Destroy(),
    ),
    "an option that is managed again is restored to its value of that moment": (
        manage("a", {"httpTokens": "required", "httpPutResponseHopLimit": 3}),
        manage("a", {"httpTokens": "required"}),
        Drift("a", {"httpPutResponseHopLimit": 64}),
        manage("a", {"httpTokens": "required", "httpPutResponseHopLimit": 2}),
        Release(("a",)),
    ),
    "options that cannot apply while the endpoint is disabled are applied once it is enabled": (
        manage("a", {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 2, "instanceMetadataTags": "enabled"}),
        manage("a", {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 3, "instanceMetadataTags": "enabled"}),
        manage("a", {"httpEndpoint": "enabled", "httpPutResponseHopLimit": 3, "instanceMetadataTags": "enabled"}),
        Refresh(),
    ),
    "a change whose wait was refused, and that somebody undoes, is reapplied by the next run": (
        manage("a", {"httpTokens": "required"}, "describes-refused-from-second"),
        Drift("a", {"httpTokens": "optional", "httpPutResponseHopLimit": 3}),
        Up(),
        Refresh(),
        Up(),
        Destroy(),
    ),
    "a barrier that failed reapplies what somebody has changed since": (
        manage("a", {"httpTokens": "required"}, "second-describe-refused", wait=False),
        Drift("a", {"httpTokens": "optional"}),
        Up(),
        Refresh(),
        Up(),
    ),
    "a stale describe during the wait does not count as applied": (
        manage("a", {"httpTokens": "required"}),
        manage("a", {"httpTokens": "optional"}, "describes-stale"),
        manage("a", {"httpTokens": "required", "httpEndpoint": "disabled"}, "describes-stale"),
    ),
    "a stopped instance takes its change at the next start, which a refresh records": (
        StateChange("a", "stop"),
        manage("a", {"httpTokens": "required"}),
        StateChange("a", "start"),
        Up(),
        Refresh(),
        Up(),
    ),
    "a row moves to the instance that replaces a terminated one": (
        manage("a", {"httpTokens": "required"}),
        StateChange("a", "terminate"),
        Up(),
        Launch("a", {"httpPutResponseHopLimit": 64}),
        Up("modify-dropped-after-change"),
        Up(),
        Destroy(),
    ),
    "tokens that somebody has made required stay required when another option changes": (
        manage("a", {"httpPutResponseHopLimit": 2}),
        Drift("a", {"httpTokens": "required"}),
        manage("a", {"httpPutResponseHopLimit": 3}),
        Destroy(),
    ),
    "a renamed row restores nothing, and keeps the values from before only by an alias": (
        manage("a", STRICT),
        Rename("a", "d", alias=True),
        Rename("d", "b", alias=False),
        Up(),
        Destroy(),
    ),
    "rows that exchange their instances hand over the values from before": (
        manage("a", STRICT),
        manage("b", {"httpTokens": "required", "httpPutResponseHopLimit": 3}),
        Drift("a", {"httpPutResponseHopLimit": 64}),
        Swap("a", "b"),
        Release(("a",)),
        Destroy(),
    ),
    "an instance that moves to another row is not loosened by the row that it leaves": (
        manage("a", STRICT),
        manage("b", STRICT),
        Assign("b", "a"),
        Release(("a",)),
        Destroy(),
    ),
    "options that are split off and merged again are restored to the values from before the first row": (
        manage("a", STRICT),
        Split("a", "d", frozenset({"httpTokens"})),
        Drift("a", {"httpTokens": "optional"}),
        Refresh(),
        Up(),
        Merge("a", "d"),
        Destroy(),
    ),
    "of two equal rows the first may be removed, and the second restores": (
        manage("a", STRICT),
        Copy("a", "d"),
        Release(("a",)),
        Destroy(),
    ),
    "two rows that set different values are refused, and the program runs on as it was": (
        manage("a", STRICT),
        manage("a", {"httpPutResponseHopLimit": 3}, row="d"),
        Up(),
        manage("a", {"httpPutResponseHopLimit": 2}, row="d"),
    ),
    "a change that loosens needs a reason": (
        manage("a", STRICT, may_loosen=False),
        manage("a", {"httpTokens": "optional"}, may_loosen=False),
        Up(),
        Reconfigure("a", "restore", may_loosen=True),
    ),
    "without a reason a restore keeps the stricter values and restores everything else": (
        manage("a", {"httpEndpoint": "disabled", "httpTokens": "required"}, may_loosen=False),
        Destroy(),
        manage("b", STRICT, may_loosen=False),
        Reconfigure("b", "retain", may_loosen=True),
        Reconfigure("b", "restore", may_loosen=False),
        Release(("b",)),
    ),
    "a replaced row whose run failed restores nothing that another row manages by then": (
        manage("a", STRICT),
        Assign("a", "b", "describes-refused-from-second"),
        manage("a", STRICT, row="d"),
        Destroy(),
    ),
    "the values from before come from the row that stays on an instance, not from one that leaves it": (
        Drift("c", {"httpTokens": "required"}),
        manage("c", {"httpTokens": "optional"}, wait=False),
        Rename("c", "a", alias=False, fault="connection-lost-after-change"),
        Manage({each: Declaration(each, {"httpTokens": "optional"}, may_loosen=True) for each in ("a", "c")}),
    ),
    "a restore that keeps the stricter tokens does not reapply them when somebody loosens them": (
        manage("a", {"httpTokens": "required", "httpPutResponseHopLimit": 2}, may_loosen=False),
        Release(("a",), "loosened-during-run"),
    ),
    "two stacks treat each other's changes like anybody's": (
        manage("a", STRICT),
        SwitchStack(),
        manage("a", {"httpTokens": "required", "instanceMetadataTags": "enabled"}),
        SwitchStack(),
        Release(("a",)),
        SwitchStack(),
        Refresh(),
        Up(),
        Destroy(),
    ),
}
