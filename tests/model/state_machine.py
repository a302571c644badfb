"""Random sequences of steps, generated and shrunk by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from imds_provider.rules.options import OPTION_NAMES, OPTIONS, Options
from tests.model.simulation import Simulation
from tests.model.steps import (
    FAULTS,
    ROWS,
    SLOTS,
    Assign,
    Copy,
    Declaration,
    Declarations,
    Destroy,
    Drift,
    Launch,
    Manage,
    Merge,
    OnDestroy,
    Reconfigure,
    Refresh,
    Release,
    Rename,
    Split,
    StateChange,
    Step,
    Swap,
    SwitchStack,
    Up,
)

_HOP_LIMITS = (1, 2, 3, 64)
_VALUES: dict[str, st.SearchStrategy[str | int]] = {
    option.name: st.sampled_from(_HOP_LIMITS if isinstance(option.allowed, range) else option.allowed)
    for option in OPTIONS
}


def options(at_least: int) -> st.SearchStrategy[Options]:
    """Some of the options, at least so many."""
    chosen: st.SearchStrategy[dict[str, str | int]] = st.fixed_dictionaries({}, optional=_VALUES)
    return chosen.filter(lambda each: len(each) >= at_least)


SETTINGS = st.fixed_dictionaries(
    {
        "tokens_when_unnamed": st.sampled_from(["kept", "optional"]),
        "stopped_state": st.sampled_from(["pending", "applied"]),
        "in_components": st.booleans(),
    }
)
SLOT = st.sampled_from(SLOTS)
FAULT = st.sampled_from(["none"] * len(FAULTS) + list(FAULTS))
ON_DESTROY: st.SearchStrategy[OnDestroy] = st.sampled_from(["retain", "restore"])
DECLARATION = st.builds(
    Declaration, st.just(""), options(1), st.booleans(), ON_DESTROY, st.sampled_from([True, True, False])
)
NAMES = st.sets(st.sampled_from(OPTION_NAMES), min_size=1, max_size=3).map(frozenset)


def _declarations(given: Mapping[str, tuple[Declaration, str | None]]) -> Declarations:
    """The declarations, each for the slot that is given, or for the one of the row's name."""
    return {
        row: replace(declaration, slot=slot or (row if row in SLOTS else SLOTS[0]))
        for row, (declaration, slot) in given.items()
    }


DECLARATIONS = st.dictionaries(
    st.sampled_from(ROWS),
    st.tuples(DECLARATION, st.sampled_from([None] * 2 * len(SLOTS) + list(SLOTS))),
    min_size=1,
    max_size=2,
).map(_declarations)
MANAGE = st.builds(Manage, DECLARATIONS, FAULT, st.sampled_from([True] * 4 + [False]))

Names = tuple[str, ...]
Strategy = st.SearchStrategy[Step]

KINDS = (
    *("launch", "launch", "launch", "switch-stack", "switch-stack", *["drift"] * 5, *["state-change"] * 5),
    *("manage", "manage", "manage", "up", "up", "refresh", "refresh", "destroy"),
    *("release", "rename", "rename", "rename", "copy", "split", "assign", "swap", "merge", "reconfigure"),
)
"""The kinds of steps, each as often as it is likely."""


@cache
def steps(kind: str, rows: Names, gone: Names) -> Strategy | None:
    """The possible steps of a kind, for a program with these rows while the instances of these slots are gone."""
    found: dict[str, Callable[[], Strategy]] = {
        "drift": lambda: st.builds(Drift, SLOT, options(1)),
        "manage": lambda: MANAGE,
        "up": lambda: st.builds(Up, FAULT),
        "refresh": lambda: st.builds(Refresh, FAULT),
        "destroy": lambda: st.builds(Destroy, FAULT),
        "switch-stack": lambda: st.just(SwitchStack()),
    }
    present = tuple(slot for slot in SLOTS if slot not in gone)
    if gone:
        found["launch"] = lambda: st.builds(Launch, st.sampled_from(gone), options(0))
    if present:
        verbs = st.sampled_from(["stop", "start", "stop", "start", "terminate"])
        found["state-change"] = lambda: st.builds(StateChange, st.sampled_from(present), verbs)
    return (found | _edits(rows))[kind]() if kind in found or kind in _edits(rows) else None


def _edits(rows: Names) -> dict[str, Callable[[], Strategy]]:
    """The steps that edit a program with these rows."""
    if not rows:
        return {}
    row, new = st.sampled_from(rows), st.sampled_from([each for each in ROWS if each not in rows] or ROWS)
    found: dict[str, Callable[[], Strategy]] = {
        "release": lambda: st.builds(Release, st.lists(row, min_size=1, max_size=2, unique=True).map(tuple), FAULT),
        "assign": lambda: st.builds(Assign, row, SLOT, FAULT),
        "reconfigure": lambda: st.builds(Reconfigure, row, ON_DESTROY, st.booleans(), FAULT),
    }
    if len(rows) > 1:
        two = st.lists(row, min_size=2, max_size=2, unique=True)
        found["swap"] = lambda: st.builds(lambda both, fault: Swap(both[0], both[1], fault), two, FAULT)
        found["merge"] = lambda: st.builds(lambda both, fault: Merge(both[0], both[1], fault), two, FAULT)
    if len(rows) < len(ROWS):
        found["rename"] = lambda: st.builds(Rename, row, new, st.booleans(), FAULT)
        found["copy"] = lambda: st.builds(Copy, row, new, FAULT)
        found["split"] = lambda: st.builds(Split, row, new, NAMES, FAULT)
    return found


class Model(RuleBasedStateMachine):
    """Counts the steps that were taken, and the sequences that have any. A subclass implements ``begin``."""

    taken: ClassVar[int] = 0
    sequences: ClassVar[int] = 0

    _simulation: Simulation
    _has_steps: bool

    @classmethod
    def begin(cls, settings: dict[str, object]) -> Simulation:
        """The simulation of a new sequence on an EC2 with these settings; ``in_components`` is for the real engine."""
        raise NotImplementedError

    @initialize(settings=SETTINGS)
    def start(self, settings: dict[str, object]) -> None:
        self._simulation = self.begin(settings)
        self._has_steps = False

    # One rule, since of several hypothesis leaves most out of a sequence, and edits need other steps before them.
    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def step(self, kind: str, data: st.DataObject) -> None:
        rows, gone = tuple(self._simulation.rows), tuple(self._simulation.gone())
        strategy = steps(kind, rows, gone)
        taken = self._simulation.take(data.draw(MANAGE if strategy is None else strategy))
        type(self).taken += taken
        type(self).sequences += taken and not self._has_steps
        self._has_steps |= taken
