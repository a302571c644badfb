"""The model: what must hold of a run, said without looking at how the provider works. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from imds_provider.rules.options import Options, OptionValue, decode
from tests.model.edits import conflicts
from tests.model.snapshots import (
    LOOSER,
    WITHOUT_ENDPOINT,
    Instance,
    Outputs,
    Return,
    Run,
    is_brought_about,
    loosens,
)


def violations(run: Run) -> Iterator[str]:
    """What must never happen, and what must hold of a run that says it succeeded."""
    for slot in run.then.instances:
        yield from _changed_only_as_asked(run, slot)
        yield from _sent_only_as_asked(run, slot)
        yield from _nothing_lost(run, slot)
    for name in run.now.rows:
        yield from _still_known(run, name)
    yield from _failed_for_a_reason(run)
    if run.operation == "up" and conflicts(run.program):
        yield from _refused(run)
    elif run.failed:
        return
    elif run.operation == "refresh":
        yield from _refreshed(run)
    else:
        yield from _brought_about(run)


def _changed_only_as_asked(run: Run, slot: str) -> Iterator[str]:
    """An option that nobody manages stays what it is, and nothing is loosened without a reason."""
    then, now = run.then.instances[slot].options, run.now.instances[slot].options
    for name, value in now.items():
        if value in (then[name], run.meddled.get(name)):
            continue
        if value not in run.asked(slot, name):
            yield f"{slot}: {name} went from {then[name]} to {value}, which nobody asked for"
        elif LOOSER.get(name) == value and not run.may_loosen(slot, name):
            yield f"{slot}: {name} went from {then[name]} to {value}, and nobody gives a reason"


def _sent_only_as_asked(run: Run, slot: str) -> Iterator[str]:
    """What goes along with a change is as it was, and nothing is sent where nothing differs."""
    then = run.then.instances[slot].options
    back = [each.options if each.may_loosen else _unloosened(each.options, then) for each in run.returns(slot)]
    nothing_differs = all(is_brought_about(each, then) for each in (run.wanted(slot), *back))
    for each in run.sent:
        if each.slot != slot:
            continue
        if nothing_differs:
            yield f"{slot}: was sent {each.options}, though nothing differed"
        for name, value in each.options.items():
            if value not in {then[name], run.meddled.get(name), *run.asked(slot, name)}:
                yield f"{slot}: was sent {name}={value}, which is neither wanted nor what it was"
            is_looser = LOOSER.get(name) == value and (value != then[name] or name == "httpTokens")
            if is_looser and value != run.meddled.get(name) and not run.may_loosen(slot, name):
                yield f"{slot}: was sent {name}={value}, and nobody gives a reason"


def _unloosened(wanted: Options, then: Options) -> Options:
    return {name: value for name, value in wanted.items() if LOOSER.get(name) != value or then[name] == value}


def _still_known(run: Run, name: str) -> Iterator[str]:
    """``previous`` holds what was there before the first row managed the options.

    That goes over to another row of the instance from one that the program still has. From one that it no longer has
    it cannot, since nobody shows that to the provider in time.
    """
    row = run.now.rows[name]
    known = decode(row["previous"])
    if run.operation != "up" or name not in run.program:
        # Under the old name still, if the run did not get as far as the new one.
        expected = decode(run.then.rows[name]["previous"])
        if known != expected:
            yield f"{name}: `previous` says {known}, and it was {expected}"
        return
    if set(known) != set(run.now.managed(name)):
        yield f"{name}: `previous` knows {sorted(known)}, and it manages {sorted(run.now.managed(name))}"
    for option, value in known.items():
        allowed = _first(run, name, row, option)
        if value not in allowed:
            yield f"{name}: `previous` says {option}={value}, and it was {allowed}"


def _first(run: Run, name: str, row: Outputs, option: str) -> list[object]:
    """What the option may have been before the first row managed it; almost always that is one value."""
    old = run.old(name)
    mine = run.then.rows.get(old or "", {})
    if mine.get("instanceId") == row["instanceId"] and option in decode(mine["previous"]):
        return [decode(mine["previous"])[option]]
    others = [run.then.rows[each] for each in run.went_on()]
    firsts = [decode(each["previous"]).get(option) for each in others if each["instanceId"] == row["instanceId"]]
    known: list[object] = [each for each in firsts if each is not None]
    if known and run.in_turn:
        return known
    then = next(each for each in run.then.instances.values() if each.id == row["instanceId"])
    slot = run.program[name].slot
    meddled = [run.meddled[option]] if option in run.meddled and len(run.rows_of(slot)) > 1 else []
    return [*known, then.options[option], *meddled]


def _nothing_lost(run: Run, slot: str) -> Iterator[str]:
    """What a run has changed is recorded as managed, even if the run failed: else nobody could put it back."""
    if run.operation != "up":
        return
    then, now = run.then.instances[slot].options, run.now.instances[slot]
    put_back = [each.options for each in run.returns(slot)]
    managed = run.now.managed_of(now)
    for name, value in now.options.items():
        if value in (then[name], run.meddled.get(name)) or any(each.get(name) == value for each in put_back):
            continue
        if name not in managed:
            yield f"{slot}: {name} was changed from {then[name]} to {value}, and the state does not know of it"


def _failed_for_a_reason(run: Run) -> Iterator[str]:
    if run.struck or (run.operation == "up" and conflicts(run.program)):
        return
    for name, sentence in run.failed.items():
        rows = [name] if name in run.program else list(run.program)  # a barrier waits for all of them
        gone = any(run.then.instances[run.program[each].slot].gone for each in rows)
        refused = any(run.is_refused(each) for each in rows)
        if run.operation != "up" or not (gone or refused or (name not in run.program and _is_stricter(run))):
            yield f"{name}: failed without a reason: {sentence}"


def _is_stricter(run: Run) -> bool:
    """Whether somebody has made stricter what a row wants looser: no barrier loosens that, whatever its row may."""
    return any(loosens(run.then.instances[wish.slot].options, wish.options) for wish in run.program.values())


def _refused(run: Run) -> Iterator[str]:
    """Where two rows decide differently, the run fails before anything is done."""
    if not run.failed:
        yield f"two rows decide {conflicts(run.program)} differently, and nobody said so"
    if run.sent or run.now.rows != run.then.rows:
        yield "two rows decide differently, and the run acted all the same"


def _refreshed(run: Run) -> Iterator[str]:
    """What is recorded is what EC2 has, and what is gone is recorded no longer."""
    instances = {each.id: each for each in run.now.instances.values() if not each.gone}
    for name, old in run.then.rows.items():
        row, truth = run.now.rows.get(name), instances.get(old["instanceId"])
        if truth is None:
            if row is not None:
                yield f"{name}: is gone, and still recorded"
        elif row is None:
            yield f"{name}: is there, and recorded no longer"
        else:
            yield from _recorded_as_it_is(name, row, truth, was=old)


def _brought_about(run: Run) -> Iterator[str]:
    """The program's wishes have come true where the run had to look, and what it no longer has is gone."""
    program = run.program if run.operation == "up" else {}
    if set(run.now.rows) != set(program) or run.now.replaced:
        yield f"recorded are {sorted(run.now.rows)} and {len(run.now.replaced)} replaced, wanted {sorted(program)}"
        return
    for name in program:
        yield from _recorded_as_wished(run, name)
        yield from _wish_came_true(run, name)
    for slot in run.then.instances:
        yield from _put_back(run, slot)
        yield from _told(run, slot)


