"""Which groups launch the instances of a fleet, and what an account that enforces IMDSv2 makes of its way back."""

from __future__ import annotations

from collections.abc import Iterator

from imds_provider.rules.account_defaults import AccountDefaults
from imds_provider.rules.loosening import can_be_loosened
from imds_provider.rules.options import HTTP_TOKENS
from imds_provider.rules.wording import shorten

from .downgrades import reason_for
from .member import Member
from .plan import RegionPlan
from .settings import FleetSettings


def groups_to_judge(region: RegionPlan, settings: FleetSettings) -> set[str]:
    """The groups that instances of the fleet belong to. None where nothing that the fleet wants can start looser."""
    if settings.launch_sources == "off" or not can_be_loosened(settings.options):
        return set()
    return {each.observation.autoscaling_group for each in region.members} - {""}


def depends_on_enforcement(region: RegionPlan, settings: FleetSettings) -> bool:
    """Whether anything that the fleet wants, or a way back, would be refused where IMDSv2 is enforced."""
    return any(_becomes_optional(each) or _stays_optional(each) or _returns(each, settings) for each in region.members)


def refused_changes(region: RegionPlan, settings: FleetSettings, defaults: AccountDefaults) -> dict[str, str]:
    """One line per instance that cannot be changed to optional tokens, since the account enforces IMDSv2."""
    if not defaults.is_enforced:
        return {}
    reasons = {each.instance: each.reason for each in settings.exemptions}
    because = f"{_enforced(region, defaults)}, so EC2 refuses that"

    def way_out(instance_id: str) -> str:
        reason = reasons.get(instance_id)
        return f"Take httpTokens out of its exemption ({reason})" if reason else "Set httpTokens to required"

    return {
        each: f"{each} cannot be changed to httpTokens=optional: {because}. {way_out(each)}, or "
        f"{_end_of_enforcement(defaults)}."
        for each in (member.instance_id for member in region.members if _becomes_optional(member))
    }


def defeated_returns(region: RegionPlan, settings: FleetSettings, defaults: AccountDefaults) -> Iterator[str]:
    """One line for exemptions, and one for ``onDestroy: restore``, that the enforcement takes the way back from."""
    if not defaults.is_enforced:
        return
    enforced = _enforced(region, defaults)
    kept = [each.instance_id for each in region.members if _stays_optional(each)]
    if kept:
        yield (
            f"exempt with httpTokens=optional: {shorten(kept)}. There is no way back once tokens are required there: "
            f"{enforced}, so EC2 refuses to make them optional again."
        )
    returning = [each.instance_id for each in region.members if _returns(each, settings)]
    if returning:
        yield (
            f"{settings.spelled('onDestroy')} is restore, but cannot put httpTokens=optional back on "
            f"{shorten(returning)}: {enforced}, so EC2 refuses it. Before you release them, "
            f"{_end_of_enforcement(defaults)}."
        )


def _becomes_optional(member: Member) -> bool:
    return member.changes.get(HTTP_TOKENS) == "optional"


def _stays_optional(member: Member) -> bool:
    return member.exempt and member.observation.options.get(HTTP_TOKENS) == "optional" and not _requires(member)


def _returns(member: Member, settings: FleetSettings) -> bool:
    """Whether the instance may get optional tokens back once it is released."""
    may_loosen = reason_for(settings.allow_downgrade, member.instance_id) is not None
    return settings.on_destroy == "restore" and may_loosen and _requires(member)


def _requires(member: Member) -> bool:
    return member.wanted.get(HTTP_TOKENS) == "required"


def _enforced(region: RegionPlan, defaults: AccountDefaults) -> str:
    if not defaults.is_managed_by_policy:
        return f"the account enforces IMDSv2 in {region.region}"
    message = f' ("{defaults.exception_message}")' if defaults.exception_message else ""
    return f"a declarative policy of the organization enforces IMDSv2 in {region.region}{message}"


def _end_of_enforcement(defaults: AccountDefaults) -> str:
    if defaults.is_managed_by_policy:
        return "have the policy changed"
    return "switch the account's httpTokensEnforced off"
