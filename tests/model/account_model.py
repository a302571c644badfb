"""An account's defaults and the stacks that manage them: steps carried out one by one, with the invariants checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from imds_provider.account_metadata_defaults import AccountMetadataDefaultsProvider
from imds_provider.errors import ImdsError
from imds_provider.rules.account_defaults import (
    DEFAULT_NAMES,
    decode_defaults,
    default_parameters,
    from_ec2,
    render_default_changes,
)
from imds_provider.rules.option_owners import OptionOwners
from imds_provider.rules.options import Options
from localcloud.ec2.account_json import AccountDefaults
from localcloud.http.journal import LoggedCall
from tests.model import account_invariants
from tests.model.account_run import Modification, Region, Run, Snapshot, differing
from tests.model.account_steps import (
    MODIFY,
    REGIONS,
    TIMEOUT_SECONDS,
    TROUBLES,
    Policy,
    Step,
    contradicts,
)
from tests.model.edits import conflicts, edited, without_aliases
from tests.model.runs import REASON
from tests.model.simulation import BETWEEN_STEPS_SECONDS, OPERATIONS, ViolationError
from tests.model.snapshots import Operation
from tests.model.steps import Declaration, Declarations, Destroy, Drift, FaultName, Refresh, SwitchStack, Up
from tests.support.attempts import Run as StackRun
from tests.support.engine_values import Bag, from_engine
from tests.support.offline import OfflineRuns
from tests.support.stack_in_process import Stack

POLICY_MESSAGE = "Ask the platform team."


@dataclass(frozen=True)
class _Row:
    """One ``AccountMetadataDefaults`` of a program, with what the program found to differ."""

    name: str
    declared: Declaration
    change: str | None

    @property
    def aliases(self) -> tuple[str, ...]:
        return self.declared.aliases

    def inputs(self, timeout: float) -> Bag:
        return from_engine(
            {
                "region": self.declared.slot,
                **self.declared.options,
                "onDestroy": self.declared.on_destroy,
                "timeoutSeconds": timeout,
                "allowDowngrade": REASON if self.declared.may_loosen else None,
                "change": self.change,
            }
        )


@dataclass(frozen=True)
class _Program:
    rows: tuple[_Row, ...]
    timeout: float = TIMEOUT_SECONDS
    barriers: Mapping[str, Sequence[_Row]] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(row.name for row in self.rows)


class _Team:
    """A stack, and the program that it is run with."""

    def __init__(self) -> None:
        self.stack = Stack(AccountMetadataDefaultsProvider())
        self.program: Declarations = {}


class Simulation:
    """An account of two regions, and two stacks that may manage it and take turns.

    ``surveyed``: see `account_steps.SETTINGS`. ``throttle``: EC2 allows no more calls than it documents. ``repeat``: a
    run that failed is run again at once, when nothing is wrong any more.
    """

    def __init__(
        self, runs: OfflineRuns, *, surveyed: bool = True, throttle: bool = False, repeat: bool = False
    ) -> None:
        self.cloud = runs.cloud
        self._runs = runs
        self._surveyed = surveyed
        self._repeat = repeat
        self._teams = [_Team(), _Team()]
        self._by_policy: set[str] = set()
        self.cloud.wipe()
        self.cloud.settings(throttle=throttle)

    @property
    def rows(self) -> tuple[str, ...]:
        """The names of the current stack's rows."""
        return tuple(self._teams[0].program)

    def take(self, step: Step) -> bool:
        """Take the step, or return False if it makes no sense now. Raises :class:`ViolationError`."""
        program = self._teams[0].program
        match step:
            case Drift(region, values):
                self._set(region, values)
            case Policy(region, values):
                self._decide(region, values)
            case SwitchStack():
                self._teams.reverse()
            case Up() | Refresh() | Destroy():
                self._run(OPERATIONS[type(step)], program, step.fault)
            case _:
                changed = edited(program, step)
                # A row that contradicts itself is refused by its check, which tests of the rules show.
                if changed is None or any(contradicts(each.options) for each in changed.values()):
                    return False
                self._run("up", changed, step.fault)
        self.cloud.advance(BETWEEN_STEPS_SECONDS)
        return True

    def _set(self, region: str, values: Options) -> None:
        self.cloud.set_account_defaults(region, _named(values))

    def _decide(self, region: str, values: Options | None) -> None:
        if values is None:
            self.cloud.remove_declarative_policy(region)
            self._by_policy.discard(region)
        else:
            self.cloud.set_declarative_policy(region, _named(values), exception_message=POLICY_MESSAGE)
            self._by_policy.add(region)

    def _run(self, operation: Operation, declarations: Declarations, fault: FaultName) -> None:
        self._run_once(operation, declarations, fault)
        if self._repeat and self._failed and not conflicts(declarations):
            self.cloud.advance(BETWEEN_STEPS_SECONDS)
            self._run_once(operation, declarations, "none")

    def _run_once(self, operation: Operation, declarations: Declarations, fault: FaultName) -> None:
        team, trouble = self._teams[0], TROUBLES[fault]
        before = self._snapshot()
        self.cloud.reset()
        self.cloud.settings(defaults_delay=trouble.delay)
        self.cloud.set_faults(*trouble.faults)
        ended, output = self._carry_out(operation, declarations)
        calls = self.cloud.log(MODIFY)
        occurred = any(int(str(each["matched"])) >= int(str(each["nth"])) for each in self.cloud.faults())
        occurred |= bool(trouble.delay and calls)
        throttled = sum(each["throttled"] for each in self.cloud.counts().values())
        self.cloud.clear_faults()
        self.cloud.settings(defaults_delay=0)
        by_others = {name: value for each in trouble.faults if occurred for name, value in each.defaults.items()}
        run = Run(
            operation,
            declarations,
            before,
            self._snapshot(),
            tuple(_modification(each) for each in calls),
            {name: str(error) for name, error in ended.failed.items()},
            occurred=occurred,
            may_fail=occurred and not trouble.must_survive,
            changed_by_others=_by_property(by_others),
            output=output,
            surveyed=self._surveyed,
            throttled=throttled,
        )
        self._failed = bool(run.failed)
        found = [*_forbidden(ended), *account_invariants.violations(run)]
        if not conflicts(declarations):  # otherwise whoever has edited the program takes that back
            team.program = declarations
        if not ended.failed:
            found += self._preview(run)
            team.program = without_aliases(team.program) if operation == "up" else team.program
        if found:
            raise ViolationError("\n".join([f"{operation} with {fault}:", *found, *run.failed.values()]))

    def _carry_out(self, operation: Operation, declarations: Declarations) -> tuple[StackRun, str]:
        stack, program = self._teams[0].stack, self._program(declarations)
        if operation == "up" and (problems := _two_owners(declarations)):
            return StackRun({"program": _RefusedError(" ".join(problems))}), ""
        with self._runs.process() as engine:
            if operation == "up":
                ended = stack.up(program, engine)
            elif operation == "refresh":
                ended = stack.refresh(program, engine)
            else:
                ended = stack.destroy(engine, program.timeout)
            return ended, "\n".join(engine.messages)

    def _preview(self, run: Run) -> list[str]:
        """After an `up` that succeeded the next preview is empty; after a refresh it shows every row that drifted."""
        if run.operation == "destroy":
            return []
        with self._runs.process():
            changed = self._teams[0].stack.preview(self._program(run.program))
        drifted = set()
        for name, declared in run.program.items():
            row = next((run.after.rows[each] for each in (name, *declared.aliases) if each in run.after.rows), None)
            values = run.after.regions[declared.slot].values
            if row and row["region"] == declared.slot and differing(values, declared.options):
                drifted.add(name)
        if run.operation == "refresh":
            missing = drifted - changed
            return [f"the preview does not show that {sorted(missing)} drifted"] if missing else []
        unexpected = changed - (drifted if self._surveyed else set())
        return [f"the preview is not empty: {sorted(unexpected)}"] if unexpected else []

    def _program(self, declarations: Declarations) -> _Program:
        return _Program(tuple(_Row(name, each, self._change(each)) for name, each in declarations.items()))

    def _change(self, declared: Declaration) -> str | None:
        if not self._surveyed:
            return None
        return render_default_changes(self._region(declared.slot).values, declared.options) or None

    def _region(self, name: str) -> Region:
        return Region(from_ec2(dict(self.cloud.account_defaults(name))).values, name in self._by_policy)

    def _snapshot(self) -> Snapshot:
        stack = self._teams[0].stack
        return Snapshot(
            {name: self._region(name) for name in REGIONS},
            {name: dict(each.outputs) for name, each in stack.state.items()},
            tuple(dict(each.outputs) for _, each in stack.replaced),
        )

    _failed: bool = False


