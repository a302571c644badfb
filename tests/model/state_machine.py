"""Random sequences of steps, made and made smaller by hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from imds_provider.rules.options import OPTION_NAMES, OPTIONS, Options
from tests.model.simulation import Story
from tests.model.steps import (
    FAULTS,
    ROWS,
    SLOTS,
    Assign,
    Behind,
    Copy,
    Destroy,
    Launch,
    Manage,
    Merge,
    Move,
    OnDestroy,
    Promise,
    Refresh,
    Release,
    Rename,
    Split,
    Step,
    Swap,
    Switch,
    Up,
    Wish,
    Wishes,
)

_HOP_LIMITS = (1, 2, 3, 64)
_VALUES: dict[str, st.SearchStrategy[str | int]] = {
    option.name: st.sampled_from(_HOP_LIMITS if isinstance(option.allowed, range) else option.allowed)
    for option in OPTIONS
}


def options(at_least: int) -> st.SearchStrategy[Options]:
    """Any of the options, of which there are at least so many."""
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
TROUBLE = st.sampled_from(["none"] * len(FAULTS) + list(FAULTS))
END: st.SearchStrategy[OnDestroy] = st.sampled_from(["retain", "restore"])
WISH = st.builds(Wish, st.just(""), options(1), st.booleans(), END, st.sampled_from([True, True, False]))
NAMES = st.sets(st.sampled_from(OPTION_NAMES), min_size=1, max_size=3).map(frozenset)


def _wishes(said: Mapping[str, tuple[Wish, str | None]]) -> Wishes:
    """The wishes of each row for a slot: of the same name, where none is given."""
    return {row: replace(wish, slot=slot or (row if row in SLOTS else SLOTS[0])) for row, (wish, slot) in said.items()}


WISHES = st.dictionaries(
    st.sampled_from(ROWS),
    st.tuples(WISH, st.sampled_from([None] * 2 * len(SLOTS) + list(SLOTS))),
    min_size=1,
    max_size=2,
).map(_wishes)
MANAGE = st.builds(Manage, WISHES, TROUBLE, st.sampled_from([True] * 4 + [False]))

Names = tuple[str, ...]
Strategy = st.SearchStrategy[Step]

KINDS = (
    *("launch", "launch", "launch", "switch", "switch", *["behind"] * 5, *["move"] * 5),
    *("manage", "manage", "manage", "up", "up", "refresh", "refresh", "destroy"),
    *("release", "rename", "rename", "rename", "copy", "split", "assign", "swap", "merge", "promise"),
)
"""What a step may be, the more often the likelier."""


@cache
def steps(kind: str, rows: Names, gone: Names) -> Strategy | None:
    """The steps of a kind that a program with these rows can take, while the instances of these slots are gone."""
    found: dict[str, Callable[[], Strategy]] = {
        "behind": lambda: st.builds(Behind, SLOT, options(1)),
        "manage": lambda: MANAGE,
        "up": lambda: st.builds(Up, TROUBLE),
        "refresh": lambda: st.builds(Refresh, TROUBLE),
        "destroy": lambda: st.builds(Destroy, TROUBLE),
        "switch": lambda: st.just(Switch()),
    }
    there = tuple(slot for slot in SLOTS if slot not in gone)
    if gone:
        found["launch"] = lambda: st.builds(Launch, st.sampled_from(gone), options(0))
    if there:
        verbs = st.sampled_from(["stop", "start", "stop", "start", "terminate"])
        found["move"] = lambda: st.builds(Move, st.sampled_from(there), verbs)
    return (found | _edits(rows))[kind]() if kind in found or kind in _edits(rows) else None


def _edits(rows: Names) -> dict[str, Callable[[], Strategy]]:
    """Those that change what is in a program with these rows."""
    if not rows:
        return {}
    row, new = st.sampled_from(rows), st.sampled_from([each for each in ROWS if each not in rows] or ROWS)
    found: dict[str, Callable[[], Strategy]] = {
        "release": lambda: st.builds(Release, st.lists(row, min_size=1, max_size=2, unique=True).map(tuple), TROUBLE),
        "assign": lambda: st.builds(Assign, row, SLOT, TROUBLE),
        "promise": lambda: st.builds(Promise, row, END, st.booleans(), TROUBLE),
    }
    if len(rows) > 1:
        two = st.lists(row, min_size=2, max_size=2, unique=True)
        found["swap"] = lambda: st.builds(lambda both, trouble: Swap(both[0], both[1], trouble), two, TROUBLE)
        found["merge"] = lambda: st.builds(lambda both, trouble: Merge(both[0], both[1], trouble), two, TROUBLE)
    if len(rows) < len(ROWS):
        found["rename"] = lambda: st.builds(Rename, row, new, st.booleans(), TROUBLE)
        found["copy"] = lambda: st.builds(Copy, row, new, TROUBLE)
        found["split"] = lambda: st.builds(Split, row, new, NAMES, TROUBLE)
    return found


class Model(RuleBasedStateMachine):
    """Counts the steps that could be taken, and the sequences that have any. A subclass says what ``begin`` is."""

    taken: ClassVar[int] = 0
    sequences: ClassVar[int] = 0

    _story: Story
    _is_under_way: bool

    @classmethod
    def begin(cls, settings: dict[str, object]) -> Story:
        """The story of a sequence, on an EC2 that is set so; ``in_components`` is for runs by the engine."""
        raise NotImplementedError

    @initialize(settings=SETTINGS)
    def start(self, settings: dict[str, object]) -> None:
        self._story = self.begin(settings)
        self._is_under_way = False

    # One rule, since hypothesis leaves most of several out of a sequence, and those that edit need others before.
    @rule(kind=st.sampled_from(KINDS), data=st.data())
    def step(self, kind: str, data: st.DataObject) -> None:
        rows, gone = tuple(self._story.rows), tuple(self._story.gone())
        strategy = steps(kind, rows, gone)
        taken = self._story.take(data.draw(MANAGE if strategy is None else strategy))
        type(self).taken += taken
        type(self).sequences += taken and not self._is_under_way
        self._is_under_way |= taken
