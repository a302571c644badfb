"""Random and recorded sequences against the invariants: `python -m tests.model` takes any number of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from imds_provider.host.run_state import RunState
from imds_provider.rules import resource_state
from imds_provider.rules.options import Options, OptionValue, modification
from imds_provider.waiting import apply
from tests.model.recorded_sequences import SEQUENCES
from tests.model.runs import RunsInProcess
from tests.model.search import search
from tests.model.simulation import play
from tests.model.steps import Step
from tests.support.offline import OfflineCloud, OfflineRuns

STEPS = 20_000
PARTS = 4
"""Each is a test with seeds of its own, so that they can run side by side."""
SEED = 0


@pytest.fixture(scope="module")
def runs() -> Iterator[OfflineRuns]:
    runs = OfflineRuns(OfflineCloud())
    with runs.ready():
        yield runs


@pytest.mark.parametrize("part", range(PARTS))
def test_the_invariants_hold_after_each_step_of_random_sequences(part: int) -> None:
    found = search(STEPS // PARTS, SEED + part * STEPS)
    assert found.violated is None, found.violated.text
    assert found.steps >= STEPS // PARTS


@pytest.mark.parametrize("unnamed", ["kept", "optional"])
@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_the_invariants_hold_after_each_step_of_a_recorded_sequence(
    runs: OfflineRuns, steps: tuple[Step, ...], unnamed: str
) -> None:
    play(runs.cloud, [RunsInProcess(runs), RunsInProcess(runs)], steps, {"tokens_when_unnamed": unnamed})


def _loosens_tokens(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    right = modification(observed, wanted)
    return {**right, "HttpTokens": wanted.get("httpTokens", "optional")} if right else {}


def _omits_a_change(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    right = modification(observed, wanted)
    return right if right.pop("InstanceMetadataTags", None) is None or len(right) > 2 else {}


def _forgets_previous(_recorded: Options, before: Options, wanted: Options) -> Mapping[str, OptionValue]:
    return {name: before[name] for name in wanted if name in before}


def _requires_no_reason(*_: object) -> None:
    pass


def _restores_everything(_observed: Options, wanted: Options) -> Options:
    return wanted


# The rules are pure functions that the provider calls by name, and breaking one is what a test of the model is about:
# there is nothing that could be passed in.
@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        pytest.param(apply, "modification", _loosens_tokens, id="loosens tokens"),
        pytest.param(apply, "modification", _omits_a_change, id="omits a change"),
        pytest.param(resource_state, "merge_previous", _forgets_previous, id="forgets the values from before"),
        pytest.param(apply, "require_reason", _requires_no_reason, id="loosens without a reason"),
        pytest.param(apply, "without_loosening", _restores_everything, id="restores looser values without a reason"),
    ],
)
def test_random_sequences_find_a_broken_rule(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, broken: Callable[..., object]
) -> None:
    monkeypatch.setattr(module, name, broken)
    assert search(STEPS, SEED, shrink=False).violated is not None


class _ManagesNothing(RunState):
    def managed(self, instance: tuple[object, object]) -> frozenset[str]:  # noqa: ARG002  the signature is RunState's
        return frozenset()


class _KnowsNothingFromBefore(RunState):
    def before(self, instance: tuple[object, object]) -> Options:  # noqa: ARG002  as above
        return {}


@pytest.mark.parametrize("new_state", [_ManagesNothing, _KnowsNothingFromBefore])
def test_random_sequences_find_a_run_that_forgets_what_its_other_resources_know(
    new_state: Callable[[], RunState],
) -> None:
    assert search(STEPS, SEED, shrink=False, new_state=new_state).violated is not None
