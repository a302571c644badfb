"""Random sequences until so many steps were taken, in rounds that each have a seed of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from imds_provider.host.run_state import RunState
from tests.model.runs import RunsInProcess
from tests.model.simulation import Simulation, ViolationError
from tests.model.state_machine import Model
from tests.support.offline import OfflineCloud, OfflineRuns

SEQUENCES = 25
"""The sequences of a round: about 1,000 steps."""
STEPS = 50
"""The most steps of a sequence."""


@dataclass(frozen=True)
class Violated:
    """A violation with the shortest sequence that hypothesis finds for it, and the seed of its round."""

    seed: int
    text: str


@dataclass(frozen=True)
class Found:
    """The steps that were taken, the violation if there was one, and the number of sequences by the real engine."""

    steps: int
    violated: Violated | None = None
    sequences: int | None = None


def search(steps: int, first_seed: int, *, shrink: bool = True, new_state: Callable[[], RunState] = RunState) -> Found:
    """Take at least so many steps in this process, fewer if something is found.

    ``new_state`` makes what a run knows of its resources.
    """
    cloud = OfflineCloud()
    runs = OfflineRuns(cloud, new_state)

    class InProcessModel(Model):
        @classmethod
        def begin(cls, settings: dict[str, object]) -> Simulation:
            settings.pop("in_components")
            return Simulation(cloud, [RunsInProcess(runs), RunsInProcess(runs)], settings)

    number = first_seed
    with runs.ready():
        while InProcessModel.taken < steps:
            if violated := explore(InProcessModel, number, sequences=SEQUENCES, steps=STEPS, shrink=shrink):
                return Found(InProcessModel.taken, violated)
            number += 1
    return Found(InProcessModel.taken)


def explore(
    machine: type[RuleBasedStateMachine], number: int, *, sequences: int, steps: int, shrink: bool = True
) -> Violated | None:
    """Run sequences generated from a seed, each of at most so many steps."""
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    given = settings(
        max_examples=sequences,
        stateful_step_count=steps,
        phases=phases,
        deadline=None,
        database=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(machine), settings=given)
    except ViolationError as error:
        return Violated(number, "\n".join([str(error), *getattr(error, "__notes__", ())]))
    return None
