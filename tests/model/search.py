"""Random sequences until so many steps were taken, each round of them from a seed of its own."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.runs import RunsHere
from tests.model.simulation import Story, ViolationError
from tests.model.state_machine import Model
from tests.support.offline import OfflineCloud, OfflineRuns

SEQUENCES = 50
"""How many sequences a round has."""
STEPS = 50
"""How many steps a sequence has at most."""


@dataclass(frozen=True)
class Violated:
    """A violation, in full and made as small as hypothesis can, with the seed of the round that met it."""

    seed: int
    text: str


@dataclass(frozen=True)
class Found:
    """How many steps were taken, what the search ended with, if anything, and how many sequences that were, if few."""

    steps: int
    violated: Violated | None = None
    sequences: int | None = None


def search(steps: int, first_seed: int, *, shrink: bool = True) -> Found:
    """Take at least so many steps in this process, fewer if something is found."""
    cloud = OfflineCloud()
    runs = OfflineRuns(cloud)

    class Here(Model):
        @classmethod
        def begin(cls, settings: dict[str, object]) -> Story:
            settings.pop("in_components")
            return Story(cloud, [RunsHere(runs), RunsHere(runs)], settings)

    number = first_seed
    with runs.ready():
        while Here.taken < steps:
            if violated := explore(Here, number, sequences=SEQUENCES, steps=STEPS, shrink=shrink):
                return Found(Here.taken, violated)
            number += 1
    return Found(Here.taken)


def explore(machine: type[Model], number: int, *, sequences: int, steps: int, shrink: bool = True) -> Violated | None:
    """Make sequences from a seed, of at most so many steps each."""
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
