"""Look up, for a fleet, what launches its instances and whether the account enforces IMDSv2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from imds_provider.aws import Aws
from imds_provider.errors import AwsError
from imds_provider.rules.launch_sources import LooserLaunch, looser_launches, unread_line

from ..concurrently import concurrently
from .launches import defeated_returns, depends_on_enforcement, launched_by_groups, refused_changes
from .plan import FleetPlan, RegionPlan


def with_launches(plan: FleetPlan, aws: Aws, *, preview: bool) -> FleetPlan:
    """The plan with the groups whose next instance would start looser than the fleet wants.

    In a preview, also with what an account that enforces IMDSv2 would refuse. Nothing is asked in a region where no
    selected instance belongs to a group, and nothing depends on the enforcement. What AWS does not answer is not known:
    a warning, or, with ``launch_sources`` at ``block``, a problem.
    """
    answers = concurrently(lambda region: _look_up(region, plan, aws, preview=preview), plan.regions)
    plan = plan.with_launches([each.looser for each in answers])
    plan = plan.with_warnings(line for each in answers for line in each.warnings)
    return plan.with_problems(line for each in answers for line in each.problems)


@dataclass(frozen=True)
class _Answer:
    looser: Sequence[LooserLaunch] = ()
    warnings: Sequence[str] = ()
    problems: Sequence[str] = ()


def _look_up(region: RegionPlan, plan: FleetPlan, aws: Aws, *, preview: bool) -> _Answer:
    settings = plan.settings
    ids = launched_by_groups(region, settings)
    depends = preview and depends_on_enforcement(region, settings)
    if not ids and not depends:
        return _Answer()
    lookups = aws.launch_lookups(region.region)
    warnings: list[str] = []
    problems: list[str] = []
    unread = problems if settings.launch_sources == "block" else warnings
    off = f"With {settings.spelled('launchSources')} at off nothing is looked up."
    looser: list[LooserLaunch] = []
    try:
        defaults = lookups.account_defaults()
    except AwsError as error:
        if ids:
            unread.append(f"{unread_line(error)} {off}")
        if depends:
            warnings.append(f"whether IMDSv2 is enforced is not known: {error}")
        return _Answer((), warnings, problems)
    if depends:
        problems += refused_changes(region, settings, defaults)
        warnings += defeated_returns(region, settings, defaults)
    if ids:
        try:
            looser = looser_launches(lookups.groups(defaults, ids), defaults, settings.options)
        except AwsError as error:
            unread.append(f"{unread_line(error)} {off}")
    return _Answer(looser, warnings, problems)
