"""What is wrong, or not known, in the records of a report, as single findings. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imds_provider.rules.account_defaults import default_changes, in_words
from imds_provider.rules.imdsv1_usage import render_minute
from imds_provider.rules.options import HTTP_TOKENS

from . import controls
from .controls import LEVELS, Kind, Level
from .posture import AccountRegion, Group, Instance, Record


@dataclass(frozen=True)
class Finding:
    """A sentence about one option of one resource: an instance, an autoscaling group, or an account's region.

    ``resource`` is an instance ID, the name of a group, or "". ``accepted`` is why the finding is accepted, if it is.
    """

    kind: Kind
    level: Level
    message: str
    environment: str
    account: str
    region: str
    resource: str = ""
    option: str = ""
    fleet: str = ""
    accepted: str = ""

    @property
    def identity(self) -> str:
        """What is the same in each report of the same finding: neither its words nor where it was read from."""
        return f"{self.account}/{self.region}/{self.resource}/{self.option}"

    @property
    def urgency(self) -> tuple[bool, int, str, str]:
        """Sorts the most urgent findings first, in the same order each time."""
        return (bool(self.accepted), LEVELS.index(self.level), self.identity, self.kind.id)


def findings_of(record: Record) -> Iterator[Finding]:
    """The findings of a record. A source has none, nor has a compliant instance that does not call IMDSv1.

    Every other instance has at least one.
    """
    if isinstance(record, Instance):
        yield from _of_instance(record)
    elif isinstance(record, Group):
        yield _of_group(record)
    elif isinstance(record, AccountRegion):
        yield from _of_account(record)


_Statement = tuple[Kind, str, str]
"""The kind of a finding, its option or "", and what is said of the resource."""


def _of_instance(record: Instance) -> Iterator[Finding]:
    called = f"{record.instance} ({record.name})" if record.name else record.instance
    for kind, option, says in (*_on_status(record), *_on_calls(record)):
        yield Finding(
            kind,
            kind.level,
            f"{called} {says}",
            record.environment,
            record.account,
            record.region,
            record.instance,
            option,
            record.fleet,
            _accepted(record),
        )


def _accepted(record: Instance) -> str:
    if record.exempt is not None:
        return f"{record.exempt.reason} (until {record.exempt.until})"
    return f"managed by {record.operator}" if record.status == "exempt" else ""


def _on_status(record: Instance) -> Iterator[_Statement]:
    if record.status == "compliant":
        return
    if record.status == "pending-start":
        yield controls.PENDING_START, "", "is stopped, and gets its metadata options when it starts."
        return
    found = False
    for name, value in record.wrong.items():
        found = True
        yield controls.of_instance(name), name, f"has {name}={record.options[name]} instead of {value}."
    for name in record.not_known:
        found = True
        seen = f"has {name}={record.options[name]}, which this version does not know" if name in record.options else ""
        yield controls.INSTANCE_UNKNOWN, name, f"{seen or f'does not report {name}'}: {record.wanted[name]} is wanted."
    if record.exempt is not None:
        if not found:
            yield controls.EXEMPT, "", f"is exempt until {record.exempt.until}: {record.exempt.reason}"
    elif not found:
        yield _without_option(record)


def _without_option(record: Instance) -> _Statement:
    """What is said of an instance whose status does not come from an option."""
    if record.unfinished:
        kind = controls.INSTANCE_UNKNOWN if record.status == "unknown" else controls.INSTANCE_OPTION
        return kind, "", f"has a change that is not completed: {record.unfinished}"
    if record.status == "not-compliant":
        return controls.INSTANCE_OPTION, "", "has a change that EC2 has accepted and not applied yet."
    if record.status == "exempt":
        return controls.EXEMPT, "", f"is managed by {record.operator}, which alone can change it."
    reason = "its metadata options were not observed" if record.wanted else "nothing is wanted of it"
    return controls.INSTANCE_UNKNOWN, "", f"is not known to comply: {reason}."


def _on_calls(record: Instance) -> Iterator[_Statement]:
    usage = record.calls.usage if record.calls else None
    if record.calls is None or usage is None or not usage.count:
        return
    last = f", the last at {render_minute(usage.last_seen)}" if usage.last_seen else ""
    yield controls.IMDSV1_CALLS, "", f"made {usage} in the last {record.calls.days} days{last}."


def _of_group(record: Group) -> Finding:
    kind = controls.of_launch(record.launched_by, record.option)
    value = "is not known" if record.value is None else f"would be {record.value}"
    decided = f", decided by {record.decided_by}" if record.decided_by not in ("", record.launched_by) else ""
    launched = f", which starts from {record.launched_by}" if record.launched_by else ""
    return Finding(
        kind,
        "warning" if record.value is None else kind.level,
        f"Autoscaling group {record.group}{launched}: {record.option} of the next instance {value}{decided}, "
        f"and {record.wanted} is wanted.",
        record.environment,
        record.account,
        record.region,
        record.group,
        record.option,
        record.fleet,
    )


def _of_account(record: AccountRegion) -> Iterator[Finding]:
    kind = controls.ACCOUNT_DEFAULT
    where = f"New instances in {record.region} of account {record.account or 'of an unknown ID'}"
    for level, option, says in _on_defaults(record):
        yield Finding(kind, level, f"{where}: {says}", record.environment, record.account, record.region, "", option)


def _on_defaults(record: AccountRegion) -> Iterator[tuple[Level, str, str]]:
    if not record.defaults:
        yield "warning", "", "the account's defaults are not known."
        return
    seen, differing = in_words(record.defaults), default_changes(record.defaults, record.wanted)
    for option, value in in_words(differing).items():
        yield (
            "error",
            option,
            f"the account's default of {option} is {seen.get(option, 'not known')} instead of {value}.",
        )
    if record.unfinished and not differing:
        yield "error", "", f"the last change of the account's defaults is not completed: {record.unfinished}"
    if HTTP_TOKENS not in record.wanted and record.defaults.get(HTTP_TOKENS) != "required":
        now = seen.get(HTTP_TOKENS, "not known")
        says = f"the account's default of {HTTP_TOKENS} is {now}, so nothing requires tokens by default."
        yield "note", HTTP_TOKENS, says
