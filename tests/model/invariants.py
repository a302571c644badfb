"""What must hold of every run, stated without knowing how the provider works."""

from __future__ import annotations

from collections.abc import Iterator

from imds_provider.rules.options import Options, OptionValue, decode
from tests.model.edits import conflicts
from tests.model.snapshots import (
    LOOSER,
    WITHOUT_ENDPOINT,
    Instance,
    Outputs,
    Restore,
    Run,
    is_in_effect,
    loosens,
)


def violations(run: Run) -> Iterator[str]:
    """What must never happen, and what must hold of a run that succeeded."""
    for slot in run.before.instances:
        yield from _changed_only_as_asked(run, slot)
        yield from _sent_only_as_asked(run, slot)
        yield from _changes_are_recorded(run, slot)
    for name in run.after.rows:
        yield from _previous_is_kept(run, name)
    yield from _failed_for_a_reason(run)
    if run.operation == "up" and conflicts(run.program):
        yield from _refused(run)
    elif run.failed:
        return
    elif run.operation == "refresh":
        yield from _refreshed(run)
    else:
        yield from _succeeded(run)


def _changed_only_as_asked(run: Run, slot: str) -> Iterator[str]:
    """An option that nobody manages keeps its value, and nothing is loosened without a reason."""
    before, after = run.before.instances[slot].options, run.after.instances[slot].options
    for name, value in after.items():
        if value in (before[name], run.changed_by_others.get(name)):
            continue
        if value not in run.asked(slot, name):
            yield f"{slot}: {name} went from {before[name]} to {value}, which nobody asked for"
        elif LOOSER.get(name) == value and not run.may_loosen(slot, name):
            yield f"{slot}: {name} went from {before[name]} to {value} without a reason"


def _sent_only_as_asked(run: Run, slot: str) -> Iterator[str]:
    """Options that go along with a change have their old values, and nothing is sent where nothing differs."""
    before = run.before.instances[slot].options
    restored = [each.options if each.may_loosen else _unloosened(each.options, before) for each in run.restores(slot)]
    nothing_differs = all(is_in_effect(each, before) for each in (run.wanted(slot), *restored))
    for each in run.modifications:
        if each.slot != slot:
            continue
        if nothing_differs:
            yield f"{slot}: was sent {each.options}, though nothing differed"
        for name, value in each.options.items():
            if value not in {before[name], run.changed_by_others.get(name), *run.asked(slot, name)}:
                yield f"{slot}: was sent {name}={value}, which is neither wanted nor its old value"
            is_looser = LOOSER.get(name) == value and (value != before[name] or name == "httpTokens")
            if is_looser and value != run.changed_by_others.get(name) and not run.may_loosen(slot, name):
                yield f"{slot}: was sent {name}={value} without a reason"


def _unloosened(wanted: Options, before: Options) -> Options:
    return {name: value for name, value in wanted.items() if LOOSER.get(name) != value or before[name] == value}


def _previous_is_kept(run: Run, name: str) -> Iterator[str]:
    """``previous`` holds the values from before the first row managed the options.

    They go over to another row of the instance from a row that the program still has. From one that it no longer has
    they cannot, since the engine does not show that row to the provider in time.
    """
    row = run.after.rows[name]
    known = decode(row["previous"])
    if run.operation != "up" or name not in run.program:
        # Still under the old name, if the run did not get as far as the new one.
        expected = decode(run.before.rows[name]["previous"])
        if known != expected:
            yield f"{name}: `previous` is {known}, and was {expected}"
        return
    if set(known) != set(run.after.managed(name)):
        yield f"{name}: `previous` has {sorted(known)}, and the row manages {sorted(run.after.managed(name))}"
    for option, value in known.items():
        allowed = _first_values(run, name, row, option)
        if value not in allowed:
            yield f"{name}: `previous` has {option}={value}, and it was {allowed}"


def _first_values(run: Run, name: str, row: Outputs, option: str) -> list[object]:
    """The values that the option may have had before the first row managed it: almost always one."""
    old = run.old(name)
    own = run.before.rows.get(old or "", {})
    if own.get("instanceId") == row["instanceId"] and option in decode(own["previous"]):
        return [decode(own["previous"])[option]]
    others = [run.before.rows[each] for each in run.continued()]
    firsts = [decode(each["previous"]).get(option) for each in others if each["instanceId"] == row["instanceId"]]
    known: list[object] = [each for each in firsts if each is not None]
    if known and run.diffs_first:
        return known
    before = next(each for each in run.before.instances.values() if each.id == row["instanceId"])
    several = len(run.declarations_of(run.program[name].slot)) > 1
    changed = [run.changed_by_others[option]] if several and option in run.changed_by_others else []
    return [*known, before.options[option], *changed]


