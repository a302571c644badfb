"""What was there before and after a run, and what the program says of each instance and row. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from imds_provider.rules.options import Options, decode
from imds_provider.rules.target import Target
from tests.model.steps import Wish, Wishes

Operation = Literal["up", "refresh", "destroy"]
Outputs = Mapping[str, Any]
"""What is recorded of a row, as JSON."""

LOOSER: Options = {"httpTokens": "optional", "httpEndpoint": "enabled"}
"""The value of an option that is looser than the other one."""
WITHOUT_ENDPOINT = ("httpTokens", "httpEndpoint")
"""What applies while the endpoint is off."""


@dataclass(frozen=True)
class Instance:
    """What EC2 really has. ``waiting`` while the options are not applied; ``gone`` once it is terminated."""

    id: str
    options: Options
    state: str
    waiting: bool

    @property
    def gone(self) -> bool:
        return self.state == "terminated"


@dataclass(frozen=True)
class Scene:
    """EC2, by slot, and the state of the stack, by row, at one moment.

    ``replaced`` are rows that another has taken the place of under the same name, and that are yet to be deleted.
    """

    instances: Mapping[str, Instance]
    rows: Mapping[str, Outputs]
    replaced: Sequence[Outputs] = ()

    def managed(self, name: str) -> Options:
        """What the recorded row wants."""
        target = Target.parse(self.rows[name]["target"])
        return target.wanted if target else {}

    def managed_of(self, instance: Instance) -> set[str]:
        """The options that recorded rows manage of the instance."""
        rows = (name for name, row in self.rows.items() if row["instanceId"] == instance.id)
        return {each for name in rows for each in self.managed(name)}


@dataclass(frozen=True)
class Sent:
    """A modification, with the options by the names that a program gives them."""

    slot: str
    options: Options


@dataclass(frozen=True)
class Return:
    """What a row puts back that ends: only with a reason if that is looser."""

    options: Options
    may_loosen: bool
    waits: bool


@dataclass(frozen=True)
class Run:
    """A run that has ended: what the program wanted, what was there before and after it, and what it did.

    ``struck`` says whether EC2 did anything wrong that a run may fail of, ``meddled`` what somebody else set
    meanwhile, ``said`` what was shown. ``in_turn`` is true where every row of the program is compared with what is
    recorded before any is changed; the engine does so row by row. ``outdated`` says whether EC2 has given answers from
    before the run: then what one row changes may be undone by what goes along with the change of another one of its
    instance, though never to something looser than it was.
    """

    operation: Operation
    program: Wishes
    then: Scene
    now: Scene
    sent: Sequence[Sent]
    failed: Mapping[str, str]
    struck: bool
    meddled: Options = field(default_factory=dict)
    said: str = ""
    in_turn: bool = True
    outdated: bool = False

    def rows_of(self, slot: str) -> list[Wish]:
        """What the program says of the instance, if it is run at all."""
        return [wish for wish in self.program.values() if wish.slot == slot] if self.operation == "up" else []

    def wanted(self, slot: str) -> Options:
        """What all rows together want of the instance."""
        return {name: value for wish in self.rows_of(slot) for name, value in wish.options.items()}

    def old(self, name: str) -> str | None:
        """The recorded row that a row of the program goes on from."""
        if self.operation != "up":
            return name if name in self.then.rows else None
        names = [name, *(each for each in self.program[name].aliases if each not in self.program)]
        return next((each for each in names if each in self.then.rows), None)

    def went_on(self) -> set[str]:
        """The recorded rows that the program still has, whatever their instance is now."""
        return {old for name in self.program if (old := self.old(name)) is not None}

    def is_other_instance(self, name: str) -> bool:
        """Whether the row of the program is recorded with another instance, or not at all."""
        old = self.old(name)
        return old is None or self.then.rows[old]["instanceId"] != self.then.instances[self.program[name].slot].id

    def ended(self) -> list[Outputs]:
        """The recorded rows that the run is to delete."""
        if self.operation == "refresh":
            return []
        if self.operation == "destroy":
            return [*self.then.rows.values(), *self.then.replaced]
        stay = {self.old(name) for name in self.program if not self.is_other_instance(name)}
        return [*(row for name, row in self.then.rows.items() if name not in stay), *self.then.replaced]

    def restoring(self, slot: str) -> list[Outputs]:
        """Those of them that are to restore the instance of the slot."""
        id_ = self.then.instances[slot].id
        return [row for row in self.ended() if row["onDestroy"] == "restore" and row["instanceId"] == id_]

    def returns(self, slot: str) -> list[Return]:
        """What the run is to put back: nothing that the program manages."""
        managed = self.wanted(slot)
        found = []
        for row in self.restoring(slot):
            options = {name: value for name, value in decode(row["previous"]).items() if name not in managed}
            if options:
                found.append(Return(options, bool(row.get("allowDowngrade")), row.get("wait") is not False))
        return found

    def asked(self, slot: str, name: str) -> set[object]:
        """The values that somebody wants of an option of the instance, be it with a reason or not."""
        wants: list[Options] = [wish.options for wish in self.rows_of(slot)]
        wants += [each.options for each in self.returns(slot)]
        return {each[name] for each in wants if name in each}

    def may_loosen(self, slot: str, name: str) -> bool:
        """Whether whoever wants the looser value of the option gives a reason."""
        with_reason = [wish.options for wish in self.rows_of(slot) if wish.may_loosen]
        with_reason += [each.options for each in self.returns(slot) if each.may_loosen]
        return any(each.get(name) == LOOSER.get(name) for each in with_reason)

    def is_alone(self, name: str) -> bool:
        """Whether nothing else of the run is about the row's instance."""
        slot = self.program[name].slot
        return len(self.rows_of(slot)) == 1 and not self.returns(slot)

    def has_to_look(self, name: str) -> bool:
        """Whether what is recorded is not enough for the run to know that nothing is to be done."""
        old, wanted = self.old(name), self.program[name].options
        if old is None or self.is_other_instance(name) or self.then.rows[old].get("unfinished"):
            return True
        return not set(wanted) <= set(self.then.managed(old)) or not is_brought_about(
            wanted, decode(self.then.rows[old])
        )

    def is_refused(self, name: str) -> bool:
        """Whether the row would loosen its instance and gives no reason."""
        wish = self.program[name]
        return not wish.may_loosen and loosens(self.then.instances[wish.slot].options, wish.options)


def loosens(options: Options, wanted: Options) -> bool:
    return any(wanted.get(name) == looser != options[name] for name, looser in LOOSER.items())


def can_apply(wanted: Options, options: Options) -> Options:
    """What of ``wanted`` EC2 takes: with the endpoint off, that and the tokens."""
    off = wanted.get("httpEndpoint", options["httpEndpoint"]) == "disabled"
    return {name: value for name, value in wanted.items() if name in WITHOUT_ENDPOINT or not off}


def is_brought_about(wanted: Options, options: Options) -> bool:
    return all(options[name] == value for name, value in can_apply(wanted, options).items())
