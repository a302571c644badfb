"""The model: what must hold of a run, said without looking at how the provider works. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imds_provider.options import Options, decode
from imds_provider.target import Target
from tests.model.steps import Wish

Operation = Literal["up", "refresh", "destroy"]

_WITHOUT_ENDPOINT = ("httpTokens", "httpEndpoint")
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

    @property
    def recorded_state(self) -> str:
        """How a row that has been waited for calls it."""
        if not self.waiting:
            return "applied"
        return "pending" if self.state == "running" else "pending-start"


@dataclass(frozen=True)
class Scene:
    """EC2 and the state of the stack at one moment, by slot."""

    instances: Mapping[str, Instance]
    rows: Mapping[str, Mapping[str, Any]]

    def managed(self, slot: str) -> Options:
        """What the recorded row wants."""
        target = Target.parse(self.rows[slot]["target"]) if slot in self.rows else None
        return target.wanted if target else {}


@dataclass(frozen=True)
class Sent:
    """A modification, with the options by the names that a program gives them."""

    slot: str
    options: Options


@dataclass(frozen=True)
class Run:
    """A run that has ended: what the program wanted, what was there before and after it, and what it did.

    ``struck`` says whether EC2 did anything wrong that a run may fail of, ``meddled`` what somebody else set
    meanwhile. ``before`` are the values from before the options of a recorded row were first managed, as known when
    the run began.
    """

    operation: Operation
    program: Mapping[str, Wish]
    then: Scene
    now: Scene
    sent: tuple[Sent, ...]
    failed: Mapping[str, str]
    struck: bool
    meddled: Options = field(default_factory=dict)
    before: Mapping[str, Options] = field(default_factory=dict)

    def ends(self, slot: str) -> bool:
        """Whether the run is to delete the recorded row, or to replace it."""
        row = self.then.rows.get(slot)
        if row is None or self.operation == "refresh":
            return False
        moved = row["instanceId"] != self.then.instances[slot].id
        return self.operation == "destroy" or slot not in self.program or moved

    def restored(self, slot: str) -> Options:
        """What the run is to put back."""
        if not self.ends(slot) or self.then.rows[slot]["onDestroy"] != "restore":
            return {}
        return self.before.get(slot, {}) if self.then.rows[slot]["instanceId"] == self.then.instances[slot].id else {}

    def wanted(self, slot: str) -> Options:
        """What the run is to bring about, or to put back."""
        if self.operation == "up" and slot in self.program:
            return self.program[slot].options
        return self.restored(slot)

    def has_to_look(self, slot: str) -> bool:
        """Whether what is recorded is not enough for the run to know that nothing is to be done."""
        row, wanted = self.then.rows.get(slot), self.program[slot].options
        if row is None or self.ends(slot) or row.get("unfinished"):
            return True
        known = decode(row)
        return not set(wanted) <= set(self.then.managed(slot)) or not is_brought_about(wanted, known)


def can_apply(wanted: Options, options: Options) -> Options:
    """What of ``wanted`` EC2 takes: with the endpoint off, that and the tokens."""
    off = wanted.get("httpEndpoint", options["httpEndpoint"]) == "disabled"
    return {name: value for name, value in wanted.items() if name in _WITHOUT_ENDPOINT or not off}


def is_brought_about(wanted: Options, options: Options) -> bool:
    return all(options[name] == value for name, value in can_apply(wanted, options).items())


def first_managed(before: Mapping[str, Options], run: Run) -> dict[str, Options]:
    """The values from before each option of the rows that are recorded now was first managed."""
    known: dict[str, Options] = {}
    for slot, row in run.now.rows.items():
        old = run.then.rows.get(slot)
        kept = before.get(slot, {}) if old is not None and old["instanceId"] == row["instanceId"] else {}
        had = {**run.then.instances[slot].options, **kept}
        known[slot] = {name: had[name] for name in run.now.managed(slot)}
    return known


def violations(run: Run) -> Iterator[str]:
    """What must never happen, and what must hold of a run that says it succeeded."""
    for slot in run.then.instances:
        yield from _changed_only_as_asked(run, slot)
        yield from _sent_only_as_asked(run, slot)
        yield from _still_known(run, slot)
        yield from _nothing_lost(run, slot)
    yield from _failed_for_a_reason(run)
    if run.failed:
        return
    if run.operation == "refresh":
        yield from _refreshed(run)
    for slot in run.then.instances:
        if run.operation == "up" and slot in run.program:
            yield from _brought_about(run, slot)
        elif run.operation != "refresh":
            yield from _ended(run, slot)


def _changed_only_as_asked(run: Run, slot: str) -> Iterator[str]:
    """An option that nobody manages stays what it is, and tokens are loosened only where that is asked for."""
    then, now, wanted = run.then.instances[slot].options, run.now.instances[slot].options, run.wanted(slot)
    for name, value in now.items():
        if value not in (then[name], wanted.get(name), run.meddled.get(name)):
            yield f"{slot}: {name} went from {then[name]} to {value}, which nobody asked for"


def _sent_only_as_asked(run: Run, slot: str) -> Iterator[str]:
    """What goes along with a change is as it was, and nothing is sent where nothing differs."""
    then, wanted = run.then.instances[slot].options, run.wanted(slot)
    for each in run.sent:
        if each.slot != slot:
            continue
        if is_brought_about(wanted, then):
            yield f"{slot}: was sent {each.options}, though nothing differed"
        for name, value in each.options.items():
            if value not in (then[name], wanted.get(name), run.meddled.get(name)):
                yield f"{slot}: was sent {name}={value}, which is neither wanted nor what it was"
            if (name, value) == ("httpTokens", "optional") and wanted.get(name) != value:
                yield f"{slot}: was sent optional tokens, which nobody asked for"


def _still_known(run: Run, slot: str) -> Iterator[str]:
    """``previous`` holds what was there before the options were managed here."""
    row = run.now.rows.get(slot)
    if row is None:
        return
    expected, known = first_managed(run.before, run)[slot], decode(row["previous"])
    if known != expected:
        yield f"{slot}: `previous` says {known}, and it was {dict(expected)}"


def _nothing_lost(run: Run, slot: str) -> Iterator[str]:
    """What a run has changed is recorded as managed, even if the run failed: else nobody could put it back."""
    if run.operation != "up" or slot not in run.program:
        return
    then, now, managed = run.then.instances[slot].options, run.now.instances[slot].options, run.now.managed(slot)
    for name, value in now.items():
        if value not in (then[name], run.meddled.get(name)) and name not in managed:
            yield f"{slot}: {name} was changed from {then[name]} to {value}, and the state does not know of it"


def _failed_for_a_reason(run: Run) -> Iterator[str]:
    if run.struck:
        return
    for name, sentence in run.failed.items():
        # A barrier waits for all of them.
        slots = [name] if name in run.then.instances else list(run.program)
        if run.operation != "up" or not any(run.then.instances[slot].gone for slot in slots):
            yield f"{name}: failed without a reason: {sentence}"


def _refreshed(run: Run) -> Iterator[str]:
    """What is recorded is what EC2 has, and what is gone is recorded no longer."""
    for slot, old in run.then.rows.items():
        row, truth = run.now.rows.get(slot), run.now.instances[slot]
        if old["instanceId"] != truth.id or truth.gone:
            if row is not None:
                yield f"{slot}: is gone, and still recorded"
        elif row is None:
            yield f"{slot}: is there, and recorded no longer"
        else:
            yield from _recorded_as_it_is(slot, row, truth)


def _brought_about(run: Run, slot: str) -> Iterator[str]:
    """The program's wishes have come true where the run had to look, and are recorded as they came out."""
    wish, row, truth = run.program[slot], run.now.rows.get(slot), run.now.instances[slot]
    if row is None:
        yield f"{slot}: is not recorded"
        return
    if set(run.now.managed(slot)) != set(wish.options):
        yield f"{slot}: manages {sorted(run.now.managed(slot))}, and the program says {sorted(wish.options)}"
    if not is_brought_about(wish.options, decode(row)):
        yield f"{slot}: recorded as {decode(row)}, and the program says {dict(wish.options)}"
    if row["onDestroy"] != wish.on_destroy:
        yield f"{slot}: recorded as to {row['onDestroy']} on its end, and the program says {wish.on_destroy}"
    if not run.has_to_look(slot):
        old = decode(run.then.rows[slot])
        if decode(row) != old:
            yield f"{slot}: recorded as {decode(row)} instead of {old} without a reason to look"
        return
    if not run.meddled:
        yield from _recorded_as_it_is(slot, row, truth)
    if truth.state == "running" and (truth.waiting or not is_brought_about(wish.options, truth.options)):
        yield f"{slot}: nobody waited until {dict(wish.options)} was applied: EC2 has {dict(truth.options)}"


