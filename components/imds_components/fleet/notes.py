"""Warnings about a fleet's change: what may break, and what cannot be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from imds_provider.rules.imdsv1_usage import Imdsv1Usage, render_minute
from imds_provider.rules.options import HTTP_ENDPOINT, HTTP_PUT_RESPONSE_HOP_LIMIT
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.wave_health import Impairment
from imds_provider.rules.wording import instances, shorten

from .member import Member
from .settings import FleetSettings


def about_to_disable(member: Member) -> bool:
    """Whether the change disables the endpoint."""
    return member.changes.get(HTTP_ENDPOINT) == "disabled"


def unwatched(requiring: int, settings: FleetSettings) -> list[str]:
    """Warn of a rollout without a soak in which so many instances start to require tokens."""
    if not requiring or settings.rollout.soak_minutes != 0:
        return []
    key = settings.spelled("rollout", "soakMinutes")
    warning = (
        f"{key} is 0, so {instances(requiring)} may refuse IMDSv1 calls before anybody notices: CloudWatch shows them "
        f"about ten minutes after a change. Leave {key} out to wait for that after each wave."
    )
    return [warning]


def lowered_hop_limits(members: Iterable[Member]) -> list[str]:
    """Warn of instances whose containers may lose access to the metadata."""
    lowered = [
        f"{each.instance_id} ({each.observation.options[HTTP_PUT_RESPONSE_HOP_LIMIT]} -> {limit})"
        for each in members
        if isinstance(limit := each.changes.get(HTTP_PUT_RESPONSE_HOP_LIMIT), int)
        and limit < int(each.observation.options[HTTP_PUT_RESPONSE_HOP_LIMIT])
    ]
    if not lowered:
        return []
    return [f"httpPutResponseHopLimit is lowered on {shorten(lowered)}: containers there may lose IMDSv2; they need 2."]


def calls_to_disabled(
    members: Iterable[Member], usage: Mapping[str, Imdsv1Usage | None], readiness: Readiness
) -> list[str]:
    """Warn of each instance whose endpoint is in use and about to be disabled."""
    found = [(each.instance_id, usage.get(each.instance_id)) for each in members if about_to_disable(each)]
    return [
        f"{instance_id} made {seen} in the last {readiness.days_in_words}{seen.last_between(readiness.period)}: "
        "with httpEndpoint: disabled it has no metadata at all, and no credentials of its role."
        for instance_id, seen in found
        if seen is not None and seen.count > 0
    ]


def launched_before(members: Sequence[Member], since: datetime) -> list[str]:
    """Report how many instances booted before the period that was looked up: calls at boot are not in it."""
    launches = [each.observation.launched_at for each in members]
    count = sum(1 for at in launches if at is not None and at < since)
    if not count:
        return []
    note = (
        f"{instances(count)} launched before {render_minute(since)}: IMDSv1 calls that are made only at boot do not "
        "show. AWS's IMDS packet analyzer (github.com/aws/aws-imds-packet-analyzer) shows which process makes them."
    )
    return [note]


def impaired_before(impaired: Mapping[str, Impairment]) -> list[str]:
    """Warn of each instance that fails a status check before its change."""
    return [
        f"{instance_id} already fails a status check ({each.check}"
        f"{f' since {render_minute(each.since)}' if each.since else ''}), which does not stop the rollout."
        for instance_id, each in sorted(impaired.items())
    ]