class _RefusedError(ImdsError):
    """The program is refused before anything is sent."""


def _two_owners(declarations: Declarations) -> list[str]:
    """The errors with which the resource class refuses a program before anything is sent."""
    owners = OptionOwners(DEFAULT_NAMES)
    given = [(name, each.slot, each.options) for name, each in declarations.items()]
    return [each for name, region, values in given for each in owners.add(region, region, name, values)]


def _forbidden(ended: StackRun) -> list[str]:
    """What no operation may do: take longer than its deadline, or end with an error that is not ours."""
    hung = [f"{each.resource}: took {each.seconds or 'forever'}" for each in ended.hung]
    ours = ended.failed.items()
    return [*hung, *(f"{name}: raised {error!r}" for name, error in ours if not isinstance(error, ImdsError))]


def _modification(call: LoggedCall) -> Modification:
    return Modification(call["region"], _by_property(call["params"]))


def _named(values: Options) -> AccountDefaults:
    return cast("AccountDefaults", default_parameters(values))  # by the names in DEFAULTS


def _by_property(values: Mapping[str, str | int]) -> Options:
    """Defaults by Pulumi property, given by EC2's names and perhaps as strings."""
    named: dict[str, Any] = {f"{name[0].lower()}{name[1:]}": value for name, value in values.items()}
    if (limit := named.get("httpPutResponseHopLimit")) is not None:
        named["httpPutResponseHopLimit"] = int(limit)
    return decode_defaults(named)
