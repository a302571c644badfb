"""What must hold of every run on an account's defaults, stated without knowing how the provider works."""

from __future__ import annotations

import re
from collections.abc import Iterator

from imds_provider.rules.account_defaults import decode_defaults
from imds_provider.rules.options import OptionValue
from tests.model.account_run import Run, differing, previous, same, strictness
from tests.model.edits import conflicts

_ADVICE = re.compile(
    r"[Rr]un (again|`pulumi|the same command)|and run |give the reason in |Agree on |Remove them |: set httpTokens |"
    r"Set it in only one|remove it from the program"
)
"""How a message says what to do."""


def violations(run: Run) -> Iterator[str]:
    """What must never happen, and what must hold of a run that succeeded."""
    for region in run.before.regions:
        yield from _changed_only_as_asked(run, region)
        yield from _sent_only_as_asked(run, region)
        yield from _sent_only_what_differs(run, region)
        yield from _changes_are_recorded(run, region)
    for name in run.after.rows:
        yield from _previous_is_kept(run, name)
    yield from _failed_for_a_reason(run)
    if run.throttled and not run.occurred:
        yield f"{run.throttled} calls were more than EC2 allows"
    if run.operation == "up" and conflicts(run.program):
        yield from _refused(run)
    elif run.failed:
        return
    elif run.operation == "refresh":
        yield from _refreshed(run)
    else:
        yield from _succeeded(run)


def _changed_only_as_asked(run: Run, region: str) -> Iterator[str]:
    """A default that nobody manages keeps its value, and nothing is loosened without a reason."""
    before, after = run.before.regions[region].values, run.after.regions[region].values
    for name, value in after.items():
        if value in (before[name], run.changed_by_others.get(name)):
            continue
        if not any(same(name, value, each) for each in run.asked(region, name)):
            yield f"{region}: {name} went from {before[name]} to {value}, which nobody asked for"
        if strictness(name, value) < run.floor(region, name):
            yield f"{region}: {name} went from {before[name]} to {value} without a reason"


def _sent_only_as_asked(run: Run, region: str) -> Iterator[str]:
    """Only what rows manage is sent, never anything that loosens without a reason, and nothing under a policy."""
    sent = [each.values for each in run.modifications if each.region == region]
    if sent and run.before.regions[region].by_policy:
        yield f"{region}: was sent {sent}, though a declarative policy decides"
    for name, value in ((name, value) for each in sent for name, value in each.items()):
        if value not in run.asked(region, name):
            yield f"{region}: was sent {name}={value}, which nobody wants"
        elif strictness(name, value) < run.floor(region, name):
            yield f"{region}: was sent {name}={value} without a reason"


def _sent_only_what_differs(run: Run, region: str) -> Iterator[str]:
    """Without faults each modification changes all that it names."""
    values = dict(run.before.regions[region].values)
    for each in run.modifications:
        if each.region != region or run.occurred:
            continue
        if set(differing(values, each.values)) != set(each.values):
            yield f"{region}: was sent {each.values}, and had {values}"
        values.update(each.values)


def _previous_is_kept(run: Run, name: str) -> Iterator[str]:
    """``previous`` holds the values from before the first row managed the defaults."""
    row = run.after.rows[name]
    known = previous(row)
    if run.operation != "up" or name not in run.program:
        # Still under the old name, if the run did not get as far as the new one.
        expected = previous(run.before.rows[name])
        if known != expected:
            yield f"{name}: `previous` is {known}, and was {expected}"
        return
    for default, value in known.items():
        allowed = _first_values(run, name, default)
        if value not in allowed:
            yield f"{name}: `previous` has {default}={value}, and it was {allowed}"


def _first_values(run: Run, name: str, default: str) -> list[OptionValue]:
    """The values that a default may have had before the first row managed it: almost always one."""
    row, old = run.after.rows[name], run.old(name)
    own = run.before.rows.get(old or "", {})
    if own.get("region") == row["region"] and default in previous(own):
        return [previous(own)[default]]
    others = [previous(each) for each in run.continued() if each["region"] == row["region"]]
    known = [each[default] for each in others if default in each]
    if known:
        return known
    several = len(run.declarations_of(row["region"])) > 1
    changed = [run.changed_by_others[default]] if several and default in run.changed_by_others else []
    return [run.before.regions[row["region"]].values[default], *changed]


def _changes_are_recorded(run: Run, region: str) -> Iterator[str]:
    """What a run has changed is recorded as managed, even if the run failed: otherwise nobody could restore it."""
    if run.operation != "up":
        return
    before, after = run.before.regions[region].values, run.after.regions[region].values
    restored = {name for each in run.restores(region) for name in each.values}
    for name, value in after.items():
        unchanged = value in (before[name], run.changed_by_others.get(name))
        if not unchanged and name not in restored | run.after.managed(region):
            yield f"{region}: {name} was changed from {before[name]} to {value}, and is not recorded"


