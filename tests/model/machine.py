"""Random sequences of steps, made and made smaller by hypothesis."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from imds_provider.options import OPTIONS, Options
from tests.model.steps import (
    FAULTS,
    SLOTS,
    Behind,
    Destroy,
    Launch,
    Manage,
    Move,
    Refresh,
    Release,
    Step,
    Up,
    Wish,
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
    }
)
SLOT = st.sampled_from(SLOTS)
TROUBLE = st.sampled_from(["none"] * len(FAULTS) + list(FAULTS))
WISH = st.builds(Wish, options(1), st.booleans(), st.sampled_from(["retain", "restore"]))


class Model(RuleBasedStateMachine):
    """Counts the steps of all sequences that could be taken in ``taken``. A subclass says what ``begin`` is."""

    taken: ClassVar[int] = 0

    _story: Story

    @staticmethod
    def begin(settings: dict[str, object]) -> Story:
        """The story of a sequence, on an EC2 that is set so."""
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

    @rule(step=st.builds(Manage, st.dictionaries(SLOT, WISH, min_size=1, max_size=2), TROUBLE))
    def manage(self, step: Manage) -> None:
        self._take(step)

    @rule(step=st.builds(Release, st.lists(SLOT, min_size=1, max_size=2, unique=True).map(tuple), TROUBLE))
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
