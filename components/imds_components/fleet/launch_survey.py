"""Look up, for a fleet, what launches its instances and whether the account enforces IMDSv2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from imds_provider.aws import Aws
from imds_provider.errors import AwsError
from imds_provider.rules.launch_sources import LooserLaunch, looser_launches, unread_line
from imds_provider.rules.options import Options

from ..concurrently import concurrently
from ..planned_defaults import planned_defaults, with_planned
from .launches import defeated_returns, depends_on_enforcement, groups_to_judge, refused_changes
from .plan import FleetPlan, RegionPlan
from .settings import FleetSettings


def with_launches(plan: FleetPlan, aws: Aws, *, preview: bool) -> FleetPlan:
    """The plan with the groups whose next instance would start looser than the fleet wants.

    In a preview, also with what an account that enforces IMDSv2 would refuse. Nothing is asked in a region where no
    selected instance belongs to a group, and nothing depends on the enforcement. Defaults that the program itself sets
    count for launches. What AWS does not answer is not known: a warning, or, with ``launch_sources`` at ``block``, a
    problem.
    """
    planned = {each.region: planned_defaults(each.region, aws) for each in plan.regions}
    answers = concurrently(
        lambda region: _look_up(region, planned[region.region], plan, aws, preview=preview), plan.regions
    )
    plan = plan.with_launches(each.looser for each in answers).with_refused(each.refused for each in answers)
    unread = [each.unread for each in answers if each.unread]
    plan = plan.with_problems(unread) if plan.settings.launch_sources == "block" else plan.with_warnings(unread)
    return plan.with_warnings(line for each in answers for line in each.warnings)


@dataclass
class _Answer:
    looser: Sequence[LooserLaunch] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    unread: str = ""
    """Why it is not known what launches instances."""


def _look_up(region: RegionPlan, planned: Options, plan: FleetPlan, aws: Aws, *, preview: bool) -> _Answer:
    settings, answer = plan.settings, _Answer()
    groups = groups_to_judge(region, settings)
    depends = preview and depends_on_enforcement(region, settings)
    if not groups and not depends:
        return answer
    lookups = aws.launch_lookups(region.region)
    try:
        defaults = lookups.account_defaults()
    except AwsError as error:
        answer.unread = _unread(error, settings) if groups else ""
        answer.warnings = [f"whether IMDSv2 is enforced is not known: {error}"] if depends else []
        return answer
    if depends:
        answer.refused = refused_changes(region, settings, defaults)
        answer.warnings = list(defeated_returns(region, settings, defaults))
    if groups:
        defaults = with_planned(defaults, planned)
        try:
            answer.looser = looser_launches(lookups.groups(defaults, groups), defaults, settings.options)
        except AwsError as error:
            answer.unread = _unread(error, settings)
    return answer


def _unread(error: AwsError, settings: FleetSettings) -> str:
    return f"{unread_line(error)} With {settings.spelled('launchSources')} at off nothing is looked up."
