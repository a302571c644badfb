"""EC2 and the state of a stack at one moment, and a run with what they were before and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from imds_provider.rules.options import Options, decode
from imds_provider.rules.target import Target
from tests.model.steps import Declaration, Declarations

Operation = Literal["up", "refresh", "destroy"]
Outputs = Mapping[str, Any]
"""The recorded outputs of a row."""

LOOSER: Options = {"httpTokens": "optional", "httpEndpoint": "enabled"}
"""For each option that can be loosened, its looser value."""
WITHOUT_ENDPOINT = ("httpTokens", "httpEndpoint")
"""The options that EC2 takes while the endpoint is disabled."""


@dataclass(frozen=True)
class Instance:
    """What EC2 really has, whatever a describe shows. ``pending`` while the options are not applied."""

    id: str
    options: Options
    state: str
    pending: bool

    @property
    def gone(self) -> bool:
        return self.state == "terminated"


@dataclass(frozen=True)
class Snapshot:
    """The instances by slot and the recorded rows by name.

    ``replaced`` are rows that were replaced under the same name and are yet to be deleted.
    """

    instances: Mapping[str, Instance]
    rows: Mapping[str, Outputs]
    replaced: Sequence[Outputs] = ()

    def managed(self, name: str) -> Options:
        """The options that the recorded row manages."""
        target = Target.parse(self.rows[name]["target"])
        return target.wanted if target else {}

    def managed_of(self, instance: Instance) -> set[str]:
        """The options that recorded rows manage of the instance."""
        rows = (name for name, row in self.rows.items() if row["instanceId"] == instance.id)
        return {each for name in rows for each in self.managed(name)}


@dataclass(frozen=True)
class Modification:
    """A modification that was sent, with the names of options that a program uses."""

    slot: str
    options: Options


@dataclass(frozen=True)
class Restore:
    """What a deleted row is to restore, and whether it gives a reason to loosen and waits until it is applied."""

    options: Options
    may_loosen: bool
    waits: bool


@dataclass(frozen=True)
class Run:
    """A run, with the program, the snapshots before and after it, and what it did.

    Attributes:
        may_fail: a fault occurred that the run need not survive.
        changed_by_others: the options that somebody else set during the run.
        output: what was shown.
        diffs_first: every row was compared with the state before any was changed; the engine does so row by row.
        stale_answers: EC2 gave answers from before the run. Then the change of one row may be undone by what goes
            along with the change of another one of its instance, though never to something looser than before.
    """

    operation: Operation
    program: Declarations
    before: Snapshot
    after: Snapshot
    modifications: Sequence[Modification]
    failed: Mapping[str, str]
    may_fail: bool
    changed_by_others: Options = field(default_factory=dict)
    output: str = ""
    diffs_first: bool = True
    stale_answers: bool = False

    def declarations_of(self, slot: str) -> list[Declaration]:
        """What the program declares for the instance, if the run evaluates it."""
        return [each for each in self.program.values() if each.slot == slot] if self.operation == "up" else []

    def wanted(self, slot: str) -> Options:
        """What all rows together want for the instance."""
        return {name: value for declared in self.declarations_of(slot) for name, value in declared.options.items()}

    def old(self, name: str) -> str | None:
        """The recorded row that a row of the program continues."""
        if self.operation != "up":
            return name if name in self.before.rows else None
        names = [name, *(each for each in self.program[name].aliases if each not in self.program)]
        return next((each for each in names if each in self.before.rows), None)

    def continued(self) -> set[str]:
        """The recorded rows that the program still has, whichever instance they are for now."""
        return {old for name in self.program if (old := self.old(name)) is not None}

    def is_other_instance(self, name: str) -> bool:
        """Whether the row of the program is recorded with another instance, or not at all."""
        old = self.old(name)
        return old is None or self.before.rows[old]["instanceId"] != self.before.instances[self.program[name].slot].id

    def deleted(self) -> list[Outputs]:
        """The recorded rows that the run is to delete."""
        if self.operation == "refresh":
            return []
        if self.operation == "destroy":
            return [*self.before.rows.values(), *self.before.replaced]
        stay = {self.old(name) for name in self.program if not self.is_other_instance(name)}
        return [*(row for name, row in self.before.rows.items() if name not in stay), *self.before.replaced]

    def restoring(self, slot: str) -> list[Outputs]:
        """The deleted rows that are to restore the instance of the slot."""
        id_ = self.before.instances[slot].id
        return [row for row in self.deleted() if row["onDestroy"] == "restore" and row["instanceId"] == id_]

    def restores(self, slot: str) -> list[Restore]:
        """What the run is to restore: nothing that the program manages."""
        managed = self.wanted(slot)
        found = []
        for row in self.restoring(slot):
            options = {name: value for name, value in decode(row["previous"]).items() if name not in managed}
            if options:
                found.append(Restore(options, bool(row.get("allowDowngrade")), row.get("wait") is not False))
        return found

    def asked(self, slot: str, name: str) -> set[object]:
        """The values that rows of the run want for an option of the instance, with or without a reason."""
        wants: list[Options] = [declared.options for declared in self.declarations_of(slot)]
        wants += [each.options for each in self.restores(slot)]
        return {each[name] for each in wants if name in each}

    def may_loosen(self, slot: str, name: str) -> bool:
        """Whether a row that wants the looser value of the option gives a reason."""
        with_reason = [declared.options for declared in self.declarations_of(slot) if declared.may_loosen]
        with_reason += [each.options for each in self.restores(slot) if each.may_loosen]
        return any(each.get(name) == LOOSER.get(name) for each in with_reason)

    def is_alone(self, name: str) -> bool:
        """Whether no other row of the run is for the same instance."""
        slot = self.program[name].slot
        return len(self.declarations_of(slot)) == 1 and not self.restores(slot)

    def must_describe(self, name: str) -> bool:
        """Whether the state alone does not tell the run that nothing is to be done."""
        old, wanted = self.old(name), self.program[name].options
        if old is None or self.is_other_instance(name) or self.before.rows[old].get("unfinished"):
            return True
        return not set(wanted) <= set(self.before.managed(old)) or not is_in_effect(
            wanted, decode(self.before.rows[old])
        )

    def is_refused(self, name: str) -> bool:
        """Whether the row would loosen its instance and gives no reason."""
        declared = self.program[name]
        return not declared.may_loosen and loosens(self.before.instances[declared.slot].options, declared.options)


def loosens(options: Options, wanted: Options) -> bool:
    return any(wanted.get(name) == looser != options[name] for name, looser in LOOSER.items())


def can_apply(wanted: Options, options: Options) -> Options:
    """The part of ``wanted`` that EC2 takes: while the endpoint is disabled, that and the tokens."""
    off = wanted.get("httpEndpoint", options["httpEndpoint"]) == "disabled"
    return {name: value for name, value in wanted.items() if name in WITHOUT_ENDPOINT or not off}


def is_in_effect(wanted: Options, options: Options) -> bool:
    return all(options[name] == value for name, value in can_apply(wanted, options).items())