def _changes_are_recorded(run: Run, slot: str) -> Iterator[str]:
    """What a run has changed is recorded as managed, even if the run failed: otherwise nobody could restore it."""
    if run.operation != "up":
        return
    before, instance = run.before.instances[slot].options, run.after.instances[slot]
    restored = [each.options for each in run.restores(slot)]
    managed = run.after.managed_of(instance)
    for name, value in instance.options.items():
        unchanged = value in (before[name], run.changed_by_others.get(name))
        if unchanged or any(each.get(name) == value for each in restored):
            continue
        if name not in managed:
            yield f"{slot}: {name} was changed from {before[name]} to {value}, and is not recorded"


def _failed_for_a_reason(run: Run) -> Iterator[str]:
    if run.may_fail or (run.operation == "up" and conflicts(run.program)):
        return
    for name, error in run.failed.items():
        rows = [name] if name in run.program else list(run.program)  # a barrier waits for all of them
        gone = any(run.before.instances[run.program[each].slot].gone for each in rows)
        refused = any(run.is_refused(each) for each in rows)
        if run.operation != "up" or not (gone or refused or (name not in run.program and _is_stricter(run))):
            yield f"{name}: failed without a reason: {error}"


def _is_stricter(run: Run) -> bool:
    """Whether somebody has made stricter what a row wants looser: a barrier never loosens that."""
    return any(loosens(run.before.instances[each.slot].options, each.options) for each in run.program.values())


def _refused(run: Run) -> Iterator[str]:
    """Where two rows decide differently, the run fails before it changes anything."""
    if not run.failed:
        yield f"two rows decide {conflicts(run.program)} differently, and the run did not fail"
    if run.modifications or run.after.rows != run.before.rows:
        yield "two rows decide differently, and the run made changes"


def _refreshed(run: Run) -> Iterator[str]:
    """The state has what EC2 has, and no instance that is gone."""
    instances = {each.id: each for each in run.after.instances.values() if not each.gone}
    for name, old in run.before.rows.items():
        row, instance = run.after.rows.get(name), instances.get(old["instanceId"])
        if instance is None:
            if row is not None:
                yield f"{name}: its instance is gone, and it is still recorded"
        elif row is None:
            yield f"{name}: its instance is there, and it is no longer recorded"
        else:
            yield from _recorded_as_observed(name, row, instance, old=old)


def _succeeded(run: Run) -> Iterator[str]:
    """The program is in effect where the run had to describe, and the state has no other rows."""
    program = run.program if run.operation == "up" else {}
    if set(run.after.rows) != set(program) or run.after.replaced:
        yield f"recorded are {sorted(run.after.rows)} and {len(run.after.replaced)} replaced, wanted {sorted(program)}"
        return
    for name in program:
        yield from _recorded_as_declared(run, name)
        yield from _in_effect(run, name)
    for slot in run.before.instances:
        yield from _restored(run, slot)
        yield from _warned_of_what_is_kept(run, slot)


def _recorded_as_declared(run: Run, name: str) -> Iterator[str]:
    declared, row = run.program[name], run.after.rows[name]
    if set(run.after.managed(name)) != set(declared.options):
        yield f"{name}: manages {sorted(run.after.managed(name))}, and the program sets {sorted(declared.options)}"
    if not is_in_effect(declared.options, decode(row)):
        yield f"{name}: recorded as {decode(row)}, and the program sets {dict(declared.options)}"
    if (row["onDestroy"], bool(row.get("allowDowngrade"))) != (declared.on_destroy, declared.may_loosen):
        yield f"{name}: recorded with {row['onDestroy']} and {row.get('allowDowngrade')}, not as {declared}"


