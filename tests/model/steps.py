"""What can happen, one step at a time: to the instances, to the program, and in a run of Pulumi.

Instances stand in a few slots. A slot's instance may end and be followed by another. The program has rows, each for the
instance of one slot; a slot may have several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from imds_provider.rules.options import Options
from localcloud.faults import Fault

SLOTS = ("a", "b", "c")
ROWS = ("a", "b", "c", "d")
"""What a row may be called, which says nothing of its slot."""

DESCRIBE = "DescribeInstances"
MODIFY = "ModifyInstanceMetadataOptions"

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "none": (),
    "refused-modify": (Fault("error", MODIFY, code="UnauthorizedOperation"),),
    "refused-look": (Fault("error", DESCRIBE, code="UnauthorizedOperation"),),
    "error-before": (Fault("error", MODIFY, times=3),),
    "error-after": (Fault("error", MODIFY, times=3, after=True),),
    "error-after-once": (Fault("error", MODIFY, after=True),),
    "dropped": (Fault("drop", MODIFY, times=3),),
    "dropped-after": (Fault("drop", MODIFY, times=3, after=True),),
    "dropped-looks": (Fault("drop", DESCRIBE, nth=2, times=4),),
    "truncated-modify": (Fault("truncate", MODIFY),),
    "truncated-look": (Fault("truncate", DESCRIBE, nth=2),),
    "blind-after": (Fault("drop", MODIFY, after=True, times=None), Fault("drop", DESCRIBE, nth=2, times=None)),
    "lost-sight": (Fault("error", DESCRIBE, nth=2, times=None, code="UnauthorizedOperation"),),
    "second-look-refused": (Fault("error", DESCRIBE, nth=2, code="UnauthorizedOperation"),),
    "stale": (Fault("stale", DESCRIBE, times=6, seconds=30.0),),
    "throttled": (Fault("error", "*", code="RequestLimitExceeded", times=2),),
    "throttled-long": (Fault("error", "*", nth=2, code="RequestLimitExceeded", times=12),),
    "second-refused": (Fault("error", MODIFY, nth=2, code="UnauthorizedOperation"),),
    "stuck": (Fault("stuck", MODIFY),),
    "loosened-meanwhile": (Fault("change", MODIFY, after=True, options={"HttpTokens": "optional"}),),
    "changed-meanwhile": (Fault("change", MODIFY, after=True, options={"HttpPutResponseHopLimit": 5}),),
    "stopped-meanwhile": (Fault("stop", MODIFY, after=True),),
    "terminated-meanwhile": (Fault("terminate", MODIFY, after=True),),
}
"""What EC2 may do wrong in a run, or somebody else meanwhile, by name."""

SURVIVED = (
    "error-after-once",
    "truncated-modify",
    "stale",
    "throttled",
    "loosened-meanwhile",
    "changed-meanwhile",
)
"""What no run may fail of."""

Trouble = str
OnDestroy = Literal["retain", "restore"]


@dataclass(frozen=True)
class Wish:
    """What a row of the program says of a slot's instance. ``may_loosen`` where it gives a reason for that."""

    slot: str
    options: Options
    wait: bool = True
    on_destroy: OnDestroy = "retain"
    may_loosen: bool = False
    aliases: tuple[str, ...] = ()


Wishes = Mapping[str, Wish]
"""A program: its rows by name, in order."""


@dataclass(frozen=True)
class Launch:
    """Another instance in a slot whose last one has ended."""

    slot: str
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class Move:
    """Somebody stops, starts or terminates the instance."""

    slot: str
    verb: Literal["stop", "start", "terminate"]


@dataclass(frozen=True)
class Behind:
    """Somebody changes options behind Pulumi's back."""

    slot: str
    options: Options


@dataclass(frozen=True)
class Manage:
    """The program says this of these rows, and is run. Where they are ``agreeing``, as other rows decide already."""

    wishes: Wishes
    trouble: Trouble = "none"
    agreeing: bool = False


@dataclass(frozen=True)
class Release:
    """The program has these rows no more, and is run."""

    rows: tuple[str, ...]
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Rename:
    """A row is called otherwise, declared in ``aliases`` or not, and the program is run."""

    row: str
    new: str
    alias: bool
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Assign:
    """A row is for another instance, and the program is run."""

    row: str
    slot: str
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Swap:
    """Two rows exchange their instances, and the program is run."""

    row: str
    other: str
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Split:
    """A new row for the same instance takes these options over, and the program is run."""

    row: str
    new: str
    names: frozenset[str]
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Merge:
    """A row takes over the options of another one for the same instance, and the program is run."""

    row: str
    other: str
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Copy:
    """Another row says the same of the same instance, and the program is run."""

    row: str
    new: str
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Promise:
    """A row says otherwise what becomes of its instance on its end, and whether it may be loosened: a run of that."""

    row: str
    on_destroy: OnDestroy
    may_loosen: bool
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Up:
    """The program is run as it is."""

    trouble: Trouble = "none"


@dataclass(frozen=True)
class Refresh:
    """`pulumi refresh`."""

    trouble: Trouble = "none"


@dataclass(frozen=True)
class Destroy:
    """`pulumi destroy`; the program stays what it is."""

    trouble: Trouble = "none"


@dataclass(frozen=True)
class Switch:
    """From now on the steps are those of the other stack, which may manage the same instances."""


Edit = Manage | Release | Rename | Assign | Swap | Split | Merge | Copy | Promise
Step = Launch | Move | Behind | Edit | Up | Refresh | Destroy | Switch
