"""Each operation on an account's defaults, with each fault from each of its calls on, and once more without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, cast, get_args

import pytest

from imds_provider.account_metadata_defaults import AccountMetadataDefaultsProvider
from imds_provider.errors import ImdsError
from imds_provider.rules.account_defaults import (
    decode_defaults,
    default_changes,
    default_parameters,
    from_ec2,
    loosened_defaults,
)
from imds_provider.rules.options import Options
from localcloud.client import LocalCloud
from localcloud.ec2.account_json import AccountDefaults
from localcloud.faults import Fault
from tests.support.engine_values import Bag, from_engine
from tests.support.fake_defaults import NOTHING
from tests.support.offline import OfflineCloud, OfflineRuns
from tests.support.provider_run import REGION, JumpingEngine

PROVIDER = AccountMetadataDefaultsProvider()
GET, MODIFY = "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"
ATTEMPTS = 3
"""How many times botocore sends a request here."""
MODIFICATIONS = 4 * ATTEMPTS + ATTEMPTS
"""The most that an operation sends: four attempts and a reapplication."""
TIMEOUT = 30.0
GRACE = 5.0

BEFORE: Options = {"httpTokens": "optional", "httpPutResponseHopLimit": 3, "httpEndpoint": "enabled"}
FIRST: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
SECOND: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 5, "httpTokensEnforced": "enabled"}

Operation = Literal["create", "update", "repair", "refresh", "delete"]


@dataclass(frozen=True)
class Scenario:
    name: str
    faults: tuple[Fault, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)


def _error(action: str, code: str, times: int | None = 1, **given: Any) -> Fault:  # noqa: ANN401  as Fault takes it
    return Fault("error", action, code=code, times=times, **given)


SCENARIOS = [
    *(
        Scenario(f"{name}-{action}", (fault,))
        for action in (GET, MODIFY)
        for name, fault in {
            "fails-once": _error(action, "InternalError"),
            "fails-for-a-while": _error(action, "InternalError", ATTEMPTS, after=True),
            "fails": _error(action, "InternalError", None),
            "lost-before": Fault("drop", action, times=ATTEMPTS),
            "lost-after": Fault("drop", action, times=ATTEMPTS, after=True),
            "always-lost-after": Fault("drop", action, times=None, after=True),
            "truncated": Fault("truncate", action, times=ATTEMPTS),
            "throttled-once": _error(action, "RequestLimitExceeded"),
            "throttled": _error(action, "RequestLimitExceeded", None),
            "denied": _error(action, "UnauthorizedOperation", None),
        }.items()
    ),
    Scenario("policy", (_error(MODIFY, "DeclarativePolicyViolation", None),)),
    Scenario("others-once", (Fault("change", MODIFY, after=True, defaults={"HttpPutResponseHopLimit": 9}),)),
    Scenario(
        "others-always", (Fault("change", MODIFY, after=True, times=None, defaults={"HttpPutResponseHopLimit": 9}),)
    ),
    Scenario("late", settings={"defaults_delay": 4}),
    Scenario("very-late", settings={"defaults_delay": 20}),
    Scenario("too-late", settings={"defaults_delay": 600}),
    Scenario("lost-and-late", (Fault("drop", MODIFY, times=None, after=True),), {"defaults_delay": 600}),
]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)


def _matters(operation: Operation, scenario: Scenario) -> bool:
    """A refresh sends no modification, and a repair is an update."""
    if operation == "refresh":
        return any(each.action == GET for each in scenario.faults)
    return operation != "repair" or not scenario.faults


CASES = {
    f"{operation}/{scenario.name}": (operation, scenario)
    for operation, scenario in product(OPERATIONS, SCENARIOS)
    if _matters(operation, scenario)
}


@pytest.fixture(scope="module")
def runs() -> Iterator[OfflineRuns]:
    runs = OfflineRuns(OfflineCloud())
    with runs.ready():
        yield runs


class _Account:
    """A region of the account with one resource, its state, and the errors of its last operation."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.region = REGION
        self.recorded: Bag | None = None
        self.errors: list[str] = []
        cloud.wipe()
        self.put(BEFORE)

    def put(self, values: Options) -> None:
        named = default_parameters(values)
        self.cloud.set_account_defaults(self.region, cast("AccountDefaults", named))

    def now(self) -> Options:
        return from_ec2(dict(self.cloud.account_defaults(self.region))).values

    def apply(self, wanted: Options) -> None:
        """Create or update the resource as a run does, with what the program finds beforehand."""
        inputs = self._inputs(wanted)
        change = ", ".join(f"{name}: x -> {value}" for name, value in default_changes(self.now(), wanted).items())
        checked = PROVIDER.check({}, {**inputs, "change": change or None})
        assert checked.failures == []
        news = from_engine(checked.inputs)
        if self.recorded is None:
            self.recorded = from_engine(PROVIDER.create(news).outs or {})
        elif PROVIDER.diff(self.region, self.recorded, news).changes:
            self.recorded = from_engine(PROVIDER.update(self.region, self.recorded, news).outs or {})

    def refresh(self) -> None:
        assert self.recorded is not None
        self.recorded = from_engine(PROVIDER.read(self.region, self.recorded).outs or {})

    def delete(self) -> None:
        assert self.recorded is not None
        PROVIDER.delete(self.region, self.recorded)
        self.recorded = None

    def attempt(self, operation: Operation, engine: JumpingEngine) -> None:
        """Carry out the operation. Its expected errors are kept; it must not take longer than its deadline."""
        started = engine.now()
        try:
            if operation == "refresh":
                self.refresh()
            elif operation == "delete":
                self.delete()
            else:
                self.apply(SECOND if operation == "update" else FIRST)
        except ImdsError as error:
            self.errors.append(str(error))
        assert engine.now() - started <= TIMEOUT + GRACE
        assert [each for each in self.errors if "\n" in each] == []

    def _inputs(self, wanted: Options) -> Bag:
        return from_engine(
            {
                "region": self.region,
                **wanted,
                "onDestroy": "restore",
                "timeoutSeconds": TIMEOUT,
                "allowDowngrade": "the previous values are restored",
            }
        )


