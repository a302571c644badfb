"""Sequences that have shown something, or that hold a rule which is easily broken, each under a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from imds_provider.rules.options import Options
from tests.model.steps import (
    Assign,
    Behind,
    Copy,
    Destroy,
    Launch,
    Manage,
    Merge,
    Move,
    OnDestroy,
    Promise,
    Refresh,
    Release,
    Rename,
    Split,
    Step,
    Swap,
    Switch,
    Trouble,
    Up,
    Wish,
)


def manage(
    slot: str,
    options: Options,
    trouble: Trouble = "none",
    *,
    row: str | None = None,
    wait: bool = True,
    on_destroy: OnDestroy = "restore",
    may_loosen: bool = True,
) -> Manage:
    """A run of the program whose row, of the slot's name unless it has another, says this of a slot."""
    wish = Wish(slot, options, wait=wait, on_destroy=on_destroy, may_loosen=may_loosen)
    return Manage({row or slot: wish}, trouble)


STRICT: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}

SEQUENCES: Mapping[str, tuple[Step, ...]] = {
    "what EC2 took unseen is recorded and put back in the end": (
        manage("a", {"httpPutResponseHopLimit": 2}, "blind-after"),
        Up(),
        Destroy(),
    ),
    "an option taken up again is put back as it was then": (
        manage("a", {"httpTokens": "required", "httpPutResponseHopLimit": 3}),
        manage("a", {"httpTokens": "required"}),
        Behind("a", {"httpPutResponseHopLimit": 64}),
        manage("a", {"httpTokens": "required", "httpPutResponseHopLimit": 2}),
        Release(("a",)),
    ),
    "what cannot apply while the endpoint is off is brought about once it is on": (
        manage("a", {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 2, "instanceMetadataTags": "enabled"}),
        manage("a", {"httpEndpoint": "disabled", "httpPutResponseHopLimit": 3, "instanceMetadataTags": "enabled"}),
        manage("a", {"httpEndpoint": "enabled", "httpPutResponseHopLimit": 3, "instanceMetadataTags": "enabled"}),
        Refresh(),
    ),
    "a refused look during the wait leaves a change that somebody loosens before the next run": (
        manage("a", {"httpTokens": "required"}, "lost-sight"),
        Behind("a", {"httpTokens": "optional", "httpPutResponseHopLimit": 3}),
        Up(),
        Refresh(),
        Up(),
        Destroy(),
    ),
    "a barrier that failed puts right what somebody has changed since": (
        manage("a", {"httpTokens": "required"}, "second-look-refused", wait=False),
        Behind("a", {"httpTokens": "optional"}),
        Up(),
        Refresh(),
        Up(),
    ),
    "an old answer to the wait does not count as applied": (
        manage("a", {"httpTokens": "required"}),
        manage("a", {"httpTokens": "optional"}, "stale"),
        manage("a", {"httpTokens": "required", "httpEndpoint": "disabled"}, "stale"),
    ),
    "a stopped instance has its change at the next start, and its row knows after a refresh": (
        Move("a", "stop"),
        manage("a", {"httpTokens": "required"}),
        Move("a", "start"),
        Up(),
        Refresh(),
        Up(),
    ),
    "a row goes over to the instance that follows a terminated one": (
        manage("a", {"httpTokens": "required"}),
        Move("a", "terminate"),
        Up(),
        Launch("a", {"httpPutResponseHopLimit": 64}),
        Up("dropped-after"),
        Up(),
        Destroy(),
    ),
    "tokens that somebody has made required stay so when another option changes": (
        manage("a", {"httpPutResponseHopLimit": 2}),
        Behind("a", {"httpTokens": "required"}),
        manage("a", {"httpPutResponseHopLimit": 3}),
        Destroy(),
    ),
    "a renamed row restores nothing, and knows what was there before only through aliases": (
        manage("a", STRICT),
        Rename("a", "d", alias=True),
        Rename("d", "b", alias=False),
        Up(),
        Destroy(),
    ),
    "rows that exchange their instances hand over what was there before": (
        manage("a", STRICT),
        manage("b", {"httpTokens": "required", "httpPutResponseHopLimit": 3}),
        Behind("a", {"httpPutResponseHopLimit": 64}),
        Swap("a", "b"),
        Release(("a",)),
        Destroy(),
    ),
    "an instance that moves to another row of the program is not loosened by the one that it leaves": (
        manage("a", STRICT),
        manage("b", STRICT),
        Assign("b", "a"),
        Release(("a",)),
        Destroy(),
    ),
    "options that are split off and merged again are put back as they were before the first row": (
        manage("a", STRICT),
        Split("a", "d", frozenset({"httpTokens"})),
        Behind("a", {"httpTokens": "optional"}),
        Refresh(),
        Up(),
        Merge("a", "d"),
        Destroy(),
    ),
    "of two rows that say the same the first may go, and the second puts it back": (
        manage("a", STRICT),
        Copy("a", "d"),
        Release(("a",)),
        Destroy(),
    ),
    "two rows that decide differently are refused, and the program goes on as it was": (
        manage("a", STRICT),
        manage("a", {"httpPutResponseHopLimit": 3}, row="d"),
        Up(),
        manage("a", {"httpPutResponseHopLimit": 2}, row="d"),
    ),
    "what loosens waits for a reason": (
        manage("a", STRICT, may_loosen=False),
        manage("a", {"httpTokens": "optional"}, may_loosen=False),
        Up(),
        Promise("a", "restore", may_loosen=True),
    ),
    "without a reason a restore keeps what is stricter and puts everything else back": (
        manage("a", {"httpEndpoint": "disabled", "httpTokens": "required"}, may_loosen=False),
        Destroy(),
        manage("b", STRICT, may_loosen=False),
        Promise("b", "retain", may_loosen=True),
        Promise("b", "restore", may_loosen=False),
        Release(("b",)),
    ),
    "a replaced row whose run failed restores nothing later that another row manages by then": (
        manage("a", STRICT),
        Assign("a", "b", "lost-sight"),
        manage("a", STRICT, row="d"),
        Destroy(),
    ),
    "a row that leaves an instance hides nothing that one which stays on it knows better": (
        Behind("c", {"httpTokens": "required"}),
        manage("c", {"httpTokens": "optional"}, wait=False),
        Rename("c", "a", alias=False, trouble="blind-after"),
        Manage({each: Wish(each, {"httpTokens": "optional"}, may_loosen=True) for each in ("a", "c")}),
    ),
    "two stacks of one process see each other's changes as anybody's": (
        manage("a", STRICT),
        Switch(),
        manage("a", {"httpTokens": "required", "instanceMetadataTags": "enabled"}),
        Switch(),
        Release(("a",)),
        Switch(),
        Refresh(),
        Up(),
        Destroy(),
    ),
}
