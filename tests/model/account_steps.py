"""What can happen to an account's defaults, one step at a time.

The steps are those of the instances (`steps`), with a region in place of a slot and defaults in place of options: each
row of a program is for the defaults of one region, and a region may have several.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from hypothesis import strategies as st

from imds_provider.rules.account_defaults import DEFAULT_NAMES
from imds_provider.rules.options import Options
from localcloud.faults import Fault
from tests.model.steps import (
    Assign,
    Copy,
    Declaration,
    Declarations,
    Destroy,
    Drift,
    Edit,
    Manage,
    Merge,
    OnDestroy,
    Reconfigure,
    Refresh,
    Release,
    Rename,
    Split,
    SwitchStack,
    Up,
)
from tests.support.provider_run import REGION

REGIONS = (REGION, "us-west-2")
ROWS = ("a", "b", "c", "d")

GET = "GetInstanceMetadataDefaults"
MODIFY = "ModifyInstanceMetadataDefaults"
TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Trouble:
    """What goes wrong in a run.

    ``delay`` is how many seconds later than it is in force a change shows. ``must_survive``: no run fails of it.
    """

    faults: tuple[Fault, ...] = ()
    delay: float = 0.0
    must_survive: bool = False


def _change(times: int | None = 1, **defaults: str | int) -> Fault:
    return Fault("change", MODIFY, after=True, times=times, defaults=defaults)


TROUBLES: Mapping[str, Trouble] = {
    "none": Trouble(must_survive=True),
    "modify-refused": Trouble((Fault("error", MODIFY, code="UnauthorizedOperation"),)),
    "second-modify-refused": Trouble((Fault("error", MODIFY, nth=2, code="UnauthorizedOperation"),)),
    "modify-refused-by-policy": Trouble((Fault("error", MODIFY, code="DeclarativePolicyViolation"),)),
    "modify-fails": Trouble((Fault("error", MODIFY, times=3),)),
    "modify-fails-after-change": Trouble((Fault("error", MODIFY, times=3, after=True),)),
    "modify-fails-once-after-change": Trouble((Fault("error", MODIFY, after=True),), must_survive=True),
    "modify-dropped": Trouble((Fault("drop", MODIFY, times=3),)),
    "modify-dropped-after-change": Trouble((Fault("drop", MODIFY, times=3, after=True),)),
    "modify-truncated": Trouble((Fault("truncate", MODIFY),), must_survive=True),
    "get-refused": Trouble((Fault("error", GET, code="UnauthorizedOperation"),)),
    "second-get-refused": Trouble((Fault("error", GET, nth=2, code="UnauthorizedOperation"),)),
    "gets-dropped": Trouble((Fault("drop", GET, times=3),)),
    "gets-dropped-from-second": Trouble((Fault("drop", GET, nth=2, times=4),)),
    "get-truncated": Trouble((Fault("truncate", GET),)),
    "connection-lost-after-change": Trouble(
        (Fault("drop", MODIFY, after=True, times=None), Fault("drop", GET, nth=2, times=None))
    ),
    "throttled-twice": Trouble((Fault("error", "*", code="RequestLimitExceeded", times=2),), must_survive=True),
    "throttled-for-ever": Trouble((Fault("error", "*", nth=2, code="RequestLimitExceeded", times=None),)),
    "slow-to-show": Trouble(delay=4.0, must_survive=True),
    "slower-than-the-deadline": Trouble(delay=45.0),
    "lost-and-slow-to-show": Trouble((Fault("drop", MODIFY, after=True, times=3),), delay=4.0),
    "changed-during-run": Trouble((_change(HttpPutResponseHopLimit=5),), must_survive=True),
    "changed-again-and-again": Trouble((_change(None, HttpPutResponseHopLimit=5),)),
    "loosened-during-run": Trouble((_change(HttpTokens="optional"),)),
    "cleared-during-run": Trouble((_change(HttpTokens="no-preference", HttpTokensEnforced="no-preference"),)),
    "tightened-during-run": Trouble((_change(HttpTokens="required", HttpEndpoint="disabled"),)),
}
"""What may go wrong with EC2 during a run, or be changed by somebody else, by name."""


@dataclass(frozen=True)
class Policy:
    """Have the organization decide the defaults of a region, or no longer if ``values`` is None."""

    region: str
    values: Options | None


Step = Policy | Drift | Edit | Up | Refresh | Destroy | SwitchStack

_SWITCH = st.sampled_from(["enabled", "disabled", "no-preference"])
_VALUES: dict[str, st.SearchStrategy[str | int]] = {
    "httpTokens": st.sampled_from(["required", "required", "optional", "no-preference"]),
    "httpPutResponseHopLimit": st.sampled_from([1, 2, 64, -1]),
    "httpEndpoint": _SWITCH,
    "instanceMetadataTags": _SWITCH,
    "httpTokensEnforced": _SWITCH,
}


def contradicts(values: Options) -> bool:
    """Whether optional tokens would be the default where IMDSv2 is enforced."""
    return values.get("httpTokens") == "optional" and values.get("httpTokensEnforced") == "enabled"


def defaults(at_least: int) -> st.SearchStrategy[Options]:
    """Some of the defaults, at least so many, that may be set together."""
    chosen: st.SearchStrategy[dict[str, str | int]] = st.fixed_dictionaries({}, optional=_VALUES)
    return chosen.filter(lambda each: len(each) >= at_least and not contradicts(each))


SETTINGS = st.fixed_dictionaries({name: st.booleans() for name in ("surveyed", "throttle", "repeat")})
"""``surveyed``: the rows belong to components, which pass on what differs from the live defaults."""
_REGION = st.sampled_from([REGIONS[0], *REGIONS])
_FAULT = st.sampled_from(["none"] * len(TROUBLES) + list(TROUBLES))
_ON_DESTROY: st.SearchStrategy[OnDestroy] = st.sampled_from(["retain", "restore", "restore"])
_DECLARATION = st.builds(
    Declaration, _REGION, defaults(1), on_destroy=_ON_DESTROY, may_loosen=st.sampled_from([True, True, False])
)
_DECLARATIONS: st.SearchStrategy[Declarations] = st.dictionaries(
    st.sampled_from(ROWS), _DECLARATION, min_size=1, max_size=2
)
MANAGE = st.builds(Manage, _DECLARATIONS, _FAULT, st.sampled_from([True] * 5 + [False]))
_NAMES = st.sets(st.sampled_from(DEFAULT_NAMES), min_size=1, max_size=3).map(frozenset)

KINDS = (
    *("drift", "drift", "drift", "policy", "switch-stack"),
    *("manage", "manage", "manage", "change", "change", "change", "up", "up", "refresh", "destroy"),
    *("release", "release", "rename", "rename", "split", "split", "merge", "copy", "move", "reconfigure"),
)
"""The kinds of steps, each as often as it is likely."""


@cache
def steps(kind: str, rows: tuple[str, ...]) -> st.SearchStrategy[Step] | None:
    """The possible steps of a kind for a program with these rows, if there are any."""
    found: dict[str, Callable[[], st.SearchStrategy[Step]]] = {
        "drift": lambda: st.builds(Drift, _REGION, defaults(1)),
        "policy": lambda: st.builds(Policy, _REGION, st.one_of(st.none(), st.none(), defaults(0))),
        "manage": lambda: MANAGE,
        "up": lambda: st.builds(Up, _FAULT),
        "refresh": lambda: st.builds(Refresh, _FAULT),
        "destroy": lambda: st.builds(Destroy, _FAULT),
        "switch-stack": lambda: st.just(SwitchStack()),
    }
    found |= _edits(rows)
    return found[kind]() if kind in found else None


def _edits(rows: tuple[str, ...]) -> dict[str, Callable[[], st.SearchStrategy[Step]]]:
    """The steps that edit a program with these rows."""
    if not rows:
        return {}
    row, new = st.sampled_from(rows), st.sampled_from([each for each in ROWS if each not in rows] or ROWS)
    found: dict[str, Callable[[], st.SearchStrategy[Step]]] = {
        "change": lambda: st.builds(
            lambda name, declared, fault: Manage({name: replace(declared, slot=REGIONS[0])}, fault, agreeing=True),
            row,
            _DECLARATION,
            _FAULT,
        ),
        "release": lambda: st.builds(Release, st.lists(row, min_size=1, max_size=2, unique=True).map(tuple), _FAULT),
        "move": lambda: st.builds(Assign, row, _REGION, _FAULT),
        "reconfigure": lambda: st.builds(Reconfigure, row, _ON_DESTROY, st.booleans(), _FAULT),
    }
    if len(rows) > 1:
        two = st.lists(row, min_size=2, max_size=2, unique=True)
        found["merge"] = lambda: st.builds(lambda both, fault: Merge(both[0], both[1], fault), two, _FAULT)
    if len(rows) < len(ROWS):
        found["rename"] = lambda: st.builds(Rename, row, new, st.booleans(), _FAULT)
        found["copy"] = lambda: st.builds(Copy, row, new, _FAULT)
        found["split"] = lambda: st.builds(Split, row, new, _NAMES, _FAULT)
    return found
