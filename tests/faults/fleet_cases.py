"""Rollouts of a fleet under each fault of CloudWatch, its alarms and DescribeInstanceStatus, healthy or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from imds_components.fleet.waves import Rollout, assign
from localcloud.faults import Fault
from tests.model.rollout_fleet import ALARM
from tests.model.rollouts import RolloutSimulation
from tests.model.simulation import ViolationError
from tests.support.offline import OfflineRuns
from tests.support.recording_cloud import RecordingCloud

METRICS, STATUS, ALARMS = "GetMetricData", "DescribeInstanceStatus", "DescribeAlarms"
POSITIONS = (1, 2, 6)
"""The call at which a fault begins: before the first wave, in the first soak, or later."""


@dataclass(frozen=True)
class FleetScenario:
    """What goes wrong: a fault, or settings of the cloud. ``label`` is its name in the model's invariants."""

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


SCENARIOS = (
    FleetScenario("no-data", "no-data", "no-data", times=None),
    FleetScenario("no-data-once", "partial", "no-data"),
    FleetScenario("partial-data", "partial", "partial", times=None),
    FleetScenario("throttled-once", "none", "error", code="Throttling"),
    FleetScenario("throttled-for-ever", "forbidden", "error", code="Throttling", times=None),
    FleetScenario("forbidden", "forbidden", "error", code="AccessDenied", times=None),
    FleetScenario("answer-lost", "none", "drop"),
    FleetScenario("failed-inside", "none", "error", code="InternalServiceFault"),
    FleetScenario("status-throttled-once", "none", "error", STATUS, code="RequestLimitExceeded"),
    FleetScenario("status-forbidden", "forbidden", "error", STATUS, code="UnauthorizedOperation", times=None),
    FleetScenario("status-answer-lost", "none", "drop", STATUS),
    FleetScenario("alarms-throttled-once", "none", "error", ALARMS, code="Throttling"),
    FleetScenario("alarms-throttled-for-ever", "forbidden", "error", ALARMS, code="Throttling", times=None),
    FleetScenario("alarms-forbidden", "forbidden", "error", ALARMS, code="AccessDenied", times=None),
    FleetScenario("alarms-answer-lost", "none", "drop", ALARMS),
    FleetScenario("alarms-never-answered", "forbidden", "drop", ALARMS, times=None),
    FleetScenario("late-by-four-minutes", settings={"metrics_delay": 240.0}),
    FleetScenario("clock-ahead", settings={"clock_skew": 200.0}),
    FleetScenario("clock-behind", settings={"clock_skew": -200.0}),
)


@dataclass(frozen=True)
class FleetCase:
    """A rollout: what goes wrong, from which call on, and whether its first instance is unhealthy."""

    scenario: FleetScenario
    nth: int
    unhealthy: bool

    def __str__(self) -> str:
        return f"fleet/{self.scenario.name}/{self.nth}/{'unhealthy' if self.unhealthy else 'healthy'}"


def all_fleet_cases() -> list[FleetCase]:
    return [
        FleetCase(scenario, nth, unhealthy)
        for scenario in SCENARIOS
        for nth in (POSITIONS if scenario.effect else POSITIONS[:1])
        for unhealthy in (False, True)
    ]


@dataclass(frozen=True)
class FleetResult:
    """How a rollout ended: ``converged``, ``stopped`` with a reason, or in a violation."""

    case: FleetCase
    outcome: str
    violation: str = ""


def run_fleet_cases(cases: Iterable[FleetCase]) -> list[FleetResult]:
    """Run all of them on one cloud in this process."""
    cloud = RecordingCloud()
    runs = OfflineRuns(cloud)
    with runs.ready():
        return [_run(case, cloud, runs) for case in cases]


def _run(case: FleetCase, cloud: RecordingCloud, runs: OfflineRuns) -> FleetResult:
    try:
        return FleetResult(case, _outcome(case, RolloutSimulation(cloud, runs)))
    except ViolationError as error:
        return FleetResult(case, "wrong", str(error))
    finally:
        cloud.settings(clock_skew=0.0)


def _outcome(case: FleetCase, simulation: RolloutSimulation) -> str:
    """Roll out in the scenario and then without it. The invariants hold each time, and the second run decides."""
    simulation.cloud.settings(**(case.scenario.settings or {}))
    if case.scenario.action == ALARMS:
        simulation.fleet = replace(simulation.fleet, alarms=(ALARM,))
    first = _first(simulation.living())
    if case.unhealthy:
        simulation.call(first)
    simulation.up(case.scenario.label, faults=case.scenario.faults(case.nth))
    # A run without data may have gone on; by now CloudWatch has some.
    simulation.cloud.advance(1200)
    ended = simulation.up()
    if not case.unhealthy:
        if ended.failed:
            raise ViolationError(f"without the fault the rollout does not end: {ended.text[-600:]}")
        return "converged"
    still_optional = [each for each in simulation.living() if simulation.tokens(each) == "optional"]
    if still_optional and f"{first}: refused" not in ended.text:
        raise ViolationError(f"{first} is not named: {ended.text[-600:]}")
    return "stopped"


def _first(ids: Sequence[str]) -> str:
    return assign(ids, Rollout(waves=[1, "100%"]))[1][0]


def summary(results: Sequence[FleetResult]) -> str:
    counted = Counter(each.outcome for each in results)
    return (
        f"fleets: {len(results)} cases, {counted['converged']} converged, {counted['stopped']} stopped clearly, "
        f"{counted['wrong']} wrong"
    )