def _recorded_as_wished(run: Run, name: str) -> Iterator[str]:
    wish, row = run.program[name], run.now.rows[name]
    if set(run.now.managed(name)) != set(wish.options):
        yield f"{name}: manages {sorted(run.now.managed(name))}, and the program says {sorted(wish.options)}"
    if not is_brought_about(wish.options, decode(row)):
        yield f"{name}: recorded as {decode(row)}, and the program says {dict(wish.options)}"
    if (row["onDestroy"], bool(row.get("allowDowngrade"))) != (wish.on_destroy, wish.may_loosen):
        yield f"{name}: recorded as to {row['onDestroy']} on its end, for {row.get('allowDowngrade')}, not as {wish}"


def _wish_came_true(run: Run, name: str) -> Iterator[str]:
    wish, row = run.program[name], run.now.rows[name]
    truth, then = run.now.instances[wish.slot], run.then.instances[wish.slot]
    if not run.has_to_look(name):
        old = decode(run.then.rows[str(run.old(name))])
        if decode(row) != old:
            yield f"{name}: recorded as {decode(row)} instead of {old} without a reason to look"
        return
    alone, returns = run.is_alone(name), run.returns(wish.slot)
    if alone and not run.meddled:
        yield from _recorded_as_it_is(name, row, truth, was=row)
    others = [each.options for each in run.rows_of(wish.slot) if each is not wish]
    others += [each.options for each in returns]
    # Another row may switch the endpoint before or after this one, which takes nothing up while it is off.
    sure = then.options["httpEndpoint"] == "enabled" and not any("httpEndpoint" in each for each in others)
    names = set(wish.options) if alone or sure else set(wish.options) & set(WITHOUT_ENDPOINT)
    if run.outdated and not alone:
        names -= set(WITHOUT_ENDPOINT)
    wanted = {each: wish.options[each] for each in names}
    waited = not truth.waiting or bool(returns)
    if truth.state == "running" and not (waited and is_brought_about(wanted, truth.options)):
        yield f"{name}: nobody waited until {dict(wish.options)} was applied: EC2 has {dict(truth.options)}"


