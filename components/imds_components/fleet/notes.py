"""What a person should know of a fleet's change beyond the change itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from imds_provider.rules.imdsv1_usage import Imdsv1Usage, render_minute
from imds_provider.rules.options import HTTP_ENDPOINT, HTTP_PUT_RESPONSE_HOP_LIMIT
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.wave_health import Impairment
from imds_provider.rules.wording import cut, instances

from .member import Member
from .waves import Rollout


def about_to_disable(member: Member) -> bool:
    """Whether the endpoint, which is on, is about to be switched off."""
    return member.changes.get(HTTP_ENDPOINT) == "disabled"


def unwatched(requiring: int, rollout: Rollout) -> list[str]:
    """A warning where tokens become required and nothing is watched afterwards."""
    if not requiring or rollout.soak_minutes != 0:
        return []
    line = (
        f"soakMinutes is 0, so {instances(requiring)} may refuse IMDSv1 calls before anybody notices: CloudWatch shows "
        "them about ten minutes after a change. Leave soakMinutes out to wait for that after each wave."
    )
    return [line]


def lowered_hop_limits(members: Iterable[Member]) -> list[str]:
    """A warning for instances whose containers may lose the metadata."""
    lowered = [
        f"{each.instance_id} ({each.observation.options[HTTP_PUT_RESPONSE_HOP_LIMIT]} -> {limit})"
        for each in members
        if isinstance(limit := each.changes.get(HTTP_PUT_RESPONSE_HOP_LIMIT), int)
        and limit < int(each.observation.options[HTTP_PUT_RESPONSE_HOP_LIMIT])
    ]
    if not lowered:
        return []
    return [f"httpPutResponseHopLimit goes down on {cut(lowered)}: containers there may lose IMDSv2, and need 2."]


def calls_to_disabled(
    members: Iterable[Member], calls: Mapping[str, Imdsv1Usage | None], readiness: Readiness
) -> list[str]:
    """A warning for each instance whose endpoint is in use and about to be switched off."""
    found = [(each.instance_id, calls.get(each.instance_id)) for each in members if about_to_disable(each)]
    return [
        f"{instance_id} made {seen} in the last {readiness.days_in_words}{seen.last_between(readiness.period)}: "
        "with httpEndpoint: disabled it has no metadata at all, and no credentials of its role."
        for instance_id, seen in found
        if seen is not None and seen.count > 0
    ]


def launched_before(members: Sequence[Member], since: datetime) -> list[str]:
    """A line for all instances whose calls at boot cannot be seen any more."""
    old = [each.observation.launched_at for each in members]
    count = sum(1 for at in old if at is not None and at < since)
    if not count:
        return []
    line = (
        f"{instances(count)} launched before {render_minute(since)}: IMDSv1 calls that they make only at boot cannot "
        "be seen. AWS's IMDS packet analyzer (github.com/aws/aws-imds-packet-analyzer) shows which process calls."
    )
    return [line]


def impaired_before(impaired: Mapping[str, Impairment]) -> list[str]:
    """A warning for each instance that fails a status check already."""
    return [
        f"{instance_id} fails a status check already ({each.check}"
        f"{f' since {render_minute(each.since)}' if each.since else ''}), which does not stop the rollout."
        for instance_id, each in sorted(impaired.items())
    ]
