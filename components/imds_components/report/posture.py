"""The records of a posture report, which sources yield and formats write. Pure.

A report is a stream of records in any order, so that formats can write it without holding it. The JSON form of a
record, :func:`as_json`, is what ``--format json`` writes and the page reads; its keys are a contract.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.observation import Observation, Verdict, judge_as_found
from imds_provider.rules.options import Options, OptionValue, changes, unknown
from imds_provider.rules.target import render_time

Status = Literal["compliant", "not-compliant", "pending-start", "unknown", "exempt"]
STATUSES: tuple[Status, ...] = ("not-compliant", "unknown", "pending-start", "exempt", "compliant")
"""The statuses of an instance, the most urgent first."""

Json = Mapping[str, object]


@dataclass(frozen=True)
class Source:
    """A stack, or an account's region, that a report is made from.

    ``result`` is that of a stack's last update: ``succeeded``, ``failed``, ``interrupted`` (killed: its operations are
    still pending), or ``running``; ``never`` without any. A live region is ``read``, and so is an exported state, which
    does not say how the last update ended. ``unreadable`` is either kind of source that could not be read: what it
    holds is missing from the report. ``problem`` says why, or what else makes the source incomplete. ``at`` is when the
    records were observed: the end of the last update, when a state was written, or now.
    """

    kind: Literal["stack", "live"]
    environment: str
    result: Literal["succeeded", "failed", "interrupted", "running", "never", "read", "unreadable"]
    account: str = ""
    region: str = ""
    at: datetime | None = None
    problem: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether the records of this source can be trusted to show all that there is."""
        return self.result in ("succeeded", "read") and not self.problem


@dataclass(frozen=True)
class Exempt:
    """Why an instance is exempt, and the last day on which it is."""

    reason: str
    until: date


@dataclass(frozen=True)
class Imdsv1Calls:
    """What CloudWatch counted of an instance's IMDSv1 calls in the last ``days``; ``usage`` is None without data."""

    days: int
    usage: Imdsv1Usage | None


@dataclass(frozen=True)
class Instance:
    """An instance and its options.

    ``environment`` is the stack or, live, the profile or role that was used; ``fleet`` the component that manages it,
    or ""; ``name`` its Name tag, "" where that is not known; ``instance_state`` EC2's, "" in a stack. ``options`` are
    the observed ones; ``wanted`` those of the stack or of the audit. ``pending`` says whether EC2 has accepted a change
    of the options that is not applied yet. ``calls`` is None where nobody looked. ``unfinished`` is why the last change
    was not completed, if it was not.
    """

    environment: str
    account: str
    region: str
    instance: str
    status: Status
    fleet: str = ""
    name: str = ""
    instance_state: str = ""
    options: Options = field(default_factory=dict)
    wanted: Options = field(default_factory=dict)
    pending: bool = False
    exempt: Exempt | None = None
    calls: Imdsv1Calls | None = None
    autoscaling_group: str = ""
    operator: str = ""
    unfinished: str = ""

    @property
    def wrong(self) -> Options:
        """The wanted values that the instance does not have."""
        return changes(self.options, self.wanted)

    @property
    def not_known(self) -> list[str]:
        """The wanted options that are not known."""
        return unknown(self.options, self.wanted)


@dataclass(frozen=True)
class Group:
    """An option that the next instance of an autoscaling group may start looser than wanted with.

    ``value`` is None where it is not known. ``launched_by`` and ``decided_by`` are as in the stack output
    ``launchSources``.
    """

    environment: str
    account: str
    region: str
    group: str
    launched_by: str
    option: str
    value: OptionValue | None
    wanted: OptionValue
    decided_by: str
    fleet: str = ""


@dataclass(frozen=True)
class AccountRegion:
    """An account's defaults for new instances in one region, as observed; ``wanted`` is what a stack demands.

    ``enforced`` is None where that is not known; ``managed_by`` is ``account`` or ``declarative-policy``;
    ``unfinished`` is why the last change was not completed, if it was not.
    """

    environment: str
    account: str
    region: str
    defaults: Options = field(default_factory=dict)
    wanted: Options = field(default_factory=dict)
    enforced: bool | None = None
    managed_by: str = ""
    unfinished: str = ""


Record = Source | Instance | Group | AccountRegion


def status_of(seen: Observation, wanted: Options, exempt: Exempt | None = None) -> Status:
    """The status of an observed instance. An exempt one is never compliant, whatever its options are.

    What is not known does not count as compliant, nor does an instance of which nothing is wanted.
    """
    if exempt is not None:
        return "exempt"
    if not wanted:
        return "unknown"
    verdict = judge_as_found(seen, wanted)
    if verdict is Verdict.APPLIED:
        return "compliant"
    if verdict is Verdict.PENDING_START and not changes(seen.options, wanted):
        return "pending-start"
    return "unknown" if verdict in (Verdict.UNKNOWN, Verdict.GONE) else "not-compliant"


def as_json(record: Record) -> Json:
    """A record as JSON has it. ``record`` names its kind; what is not known is null, what is empty is left out."""
    if isinstance(record, Source):
        return _compact(
            record="source",
            kind=record.kind,
            environment=record.environment,
            account=record.account,
            region=record.region,
            result=record.result,
            at=render_time(record.at) if record.at else "",
            problem=record.problem,
        )
    if isinstance(record, Instance):
        return _instance(record)
    if isinstance(record, Group):
        return {
            **_compact(
                record="group",
                environment=record.environment,
                account=record.account,
                region=record.region,
                fleet=record.fleet,
                group=record.group,
                launchedBy=record.launched_by,
                option=record.option,
                wanted=record.wanted,
                decidedBy=record.decided_by,
            ),
            "value": record.value,
        }
    return {
        **_compact(
            record="account",
            environment=record.environment,
            account=record.account,
            region=record.region,
            defaults=record.defaults,
            wanted=record.wanted,
            managedBy=record.managed_by,
            unfinished=record.unfinished,
        ),
        "enforced": record.enforced,
    }


def _instance(record: Instance) -> Json:
    return _compact(
        record="instance",
        environment=record.environment,
        account=record.account,
        region=record.region,
        fleet=record.fleet,
        instance=record.instance,
        name=record.name,
        status=record.status,
        instanceState=record.instance_state,
        options=record.options,
        wanted=record.wanted,
        wrong=list(record.wrong),
        unknown=record.not_known,
        pending=record.pending or "",
        exempt={"reason": record.exempt.reason, "until": record.exempt.until.isoformat()} if record.exempt else {},
        imdsv1Calls=_calls(record.calls) if record.calls else {},
        autoscalingGroup=record.autoscaling_group,
        operator=record.operator,
        unfinished=record.unfinished,
    )


def _calls(calls: Imdsv1Calls) -> Json:
    """``count`` is null where CloudWatch has no data, which does not mean zero."""
    usage = calls.usage
    return {
        "days": calls.days,
        "count": round(usage.count) if usage else None,
        "first": render_time(usage.first_seen) if usage and usage.first_seen else None,
        "last": render_time(usage.last_seen) if usage and usage.last_seen else None,
    }


def _compact(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value not in ("", [], {})}