def _recorded_as_it_is(name: str, row: Outputs, truth: Instance, *, was: Outputs) -> Iterator[str]:
    """``was`` is what was recorded before: a stopped instance waits for its start whatever EC2 says of it."""
    if decode(row) != truth.options:
        yield f"{name}: recorded as {decode(row)}, and EC2 has {dict(truth.options)}"
    states = [("pending" if truth.state == "running" else "pending-start") if truth.waiting else "applied"]
    if truth.state != "running" and was.get("state") == "pending-start":
        states.append("pending-start")
    if "state" in row and row["state"] not in states:
        yield f"{name}: recorded as {row['state']}, and it is {states}"


def _put_back(run: Run, slot: str) -> Iterator[str]:
    """What ended rows were to put back is back: all of it, if the endpoint was on to take it."""
    truth, then, returns = run.now.instances[slot], run.then.instances[slot].options, run.returns(slot)
    # A stopped instance is not waited for, nor is one whose row leaves that to a barrier, which is gone by then. So
    # what somebody else does to it meanwhile is not seen.
    unseen = run.meddled and not (truth.state == "running" and all(each.waits for each in returns))
    if truth.gone or unseen:
        return
    wanted = run.wanted(slot)
    switched = any("httpEndpoint" in each.options for each in returns) and len(returns) > 1
    was_on = then["httpEndpoint"] == "enabled" and wanted.get("httpEndpoint") != "disabled" and not switched
    is_on = truth.options["httpEndpoint"] == "enabled" and len(returns) == 1
    for name in sorted({name for each in returns for name in each.options}):
        allowed = [_back(each, name, then[name]) for each in returns if name in each.options]
        if run.outdated and name in WITHOUT_ENDPOINT and (len(returns) > 1 or wanted):
            allowed.append(then[name])
        if (name in WITHOUT_ENDPOINT or was_on or is_on) and truth.options[name] not in allowed:
            yield f"{slot}: {name} should be back at {allowed}, and is {truth.options[name]}"


def _back(given: Return, name: str, then: OptionValue) -> OptionValue:
    """What an option is to be after a restore: the stricter value, where nothing gives a reason to loosen it."""
    value = given.options[name]
    return then if LOOSER.get(name) == value and not given.may_loosen else value


def _told(run: Run, slot: str) -> Iterator[str]:
    """What is not put back is said, unless a row still knows it."""
    truth = run.now.instances[slot]
    if truth.gone:
        return
    known = [decode(row["previous"]) for row in run.now.rows.values() if row["instanceId"] == truth.id]
    managed = run.wanted(slot)
    for row in run.restoring(slot):
        for name, value in decode(row["previous"]).items():
            kept = LOOSER.get(name) == value != truth.options[name] and not row.get("allowDowngrade")
            lost = all(each.get(name) != value for each in known) if name in managed else kept
            if lost and truth.id not in run.said:
                yield f"{slot}: {name}={value} is not put back, and nobody said so"
