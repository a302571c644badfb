"""Random sequences on an account's defaults against what must hold after each run."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from imds_provider import account_metadata_defaults
from imds_provider.host import restore_defaults
from imds_provider.rules import account_state
from imds_provider.rules.options import Options, OptionValue
from imds_provider.waiting import apply_defaults
from tests.model.account_defaults import AccountModel
from tests.support.offline import OfflineCloud, OfflineRuns

SEQUENCES = 60
STEPS = 30
GIVEN = settings(
    max_examples=SEQUENCES,
    stateful_step_count=STEPS,
    phases=[Phase.generate],
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def runs() -> Iterator[OfflineRuns]:
    runs = OfflineRuns(OfflineCloud())
    with runs.ready():
        yield runs


def explore(runs: OfflineRuns, number: int) -> int:
    """Take random steps, and return how many runs there were."""

    class Model(AccountModel):
        taken = 0

    Model.runs = runs
    run_state_machine_as_test(seed(number)(Model), settings=GIVEN)
    return Model.taken


@pytest.mark.parametrize("number", range(2))
def test_the_invariants_hold_after_each_run_of_random_sequences(runs: OfflineRuns, number: int) -> None:
    assert explore(runs, number) > SEQUENCES


def _nothing_is_refused(*_: object, **__: object) -> None: ...


def _everything_is_restored(_subject: str, _key: object, before: Options, _names: object) -> Options:
    return before


def _what_loosens_stays(_observed: Options, wanted: Options) -> Options:
    return wanted


def _nothing_was_recorded(_recorded: object) -> dict[str, OptionValue]:
    return {}


def _never_needed(*_: object) -> bool:
    return False


# These are functions of modules, which other functions call by their name: there is nothing that could be passed in.
@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        pytest.param(apply_defaults, "objection", _nothing_is_refused, id="refuses nothing"),
        pytest.param(restore_defaults, "values_to_restore", _everything_is_restored, id="restores what others manage"),
        pytest.param(apply_defaults, "without_loosening_defaults", _what_loosens_stays, id="restores what loosens"),
        pytest.param(account_metadata_defaults, "previous", _nothing_was_recorded, id="forgets the previous values"),
        pytest.param(account_state, "needs_ec2", _never_needed, id="changes nothing in updates"),
    ],
)
def test_a_provider_that_breaks_a_promise_is_found(
    runs: OfflineRuns, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str, broken: object
) -> None:
    monkeypatch.setattr(module, name, broken)
    with pytest.raises(AssertionError):
        explore(runs, 0)
