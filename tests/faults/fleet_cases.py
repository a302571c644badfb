"""Rollouts of a fleet under each fault of CloudWatch and DescribeInstanceStatus, healthy or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imds_components.fleet.waves import Rollout, assign
from localcloud.faults import Fault
from tests.model.rollouts import Story
from tests.support.offline import OfflineRuns
from tests.support.recording_cloud import RecordingCloud

METRICS, STATUS = "GetMetricData", "DescribeInstanceStatus"
POSITIONS = (1, 2, 6)
"""At which call of its kind a fault begins: before the first wave, in the first soak, and later."""


@dataclass(frozen=True)
class FleetTrouble:
    """What goes wrong: a fault, or settings of the cloud. ``label`` is what the rules of the model know it by."""

    name: str
    label: str = "none"
    effect: str | None = None
    action: str = METRICS
    code: str = "InternalError"
    times: int | None = 1
    settings: Mapping[str, float] | None = None

    def faults(self, nth: int) -> tuple[Fault, ...]:
        if self.effect is None:
            return ()
        return (Fault(self.effect, self.action, nth=nth, code=self.code, times=self.times),)  # type: ignore[arg-type]  # one of them


TROUBLES = (
    FleetTrouble("no-data", "no-data", "no-data", times=None),
    FleetTrouble("no-data-once", "partial", "no-data"),
    FleetTrouble("partial-data", "partial", "partial", times=None),
    FleetTrouble("throttled-once", "none", "error", code="Throttling"),
    FleetTrouble("throttled-for-ever", "forbidden", "error", code="Throttling", times=None),
    FleetTrouble("forbidden", "forbidden", "error", code="AccessDenied", times=None),
    FleetTrouble("answer-lost", "none", "drop"),
    FleetTrouble("failed-inside", "none", "error", code="InternalServiceFault"),
    FleetTrouble("status-throttled-once", "none", "error", STATUS, code="RequestLimitExceeded"),
    FleetTrouble("status-forbidden", "forbidden", "error", STATUS, code="UnauthorizedOperation", times=None),
    FleetTrouble("status-answer-lost", "none", "drop", STATUS),
    FleetTrouble("late-by-four-minutes", settings={"metrics_delay": 240.0}),
    FleetTrouble("clock-ahead", settings={"clock_skew": 200.0}),
    FleetTrouble("clock-behind", settings={"clock_skew": -200.0}),
)


@dataclass(frozen=True)
class FleetCell:
    """A rollout: what goes wrong, from which call on, and whether its first instance refuses calls."""

    trouble: FleetTrouble
    nth: int
    sick: bool

    def __str__(self) -> str:
        return f"fleet/{self.trouble.name}/{self.nth}/{'sick' if self.sick else 'healthy'}"


def every_fleet_cell() -> list[FleetCell]:
    return [
        FleetCell(trouble, nth, sick)
        for trouble in TROUBLES
        for nth in (POSITIONS if trouble.effect else POSITIONS[:1])
        for sick in (False, True)
    ]


@dataclass(frozen=True)
class FleetResult:
    """How a rollout ended: ``converged``, ``stopped`` with a reason, or in a violation."""

    cell: FleetCell
    outcome: str
    violation: str = ""


def run_cells(cells: Iterable[FleetCell]) -> list[FleetResult]:
    """Play all of them on one cloud in this process."""
    cloud = RecordingCloud()
    runs = OfflineRuns(cloud)
    with runs.ready():
        return [_run(cell, cloud, runs) for cell in cells]


def _run(cell: FleetCell, cloud: RecordingCloud, runs: OfflineRuns) -> FleetResult:
    try:
        return FleetResult(cell, _outcome(cell, Story(cloud, runs)))
    except AssertionError as error:
        return FleetResult(cell, "wrong", str(error))
    finally:
        cloud.settings(clock_skew=0.0)


def _outcome(cell: FleetCell, story: Story) -> str:
    """Roll out under the trouble, and then without it: what must hold does each time, and the second run decides."""
    story.cloud.settings(**(cell.trouble.settings or {}))
    first = _first(story.living())
    if cell.sick:
        story.call(first)
    story.up(cell.trouble.label, faults=cell.trouble.faults(cell.nth))
    # A blind run may have gone on; by now CloudWatch knows.
    story.cloud.advance(1200)
    ended = story.up()
    if not cell.sick:
        assert not ended.failed, f"without the trouble the rollout does not end: {ended.text[-600:]}"
        return "converged"
    still_optional = [each for each in story.living() if story.tokens(each) == "optional"]
    assert f"{first}: refused" in ended.text or not still_optional, f"{first} is not named: {ended.text[-600:]}"
    return "stopped"


def _first(ids: Sequence[str]) -> str:
    return assign(ids, Rollout(waves=[1, "100%"]))[1][0]


def summary(results: Sequence[FleetResult]) -> str:
    counted = Counter(each.outcome for each in results)
    return (
        f"fleets: {len(results)} cells, {counted['converged']} converged, {counted['stopped']} stopped clearly, "
        f"{counted['wrong']} wrong"
    )
