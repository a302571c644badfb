"""What can happen, one step at a time: to the instances, to the program, and in a run of Pulumi.

Each slot holds one instance at a time, which may be terminated and replaced by another. The program declares rows: the
resources, each for the instance of one slot. A slot may have several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from imds_provider.rules.options import Options
from localcloud.faults import Fault

SLOTS = ("a", "b", "c")
ROWS = ("a", "b", "c", "d")
"""The names a row may have; they do not say which slot it is for."""

DESCRIBE = "DescribeInstances"
MODIFY = "ModifyInstanceMetadataOptions"

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "none": (),
    "modify-refused": (Fault("error", MODIFY, code="UnauthorizedOperation"),),
    "describe-refused": (Fault("error", DESCRIBE, code="UnauthorizedOperation"),),
    "modify-fails": (Fault("error", MODIFY, times=3),),
    "modify-fails-after-change": (Fault("error", MODIFY, times=3, after=True),),
    "modify-fails-once-after-change": (Fault("error", MODIFY, after=True),),
    "modify-dropped": (Fault("drop", MODIFY, times=3),),
    "modify-dropped-after-change": (Fault("drop", MODIFY, times=3, after=True),),
    "describes-dropped": (Fault("drop", DESCRIBE, nth=2, times=4),),
    "modify-truncated": (Fault("truncate", MODIFY),),
    "describe-truncated": (Fault("truncate", DESCRIBE, nth=2),),
    "connection-lost-after-change": (
        Fault("drop", MODIFY, after=True, times=None),
        Fault("drop", DESCRIBE, nth=2, times=None),
    ),
    "describes-refused-from-second": (Fault("error", DESCRIBE, nth=2, times=None, code="UnauthorizedOperation"),),
    "second-describe-refused": (Fault("error", DESCRIBE, nth=2, code="UnauthorizedOperation"),),
    "describes-stale": (Fault("stale", DESCRIBE, times=6, seconds=30.0),),
    "throttled-twice": (Fault("error", "*", code="RequestLimitExceeded", times=2),),
    "throttled-12-times": (Fault("error", "*", nth=2, code="RequestLimitExceeded", times=12),),
    "second-modify-refused": (Fault("error", MODIFY, nth=2, code="UnauthorizedOperation"),),
    "stuck-pending": (Fault("stuck", MODIFY),),
    "loosened-during-run": (Fault("change", MODIFY, after=True, options={"HttpTokens": "optional"}),),
    "changed-during-run": (Fault("change", MODIFY, after=True, options={"HttpPutResponseHopLimit": 5}),),
    "stopped-during-run": (Fault("stop", MODIFY, after=True),),
    "terminated-during-run": (Fault("terminate", MODIFY, after=True),),
}
"""What may go wrong with EC2 during a run, or be changed by somebody else, by name."""

TOLERATED = (
    "modify-fails-once-after-change",
    "modify-truncated",
    "describes-stale",
    "throttled-twice",
    "loosened-during-run",
    "changed-during-run",
)
"""Faults that must not make a run fail."""

FaultName = str
OnDestroy = Literal["retain", "restore"]


@dataclass(frozen=True)
class Declaration:
    """What the program declares for one row. ``may_loosen``: it gives a reason in ``allow_downgrade``."""

    slot: str
    options: Options
    wait: bool = True
    on_destroy: OnDestroy = "retain"
    may_loosen: bool = False
    aliases: tuple[str, ...] = ()


Declarations = Mapping[str, Declaration]
"""A program: its declarations by row name, in order."""


@dataclass(frozen=True)
class Launch:
    """Launch another instance in a slot whose last one is terminated."""

    slot: str
    options: Options = field(default_factory=dict)


@dataclass(frozen=True)
class StateChange:
    """Stop, start or terminate the instance."""

    slot: str
    verb: Literal["stop", "start", "terminate"]


@dataclass(frozen=True)
class Drift:
    """Change options outside Pulumi."""

    slot: str
    options: Options


@dataclass(frozen=True)
class Manage:
    """Declare these rows and run the program. ``agreeing``: use the values that other rows already set."""

    declarations: Declarations
    fault: FaultName = "none"
    agreeing: bool = False


@dataclass(frozen=True)
class Release:
    """Remove these rows from the program and run it."""

    rows: tuple[str, ...]
    fault: FaultName = "none"


@dataclass(frozen=True)
class Rename:
    """Rename a row, with or without declaring an alias, and run the program."""

    row: str
    new: str
    alias: bool
    fault: FaultName = "none"


@dataclass(frozen=True)
class Assign:
    """Point a row to the instance of another slot and run the program."""

    row: str
    slot: str
    fault: FaultName = "none"


@dataclass(frozen=True)
class Swap:
    """Exchange the instances of two rows and run the program."""

    row: str
    other: str
    fault: FaultName = "none"


@dataclass(frozen=True)
class Split:
    """Hand these options over to a new row for the same instance and run the program."""

    row: str
    new: str
    names: frozenset[str]
    fault: FaultName = "none"


@dataclass(frozen=True)
class Merge:
    """Let a row take over the options of another one for the same instance and run the program."""

    row: str
    other: str
    fault: FaultName = "none"


@dataclass(frozen=True)
class Copy:
    """Declare the same for the same instance in a second row and run the program."""

    row: str
    new: str
    fault: FaultName = "none"


@dataclass(frozen=True)
class Reconfigure:
    """Change ``on_destroy`` and the reason to loosen of a row and run the program."""

    row: str
    on_destroy: OnDestroy
    may_loosen: bool
    fault: FaultName = "none"


@dataclass(frozen=True)
class Up:
    """`pulumi up` with an unchanged program."""

    fault: FaultName = "none"


@dataclass(frozen=True)
class Refresh:
    """`pulumi refresh`."""

    fault: FaultName = "none"


@dataclass(frozen=True)
class Destroy:
    """`pulumi destroy`; the program is not changed."""

    fault: FaultName = "none"


@dataclass(frozen=True)
class SwitchStack:
    """Continue with the other stack, which may manage the same instances."""


Edit = Manage | Release | Rename | Assign | Swap | Split | Merge | Copy | Reconfigure
Step = Launch | StateChange | Drift | Edit | Up | Refresh | Destroy | SwitchStack