def _in_effect(run: Run, name: str) -> Iterator[str]:
    declared, row = run.program[name], run.after.rows[name]
    instance, before = run.after.instances[declared.slot], run.before.instances[declared.slot]
    if not run.must_describe(name):
        old = decode(run.before.rows[str(run.old(name))])
        if decode(row) != old:
            yield f"{name}: recorded as {decode(row)} instead of {old}, though nothing had to be described"
        return
    alone, restores = run.is_alone(name), run.restores(declared.slot)
    if alone and not run.changed_by_others:
        yield from _recorded_as_observed(name, row, instance, old=row)
    others = [each.options for each in run.declarations_of(declared.slot) if each is not declared]
    others += [each.options for each in restores]
    # Another row may enable or disable the endpoint before or after this one, and while it is disabled EC2 takes
    # nothing else.
    sure = before.options["httpEndpoint"] == "enabled" and not any("httpEndpoint" in each for each in others)
    names = set(declared.options) if alone or sure else set(declared.options) & set(WITHOUT_ENDPOINT)
    if run.stale_answers and not alone:
        names -= set(WITHOUT_ENDPOINT)
    wanted = {each: declared.options[each] for each in names}
    waited = not instance.pending or bool(restores)
    if instance.state == "running" and not (waited and is_in_effect(wanted, instance.options)):
        yield f"{name}: did not wait until {dict(declared.options)} was applied: EC2 has {dict(instance.options)}"


def _recorded_as_observed(name: str, row: Outputs, instance: Instance, *, old: Outputs) -> Iterator[str]:
    """``old`` is what was recorded before: a stopped instance waits for its start whatever state EC2 reports."""
    if decode(row) != instance.options:
        yield f"{name}: recorded as {decode(row)}, and EC2 has {dict(instance.options)}"
    states = [("pending" if instance.state == "running" else "pending-start") if instance.pending else "applied"]
    if instance.state != "running" and old.get("state") == "pending-start":
        states.append("pending-start")
    if "state" in row and row["state"] not in states:
        yield f"{name}: recorded as {row['state']}, and it is {states}"


def _restored(run: Run, slot: str) -> Iterator[str]:
    """All that deleted rows were to restore is restored, if the endpoint was enabled so that EC2 could take it."""
    instance, before, restores = run.after.instances[slot], run.before.instances[slot].options, run.restores(slot)
    # Nobody waits for a stopped instance, nor for one whose row leaves that to a barrier, which is deleted by then. So
    # a change by somebody else goes unnoticed.
    unnoticed = run.changed_by_others and not (instance.state == "running" and all(each.waits for each in restores))
    if instance.gone or unnoticed:
        return
    wanted = run.wanted(slot)
    switched = any("httpEndpoint" in each.options for each in restores) and len(restores) > 1
    was_on = before["httpEndpoint"] == "enabled" and wanted.get("httpEndpoint") != "disabled" and not switched
    is_on = instance.options["httpEndpoint"] == "enabled" and len(restores) == 1
    for name in sorted({name for each in restores for name in each.options}):
        allowed = [_restored_value(each, name, before[name]) for each in restores if name in each.options]
        if run.stale_answers and name in WITHOUT_ENDPOINT and (len(restores) > 1 or wanted):
            allowed.append(before[name])
        is_off = name not in WITHOUT_ENDPOINT and instance.options["httpEndpoint"] == "disabled"
        if name in run.changed_by_others and (is_off or any(_is_kept(each, name) for each in restores)):
            # Whoever keeps the stricter value does not manage it, and so does not reapply it. Nor can anybody once the
            # restore has disabled the endpoint: EC2 takes no other option then.
            allowed.append(run.changed_by_others[name])
        if (name in WITHOUT_ENDPOINT or was_on or is_on) and instance.options[name] not in allowed:
            yield f"{slot}: {name} should be restored to {allowed}, and is {instance.options[name]}"


def _restored_value(given: Restore, name: str, before: OptionValue) -> OptionValue:
    return before if _is_kept(given, name) else given.options[name]


def _is_kept(given: Restore, name: str) -> bool:
    """Whether a restore keeps what is there instead of loosening it without a reason."""
    return name in LOOSER and LOOSER[name] == given.options.get(name) and not given.may_loosen


def _warned_of_what_is_kept(run: Run, slot: str) -> Iterator[str]:
    """A value that is not restored is reported, unless a row still has it in ``previous``."""
    instance = run.after.instances[slot]
    if instance.gone:
        return
    known = [decode(row["previous"]) for row in run.after.rows.values() if row["instanceId"] == instance.id]
    managed = run.wanted(slot)
    for row in run.restoring(slot):
        for name, value in decode(row["previous"]).items():
            kept = LOOSER.get(name) == value != instance.options[name] and not row.get("allowDowngrade")
            lost = all(each.get(name) != value for each in known) if name in managed else kept
            if lost and instance.id not in run.output:
                yield f"{slot}: {name}={value} is not restored, and that is not reported"