@pytest.mark.parametrize(("operation", "scenario"), CASES.values(), ids=CASES)
def test_every_operation_ends_in_time_forgets_nothing_and_is_completed_by_the_next_run(
    runs: OfflineRuns, operation: Operation, scenario: Scenario
) -> None:
    cloud = runs.cloud
    account = _Account(cloud)
    wanted = SECOND if operation == "update" else FIRST
    if operation != "create":
        with runs.process():
            account.apply(FIRST)
        assert account.errors == []
    if operation in ("repair", "refresh"):
        account.put({"httpTokens": "optional"})
    before = account.now()

    cloud.reset()
    cloud.settings(**scenario.settings)
    cloud.set_faults(*scenario.faults)
    with runs.process() as engine:
        account.attempt(operation, engine)
    assert cloud.calls(MODIFY) <= MODIFICATIONS
    if operation not in ("delete", "refresh"):
        assert loosened_defaults(before, {**account.now()}) == []
        took_effect = account.now() != before
        assert account.recorded is not None or not took_effect, "what EC2 has taken is recorded"

    cloud.clear_faults()
    cloud.settings(defaults_delay=0)
    cloud.advance(600)
    with runs.process():
        if operation == "delete":
            if account.recorded is not None:
                account.delete()
            assert account.now() == {**NOTHING, **BEFORE}
            return
        if operation == "refresh":
            account.refresh()
        account.apply(wanted)
    assert default_changes(account.now(), wanted) == {}
    assert account.recorded is not None
    assert decode_defaults(account.recorded) == account.now()
    assert account.recorded["previous"] == {name: {**NOTHING, **BEFORE}[name] for name in wanted}
    assert "unfinished" not in account.recorded
    calls = cloud.calls(MODIFY)
    with runs.process():
        account.apply(wanted)
    assert cloud.calls(MODIFY) == calls
