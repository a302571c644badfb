"""Look up what the enforcement of IMDSv2 would break, in the regions where a run is about to switch it on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pulumi

from imds_provider.aws import Aws
from imds_provider.errors import AwsError
from imds_provider.program.ownership import token_wishes
from imds_provider.rules.account_defaults import AccountDefaults
from imds_provider.rules.enforcement import (
    OPTIONAL_TOKENS,
    Findings,
    TokenWish,
    judge_instances,
    judge_launches,
    unused_line,
)
from imds_provider.rules.launch_sources import ENFORCED, looser_launches, unread_line

from ..concurrently import concurrently
from .plan import AccountRegion, forbidden

Wishes = Mapping[str, TokenWish]


def forbidden_by_enforcement(
    component: pulumi.Resource, regions: Sequence[AccountRegion], aws: Aws, problems: Sequence[str]
) -> pulumi.Input[str | None]:
    """Why nothing may be changed, given the ``problems`` that are known already; None if nothing forbids it.

    Where a region is about to enforce IMDSv2, that is an output: the lookups begin once the program has made all of its
    resources, since those that it makes later may bring instances to required tokens, or want optional ones. What does
    not stop the run is logged on the component. Elsewhere nothing is asked.
    """
    name = component.pulumi_resource_name
    enforcing = [each for each in regions if each.is_about_to_enforce]
    if not enforcing:
        return forbidden(name, problems)
    wishes = token_wishes()

    async def look_up() -> str | None:
        # A program runs to its end before anything else that is waiting.
        found = await asyncio.get_running_loop().run_in_executor(
            None, _look_up, enforcing, aws, wishes(aws.default_region())
        )
        if found.warnings:
            pulumi.log.warn("\n".join(found.warnings), component)
        readiness = enforcing[0].settings.spelled("readiness")
        advice = [f"Fix these first, or let {readiness} warn instead of block."] if found.problems else []
        return forbidden(name, [*problems, *found.problems, *advice])

    return pulumi.Output.from_input(look_up())


def _look_up(regions: Sequence[AccountRegion], aws: Aws, wishes: Wishes) -> Findings:
    """What is found in all regions, which are looked up at a time."""
    found = Findings()
    for each in concurrently(lambda region: _in_region(region, aws, wishes), regions):
        found.problems.extend(each.problems)
        found.warnings.extend(each.warnings)
    return found


def _in_region(region: AccountRegion, aws: Aws, wishes: Wishes) -> Findings:
    readiness, after = region.settings.readiness, region.after
    found = Findings()
    if readiness.instances != "off":
        _add(found, region, "which instances allow IMDSv1 is not known", lambda: _instances(region, aws, wishes))
    if readiness.launch_sources != "off" and after is not None:
        _add(found, region, "", lambda: _launches(region, aws, after))
    return found


def _add(found: Findings, region: AccountRegion, unread: str, look_up: Callable[[], Findings]) -> None:
    """Add what a lookup finds, or that AWS does not answer it."""
    try:
        each = look_up()
    except AwsError as error:
        line = f"{unread}: {error}" if unread else unread_line(error)
        found.add(region.settings.readiness.unknown, [f"{region.region}: {line}"])
    else:
        found.problems.extend(each.problems)
        found.warnings.extend(each.warnings)


def _instances(region: AccountRegion, aws: Aws, wishes: Wishes) -> Findings:
    optional = aws.fleet(region.region).select(OPTIONAL_TOKENS, ())
    return judge_instances(region.settings.readiness, optional, wishes, region.region)


def _launches(region: AccountRegion, aws: Aws, after: AccountDefaults) -> Findings:
    """The groups and templates, with the defaults as the run will leave them."""
    lookups = aws.launch_lookups(region.region)
    refused = looser_launches(lookups.groups(after), after, ENFORCED)
    found = judge_launches(region.settings.readiness, refused, region.region)
    unused = unused_line(lookups.unused_templates(after), region.region)
    found.warnings.extend([unused] if unused else [])
    return found