def _failed_for_a_reason(run: Run) -> Iterator[str]:
    for name, error in run.failed.items():
        if "\n" in error or not _ADVICE.search(error):
            yield f"{name}: an error does not say on one line what to do: {error}"
        excused = run.may_fail or (run.operation == "up" and bool(conflicts(run.program)))
        if not excused and not (run.operation == "up" and name in run.program and run.may_refuse(name)):
            yield f"{name}: failed without a reason: {error}"


def _refused(run: Run) -> Iterator[str]:
    """Where two rows decide differently, the run fails before it changes anything."""
    if not run.failed:
        yield f"two rows decide {conflicts(run.program)} differently, and the run did not fail"
    if run.modifications or run.after.rows != run.before.rows:
        yield "two rows decide differently, and the run made changes"


def _refreshed(run: Run) -> Iterator[str]:
    if set(run.after.rows) != set(run.before.rows):
        yield f"recorded are {sorted(run.after.rows)} after a refresh of {sorted(run.before.rows)}"
    for name in run.after.rows:
        yield from _recorded_as_observed(run, name)


def _succeeded(run: Run) -> Iterator[str]:
    """The program is in force where the run had to ask, and the state has no other rows."""
    program = run.program if run.operation == "up" else {}
    if set(run.after.rows) != set(program) or run.after.replaced:
        yield f"recorded are {sorted(run.after.rows)} and {len(run.after.replaced)} replaced, wanted {sorted(program)}"
        return
    for name in program:
        yield from _recorded_as_declared(run, name)
        yield from _in_force(run, name)
    for region in run.before.regions:
        yield from _restored(run, region)
        yield from _warned_of_what_is_kept(run, region)


def _recorded_as_declared(run: Run, name: str) -> Iterator[str]:
    declared, row = run.program[name], run.after.rows[name]
    if set(previous(row)) != set(declared.options):
        yield f"{name}: manages {sorted(previous(row))}, and the program sets {sorted(declared.options)}"
    if differing(decode_defaults(row), declared.options) or row.get("unfinished"):
        yield f"{name}: recorded as {dict(row)}, and the program sets {dict(declared.options)}"
    if (row["onDestroy"], bool(row.get("allowDowngrade"))) != (declared.on_destroy, declared.may_loosen):
        yield f"{name}: recorded with {row['onDestroy']} and {row.get('allowDowngrade')}, not as {declared}"


def _in_force(run: Run, name: str) -> Iterator[str]:
    declared, row = run.program[name], run.after.rows[name]
    if not run.must_ask(name):
        old = decode_defaults(run.before.rows[str(run.old(name))])
        if decode_defaults(row) != old:
            yield f"{name}: recorded as {decode_defaults(row)} instead of {old}, though nothing had to be asked"
        return
    values = run.after.regions[declared.slot].values
    alone = len(run.declarations_of(declared.slot)) == 1 and not run.restores(declared.slot)
    if alone and not run.changed_by_others:
        yield from _recorded_as_observed(run, name)
    # Somebody else may have changed it again, when another row was changed after this one.
    allowed = set() if alone else set(run.changed_by_others)
    if wrong := set(differing(values, declared.options)) - allowed:
        yield f"{name}: wants {dict(declared.options)}, and EC2 has another {sorted(wrong)}: {dict(values)}"


def _recorded_as_observed(run: Run, name: str) -> Iterator[str]:
    row = run.after.rows[name]
    region = run.after.regions[row["region"]]
    if decode_defaults(row) != region.values:
        yield f"{name}: recorded as {decode_defaults(row)}, and EC2 has {dict(region.values)}"
    if row["managedBy"] != ("declarative-policy" if region.by_policy else "account"):
        yield f"{name}: recorded as managed by {row['managedBy']}, and that is wrong"


def _restored(run: Run, region: str) -> Iterator[str]:
    """All that deleted rows were to restore is as it was before them, unless that would loosen without a reason."""
    values, ends = run.after.regions[region].values, run.ends(region)
    for name in sorted({name for each in run.restores(region) for name in each.values}):
        allowed = {each[name] for each in ends}
        several = len(run.restores(region)) + len(run.declarations_of(region)) > 1
        kept = any(same(name, each, run.before.regions[region].values[name]) for each in allowed)
        if name in run.changed_by_others and (several or kept):
            allowed.add(run.changed_by_others[name])
        if not any(same(name, values[name], each) for each in allowed):
            yield f"{region}: {name} should be restored to {sorted(map(str, allowed))}, and is {values[name]}"


def _warned_of_what_is_kept(run: Run, region: str) -> Iterator[str]:
    """A value that is not restored is reported, unless a row still has it in ``previous``."""
    rows = [row for row in run.after.rows.values() if row["region"] == region]
    managed, values = run.wanted(region), run.after.regions[region].values
    for row in run.restoring(region):
        for name, value in previous(row).items():
            if name in managed:
                lost = all(previous(each).get(name) != value for each in rows)
            else:
                others = [each for each in run.restores(region) if name in each.values]
                lost = len(others) == 1 and name not in run.changed_by_others and not same(name, values[name], value)
            if lost and region not in run.output:
                yield f"{region}: {name}={value} is not restored, and that is not reported"
