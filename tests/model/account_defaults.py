"""Random sequences of edits, runs, outside changes, policies and faults on an account's defaults, against a model.

Two resources of one program share the defaults of a region. Each default has one owner at a time, and can move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from imds_provider.account_metadata_defaults import AccountMetadataDefaultsProvider
from imds_provider.errors import ImdsError
from imds_provider.rules.account_defaults import (
    DEFAULT_NAMES,
    decode_defaults,
    default_changes,
    default_parameters,
    from_ec2,
    loosened_defaults,
    render_default_changes,
)
from imds_provider.rules.options import Options, OptionValue
from localcloud.ec2.account_json import AccountDefaults
from localcloud.faults import Fault
from tests.support.engine_values import Bag, from_engine
from tests.support.offline import OfflineRuns
from tests.support.provider_run import REGION

PROVIDER = AccountMetadataDefaultsProvider()
GET, MODIFY = "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"
RESOURCES = ("a", "b")
REASON = "a lab"

_SWITCH = st.sampled_from(["enabled", "disabled", "no-preference"])
VALUES: dict[str, st.SearchStrategy[str | int]] = {
    "httpTokens": st.sampled_from(["optional", "required", "no-preference"]),
    "httpPutResponseHopLimit": st.sampled_from([-1, 1, 2, 64]),
    "httpEndpoint": _SWITCH,
    "instanceMetadataTags": _SWITCH,
    "httpTokensEnforced": _SWITCH,
}
FAULTS = [
    Fault("drop", MODIFY, times=3, after=True),
    Fault("drop", MODIFY, times=3),
    Fault("drop", GET, times=3),
    Fault("truncate", MODIFY, times=3),
    Fault("error", MODIFY, code="UnauthorizedOperation", times=None),
    Fault("error", MODIFY, code="RequestLimitExceeded", times=None),
    Fault("error", GET, code="InternalError", times=3, nth=2),
    Fault("change", MODIFY, after=True, defaults={"HttpPutResponseHopLimit": 9}),
]


@dataclass
class Declared:
    """A resource of the program."""

    wanted: dict[str, OptionValue] = field(default_factory=dict)
    on_destroy: str = "restore"
    reason: str | None = None

    def inputs(self, seen: Options) -> Bag:
        """What the program passes, with what it finds to differ from the live defaults."""
        return from_engine(
            {
                "region": REGION,
                **self.wanted,
                "onDestroy": self.on_destroy,
                "timeoutSeconds": 30,
                "allowDowngrade": self.reason,
                "change": render_default_changes(seen, self.wanted) or None,
            }
        )


class AccountModel(RuleBasedStateMachine):
    """The stack, its program, and what is known of each default from before it was managed."""

    runs: OfflineRuns
    taken = 0

    @initialize(before=st.fixed_dictionaries({}, optional=VALUES))
    def begin(self, before: dict[str, OptionValue]) -> None:
        self.cloud = self.runs.cloud
        self.cloud.wipe()
        self.program = {"a": Declared(reason=REASON), "b": Declared()}
        self.state: dict[str, Bag] = {}
        self.origins: dict[str, set[OptionValue]] = {}
        """The values that each managed default had before a resource took it over."""
        self.policy = False
        self.faulty = False
        self._put(before)

    @rule(
        name=st.sampled_from(["httpTokens", "httpTokens", *DEFAULT_NAMES]),
        owner=st.sampled_from([*RESOURCES, *RESOURCES, None]),
        values=st.fixed_dictionaries(VALUES),
    )
    def manage(self, name: str, owner: str | None, values: Mapping[str, OptionValue]) -> None:
        """Give a default to a resource, with a value, or to none."""
        for each in self.program.values():
            each.wanted.pop(name, None)
        if owner is not None:
            self.program[owner].wanted[name] = values[name]

    @rule(
        owner=st.sampled_from(RESOURCES),
        on_destroy=st.sampled_from(["retain", "restore"]),
        reason=st.sampled_from([None, REASON]),
    )
    def configure(self, owner: str, on_destroy: str, reason: str | None) -> None:
        self.program[owner].on_destroy, self.program[owner].reason = on_destroy, reason

    @rule(values=st.fixed_dictionaries({}, optional=VALUES))
    def drift(self, values: dict[str, OptionValue]) -> None:
        """Have somebody else set defaults."""
        if not self.policy:
            self._put(values)

    @rule(values=st.fixed_dictionaries({}, optional=VALUES))
    def toggle_policy(self, values: dict[str, OptionValue]) -> None:
        """Have the organization decide the defaults, or no longer."""
        self.policy = not self.policy
        if self.policy:
            self.cloud.set_declarative_policy(REGION, cast("AccountDefaults", default_parameters(values)))
        else:
            self.cloud.remove_declarative_policy(REGION)

    @rule(fault=st.sampled_from([*FAULTS, None]), seconds=st.sampled_from([0, 2, 20, 600]))
    def break_next_run(self, fault: Fault | None, seconds: float) -> None:
        """Have something go wrong, and changes show late."""
        if fault is not None:
            self.cloud.set_faults(fault)
        self.cloud.settings(defaults_delay=seconds)
        self.faulty = True

    @rule()
    def up(self) -> None:
        self._run({name: each for name, each in self.program.items() if each.wanted})

    @rule(owner=st.sampled_from(RESOURCES), limit=st.sampled_from([1, 2, 64]))
    def require(self, owner: str, limit: int) -> None:
        """Have one resource require tokens and set the hop limit, which loosens nothing, and run."""
        strict: Options = {"httpTokens": "required", "httpPutResponseHopLimit": limit}
        for name, value in strict.items():
            for each in self.program.values():
                each.wanted.pop(name, None)
            self.program[owner].wanted[name] = value
        self.up()

    @precondition(lambda self: bool(self.state))
    @rule()
    def destroy(self) -> None:
        self._run({})

    @rule()
    def refresh(self) -> None:
        with self.runs.process():
            for name, old in self.state.items():
                try:
                    self.state[name] = from_engine(PROVIDER.read(REGION, old).outs or {})
                except ImdsError:
                    continue

    def _run(self, program: Mapping[str, Declared]) -> None:
        """Run the program once, check what must hold, and once more without faults, which must change nothing."""
        type(self).taken += 1
        before, recorded = self._now(), dict(self.state)
        self._note_origins(before, program)
        self.cloud.reset()
        failed = self._apply(program)
        after = self._now()
        owners = {
            name: [*(each for each in program.values() if name in each.wanted), *_leaving(name, recorded, program)]
            for name in DEFAULT_NAMES
        }
        for name in set(loosened_defaults(before, after)):
            assert any(_reason(each) for each in owners[name]), f"{name} was loosened without a reason"
        for name in default_changes(before, after):
            by_others = self.faulty and name == "httpPutResponseHopLimit"
            assert owners[name] or by_others, f"{name} was changed, though nothing manages it"
        if self.policy:
            assert self.cloud.calls(MODIFY) == 0, "a policy decides, and yet something was sent"
        for resource in self.state.values():
            for name, value in decode_defaults(resource["previous"]).items():
                assert value in self.origins[name], f"{name} would be restored to what it never was"
        was_faulty = self.faulty
        self._end_faults()
        if failed or (was_faulty and self._apply(program)):
            # What somebody else changed after a run had read it is repaired by the next.
            return
        for each in program.values():
            assert default_changes(self._now(), each.wanted) == {}, "a run that succeeds has brought about its program"
        assert set(self.state) == set(program)
        for name, each in program.items():
            assert set(cast("dict[str, object]", self.state[name]["previous"])) == set(each.wanted)
        self.cloud.reset()
        assert not self._apply(program), "what succeeded once succeeds again"
        assert self.cloud.calls(MODIFY) == 0, "what is in force is sent nothing"

    def _note_origins(self, before: Options, program: Mapping[str, Declared]) -> None:
        for name in DEFAULT_NAMES:
            owned = [resource for resource, old in self.state.items() if name in old["previous"]]
            new = [resource for resource, each in program.items() if name in each.wanted and resource not in owned]
            if not owned:
                self.origins[name] = {before[name]}
            elif new:
                self.origins[name].add(before[name])

    def _apply(self, program: Mapping[str, Declared]) -> bool:
        """Check and diff all resources, create and update them, then delete what has left. Returns if any failed."""
        seen, failed = self._now(), False
        with self.runs.process():
            planned: list[tuple[str, Bag]] = []
            for name, declared in program.items():
                checked = PROVIDER.check({}, declared.inputs(seen))
                if checked.failures:
                    return True
                inputs = from_engine(checked.inputs)
                old = self.state.get(name)
                if old is None or PROVIDER.diff(REGION, old, inputs).changes:
                    planned.append((name, inputs))
            for name, inputs in planned:
                failed |= not self._attempt(name, inputs)
            for name in [*self.state] if not failed else []:
                if name not in program:
                    try:
                        PROVIDER.delete(REGION, self.state[name])
                        del self.state[name]
                    except ImdsError:
                        failed = True
                        assert self.faulty, "nothing was wrong, and yet a delete failed"
        return failed

    def _attempt(self, name: str, inputs: Bag) -> bool:
        old = self.state.get(name)
        made: Any
        try:
            made = PROVIDER.update(REGION, old, inputs) if old else PROVIDER.create(inputs)
        except ImdsError:
            return False
        self.state[name] = from_engine(made.outs or {})
        return "unfinished" not in self.state[name]

    def _end_faults(self) -> None:
        self.cloud.clear_faults()
        self.cloud.settings(defaults_delay=0)
        self.cloud.advance(600)
        self.faulty = False

    def _put(self, values: Options) -> None:
        self.cloud.set_account_defaults(REGION, cast("AccountDefaults", default_parameters(values)))

    def _now(self) -> Options:
        """The defaults that launches get."""
        return from_ec2(dict(self.cloud.account_defaults(REGION))).values


def _leaving(name: str, recorded: Mapping[str, Bag], program: Mapping[str, Declared]) -> list[Declared]:
    """The recorded resources that a run deletes and that restore the default."""
    return [
        Declared(decode_defaults(old), old["onDestroy"], old.get("allowDowngrade"))
        for resource, old in recorded.items()
        if resource not in program and name in old["previous"] and old["onDestroy"] == "restore"
    ]


def _reason(declared: Declared) -> bool:
    return declared.reason is not None