def _recorded_as_it_is(slot: str, row: Mapping[str, Any], truth: Instance) -> Iterator[str]:
    if decode(row) != truth.options:
        yield f"{slot}: recorded as {decode(row)}, and EC2 has {dict(truth.options)}"
    if row.get("state", truth.recorded_state) != truth.recorded_state:
        yield f"{slot}: recorded as {row['state']}, and it is {truth.recorded_state}"


def _ended(run: Run, slot: str) -> Iterator[str]:
    """The row is gone, and what it was to put back is back: all of it, if the endpoint was on to take it."""
    truth, restored = run.now.instances[slot], run.restored(slot)
    if slot in run.now.rows:
        yield f"{slot}: still recorded"
    # A stopped instance is not waited for, nor is one whose row leaves that to a barrier, which is gone by then. So
    # what somebody else does to it meanwhile is not seen.
    waited_for = truth.state == "running" and run.then.rows.get(slot, {}).get("wait") is not False
    unseen = run.meddled and not waited_for
    was_on = run.then.instances[slot].options["httpEndpoint"] == "enabled"
    back = restored.items() <= truth.options.items() if was_on else is_brought_about(restored, truth.options)
    if not truth.gone and not unseen and not back:
        yield f"{slot}: should be as before, {dict(restored)}, and is {dict(truth.options)}"
