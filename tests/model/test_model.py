"""Random sequences against what must hold: `python -m tests.model` takes as many steps as one likes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from imds_provider.host.run_state import RunState
from imds_provider.rules import resource_state as properties
from imds_provider.rules.options import Options, OptionValue, modification
from imds_provider.waiting import apply as applying
from tests.model.recorded_sequences import SEQUENCES
from tests.model.runs import RunsHere
from tests.model.search import search
from tests.model.simulation import play
from tests.model.steps import Step
from tests.support.offline import OfflineCloud, OfflineRuns

STEPS = 20_000
PARTS = 4
"""Each is a test with seeds of its own, so that they can run side by side."""
SEED = 0


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_in_any_order_what_must_hold_does(part: int) -> None:
    found = search(STEPS // PARTS, SEED + part * STEPS)
    assert found.violated is None, found.violated.text
    assert found.steps >= STEPS // PARTS


@pytest.mark.parametrize("unnamed", ["kept", "optional"])
@pytest.mark.parametrize("steps", SEQUENCES.values(), ids=SEQUENCES)
def test_what_must_hold_does_after_each_step_of_a_recorded_sequence(steps: tuple[Step, ...], unnamed: str) -> None:
    cloud = OfflineCloud()
    runs = OfflineRuns(cloud)
    with runs.ready():
        play(cloud, [RunsHere(runs), RunsHere(runs)], steps, {"tokens_when_unnamed": unnamed})


def _loosening(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    right = modification(observed, wanted)
    return {**right, "HttpTokens": wanted.get("httpTokens", "optional")} if right else {}


def _leaving_out(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    right = modification(observed, wanted)
    return right if right.pop("InstanceMetadataTags", None) is None or len(right) > 2 else {}


def _forgetting(_recorded: Options, before: Options, wanted: Options) -> Mapping[str, OptionValue]:
    return {name: before[name] for name in wanted if name in before}


def _whoever_asks(*_: object) -> None:
    pass


def _all_of_it(_observed: Options, wanted: Options) -> Options:
    return wanted


def _nothing_managed(*_: object) -> frozenset[str]:
    return frozenset()


def _nothing_before(*_: object) -> Options:
    return {}


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        pytest.param(applying, "modification", _loosening, id="that-loosens-tokens"),
        pytest.param(applying, "modification", _leaving_out, id="that-leaves-out-a-change"),
        pytest.param(properties, "merge_previous", _forgetting, id="that-forgets-what-was-there-before"),
        pytest.param(applying, "require_reason", _whoever_asks, id="that-loosens-without-a-reason"),
        pytest.param(applying, "without_loosening", _all_of_it, id="that-restores-what-is-looser-without-a-reason"),
        pytest.param(RunState, "managed", _nothing_managed, id="that-restores-what-another-row-manages"),
        pytest.param(RunState, "before", _nothing_before, id="that-forgets-it-on-a-second-row"),
    ],
)
def test_a_provider_is_found_out(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str, broken: Callable[..., object]
) -> None:
    monkeypatch.setattr(module, name, broken)
    assert search(STEPS, SEED, shrink=False).violated is not None
