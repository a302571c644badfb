"""Random sequences of steps, made and made smaller by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from imds_provider.options import OPTION_NAMES, OPTIONS, Options
from tests.model.steps import (
    FAULTS,
    ROWS,
    SLOTS,
    Assign,
    Behind,
    Copy,
    Destroy,
    Edit,
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
from tests.model.story import Story

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
ROW = st.sampled_from(ROWS)
TROUBLE = st.sampled_from(["none"] * len(FAULTS) + list(FAULTS))
END: st.SearchStrategy[OnDestroy] = st.sampled_from(["retain", "restore"])
WISH = st.builds(Wish, st.just(""), options(1), st.booleans(), END, st.booleans())


def _wishes(said: Mapping[str, tuple[Wish, str | None]]) -> Wishes:
    """The wishes of each row for a slot: of the same name, where none is given."""
    return {row: replace(wish, slot=slot or (row if row in SLOTS else SLOTS[0])) for row, (wish, slot) in said.items()}


WISHES = st.dictionaries(
    ROW, st.tuples(WISH, st.sampled_from([None] * 2 * len(SLOTS) + list(SLOTS))), min_size=1, max_size=2
).map(_wishes)
EDIT: st.SearchStrategy[Edit] = st.one_of(
    st.builds(Rename, ROW, ROW, st.booleans(), TROUBLE),
    st.builds(Rename, ROW, ROW, st.booleans(), TROUBLE),
    st.builds(Assign, ROW, SLOT, TROUBLE),
    st.builds(Swap, ROW, ROW, TROUBLE),
    st.builds(Split, ROW, ROW, st.sets(st.sampled_from(OPTION_NAMES), min_size=1, max_size=3).map(frozenset), TROUBLE),
    st.builds(Merge, ROW, ROW, TROUBLE),
    st.builds(Copy, ROW, ROW, TROUBLE),
    st.builds(Promise, ROW, END, st.booleans(), TROUBLE),
)


class Model(RuleBasedStateMachine):
    """Counts the steps of all sequences that could be taken in ``taken``. A subclass says what ``begin`` is."""

    taken: ClassVar[int] = 0

    _story: Story

    @staticmethod
    def begin(settings: dict[str, object]) -> Story:
        """The story of a sequence, on an EC2 that is set so; ``in_components`` is for runs by the engine."""
        raise NotImplementedError

    @initialize(settings=SETTINGS)
    def start(self, settings: dict[str, object]) -> None:
        self._story = self.begin(settings)

    @precondition(lambda self: any(map(self._story.is_gone, SLOTS)))
    @rule(slot=SLOT, options=options(0))
    def launch(self, slot: str, options: Options) -> None:
        self._take(Launch(slot, options))

    @rule(step=st.builds(Move, SLOT, st.sampled_from(["stop", "start", "stop", "start", "terminate"])))
    def move(self, step: Move) -> None:
        self._take(step)

    @rule(step=st.builds(Behind, SLOT, options(1)))
    def behind(self, step: Behind) -> None:
        self._take(step)

    @rule(step=st.builds(Manage, WISHES, TROUBLE))
    def manage(self, step: Manage) -> None:
        self._take(step)

    @precondition(lambda self: self._story.has_rows)
    @rule(step=EDIT)
    def edit(self, step: Edit) -> None:
        self._take(step)

    @rule()
    def switch(self) -> None:
        self._take(Switch())

    @precondition(lambda self: self._story.has_rows)
    @rule(step=st.builds(Release, st.lists(ROW, min_size=1, max_size=2, unique=True).map(tuple), TROUBLE))
    def release(self, step: Release) -> None:
        self._take(step)

    @rule(step=st.builds(Up, TROUBLE))
    def up(self, step: Up) -> None:
        self._take(step)

    @rule(step=st.builds(Refresh, TROUBLE))
    def refresh(self, step: Refresh) -> None:
        self._take(step)

    @rule(step=st.builds(Destroy, TROUBLE))
    def destroy(self, step: Destroy) -> None:
        self._take(step)

    def _take(self, step: Step) -> None:
        type(self).taken += self._story.take(step)
