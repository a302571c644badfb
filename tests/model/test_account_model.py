"""Random and recorded sequences on an account's defaults: `python -m tests.model --account` takes more of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from imds_provider import account_metadata_defaults
from imds_provider.host import restore_defaults
from imds_provider.host.run_state import RunState
from imds_provider.rules import account_state
from imds_provider.rules.options import Options, OptionValue
from imds_provider.waiting import apply_defaults
from tests.model.account_search import play, search
from tests.model.account_steps import REGIONS, Policy, Step
from tests.model.steps import (
    Declaration,
    Destroy,
    Drift,
    FaultName,
    Manage,
    Refresh,
    Release,
    Rename,
    Split,
    SwitchStack,
    Up,
)
from tests.support.offline import OfflineCloud, OfflineRuns

STEPS = 2_000
PARTS = 2
"""Each is a test with seeds of its own, so that they can run side by side."""
SEED = 0
HERE = REGIONS[0]
STRICT: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}


def manage(values: Options, fault: FaultName = "none", *, row: str = "a", may_loosen: bool = True) -> Manage:
    return Manage({row: Declaration(HERE, values, on_destroy="restore", may_loosen=may_loosen)}, fault)


SEQUENCES: Mapping[str, tuple[Step, ...]] = {
    "what others have set against each other does not stop a change of something else": (
        Drift(HERE, {"httpTokens": "optional", "httpTokensEnforced": "enabled"}),
        manage({"httpPutResponseHopLimit": 2}),
        Destroy(),
    ),
    "a change whose answer was lost is recorded, and restored in the end": (
        manage({"httpPutResponseHopLimit": 2}, "connection-lost-after-change"),
        Up(),
        Destroy(),
    ),
    "defaults that are split off are restored to the values from before the first row": (
        Drift(HERE, {"httpPutResponseHopLimit": 3}),
        manage(STRICT),
        Split("a", "b", frozenset({"httpPutResponseHopLimit"})),
        Release(("b",)),
        Destroy(),
    ),
    "a renamed row restores nothing, and keeps the values from before only by an alias": (
        manage(STRICT),
        Rename("a", "b", alias=True),
        Rename("b", "c", alias=False),
        Destroy(),
    ),
    "without a reason a restore keeps the stricter values and restores everything else": (
        manage(STRICT, may_loosen=False),
        Release(("a",)),
    ),
    "under a policy nothing is sent, and once it is gone the next run repairs": (
        manage(STRICT),
        Policy(HERE, {"httpTokens": "optional"}),
        Up(),
        Refresh(),
        Policy(HERE, None),
        Drift(HERE, {"httpTokens": "optional"}),
        Refresh(),
        Up(),
        Destroy(),
    ),
    "two stacks treat each other's changes like anybody's": (
        manage(STRICT),
        SwitchStack(),
        manage({"httpTokens": "required", "httpTokensEnforced": "enabled"}),
        SwitchStack(),
        Release(("a",)),
        SwitchStack(),
        Refresh(),
        Up(),
        Destroy(),
    ),
}


@pytest.mark.parametrize("part", range(PARTS))
def test_the_invariants_hold_after_each_step_of_random_sequences(part: int) -> None:
    found = search(STEPS // PARTS, SEED + part * STEPS)
    assert found.violated is None, found.violated.text
    assert found.steps >= STEPS // PARTS


@pytest.fixture(scope="module")
def runs() -> Iterator[OfflineRuns]:
    runs = OfflineRuns(OfflineCloud())
    with runs.ready():
        yield runs


@pytest.mark.parametrize("surveyed", [True, False], ids=["in components", "on their own"])
@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
def test_the_invariants_hold_after_each_step_of_a_recorded_sequence(
    runs: OfflineRuns, sequence: tuple[Step, ...], *, surveyed: bool
) -> None:
    play(runs, sequence, surveyed=surveyed)


def _refuses_nothing(*_: object, **__: object) -> None:
    pass


def _restores_everything(_observed: Options, wanted: Options) -> Options:
    return wanted


def _forgets_previous(_recorded: object) -> dict[str, OptionValue]:
    return {}


def _sends_everything(_observed: Options, wanted: Options) -> Options:
    return wanted


def _is_never_needed(*_: object) -> bool:
    return False


# These are functions that others call by name, and breaking one is what a test of the model is about: there is nothing
# that could be passed in.
@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        pytest.param(apply_defaults, "objection", _refuses_nothing, id="refuses nothing"),
        pytest.param(apply_defaults, "without_loosening_defaults", _restores_everything, id="restores what loosens"),
        pytest.param(apply_defaults, "default_changes", _sends_everything, id="sends what is in force"),
        pytest.param(account_metadata_defaults, "previous", _forgets_previous, id="forgets the values before"),
        pytest.param(account_state, "needs_ec2", _is_never_needed, id="changes nothing in updates"),
        pytest.param(restore_defaults, "warn_of_kept", _refuses_nothing, id="keeps values without a warning"),
    ],
)
def test_random_sequences_find_a_provider_that_breaks_a_promise(
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
