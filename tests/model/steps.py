"""What can happen, one step at a time: to the instances, to the program, and in a run of Pulumi.

Instances stand in a few slots. A slot's instance may end and be followed by another; the program has at most one row
for each slot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from imds_provider.options import Options
from localcloud.faults import Fault

SLOTS = ("a", "b", "c")

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
    """What the program says of a slot's instance."""

    options: Options
    wait: bool = True
    on_destroy: OnDestroy = "retain"


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
    """The program says something else of these slots, and is run."""

    wishes: Mapping[str, Wish]
    trouble: Trouble = "none"


@dataclass(frozen=True)
class Release:
    """The program says nothing of these slots any more, and is run."""

    slots: tuple[str, ...]
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


Step = Launch | Move | Behind | Manage | Release | Up | Refresh | Destroy
