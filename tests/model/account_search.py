"""Random sequences of what can happen to an account's defaults, generated and shrunk by hypothesis, and given ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from imds_provider.host.run_state import RunState
from imds_provider.rules.options import Options
from tests.model.account_model import Simulation
from tests.model.account_steps import KINDS, MANAGE, REGIONS, SETTINGS, Step, defaults, steps
from tests.model.search import SEQUENCES, STEPS, Found, explore
from tests.model.steps import Drift
from tests.support.offline import OfflineCloud, OfflineRuns


class AccountModel(RuleBasedStateMachine):
    """Counts the steps that were taken. A subclass implements ``begin``."""

    taken: ClassVar[int] = 0

    _simulation: Simulation

    @classmethod
    def begin(cls, settings: dict[str, bool]) -> Simulation:
        raise NotImplementedError

    @initialize(settings=SETTINGS, before=st.tuples(defaults(0), defaults(0)))
    def start(self, settings: dict[str, bool], before: tuple[Options, Options]) -> None:
        self._simulation = self.begin(settings)
        for region, values in zip(REGIONS, before, strict=True):
            self._simulation.take(Drift(region, values))

    # One rule, since of several hypothesis leaves most out of a sequence, and edits need other steps before them.
    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def step(self, kind: str, data: st.DataObject) -> None:
        strategy = steps(kind, self._simulation.rows)
        type(self).taken += self._simulation.take(data.draw(MANAGE if strategy is None else strategy))


def search(
    number_of_steps: int, first_seed: int, *, shrink: bool = True, new_state: Callable[[], RunState] = RunState
) -> Found:
    """Take at least so many steps in this process, fewer if something is found."""
    runs = OfflineRuns(OfflineCloud(), new_state)

    class Model(AccountModel):
        @classmethod
        def begin(cls, settings: dict[str, bool]) -> Simulation:
            return Simulation(runs, **settings)

    number = first_seed
    with runs.ready():
        while Model.taken < number_of_steps:
            if violated := explore(Model, number, sequences=SEQUENCES, steps=STEPS, shrink=shrink):
                return Found(Model.taken, violated)
            number += 1
    return Found(Model.taken)


def play(runs: OfflineRuns, sequence: Sequence[Step], *, surveyed: bool) -> None:
    """Carry out all the steps from the beginning. Raises :class:`ViolationError`."""
    simulation = Simulation(runs, surveyed=surveyed)
    for step in sequence:
        if not simulation.take(step):
            raise ValueError(f"the step makes no sense there: {step}")
