"""Read an account's live defaults, in all regions at a time."""

from __future__ import annotations

import pulumi

from imds_provider.aws import Aws
from imds_provider.errors import AwsError, ImdsError, MissingCredentialsError
from imds_provider.rules.account_defaults import AccountDefaults

from ..access import default_region
from ..concurrently import concurrently
from .plan import AccountRegion
from .settings import AccountSettings


def survey(component: pulumi.Resource, settings: AccountSettings, aws: Aws) -> list[AccountRegion]:
    """The regions with their live defaults, in order.

    Where AWS does not answer, or there are no credentials, that is logged on the component: recorded values are
    compared then, but a run does not enforce IMDSv2. Raises :class:`ConfigurationError` if AWS access is configured
    wrongly.
    """

    def read(region: str) -> AccountDefaults | ImdsError:
        try:
            return aws.launch_lookups(region).account_defaults()
        except (AwsError, MissingCredentialsError) as error:
            return error

    regions = sorted(settings.regions or [default_region(aws)])
    answers = dict(zip(regions, concurrently(read, regions), strict=True))
    preview = pulumi.runtime.is_dry_run()
    what = "preview" if preview else "run"
    for error in dict.fromkeys(str(each) for each in answers.values() if isinstance(each, ImdsError)):
        pulumi.log.warn(
            f"this {what} compares recorded values only, the defaults could not be read: {error}", component
        )
    return [
        AccountRegion(region, settings, None, "" if preview else str(answer))
        if isinstance(answer, ImdsError)
        else AccountRegion(region, settings, answer)
        for region, answer in answers.items()
    ]
