"""The component ``AccountMetadata``: an account's defaults for the instances launched in one region or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi

from imds_provider import AccountMetadataDefaults
from imds_provider.errors import ImdsError, InvalidInputError
from imds_provider.program.errors import ProgramError
from imds_provider.program.explicit_providers import refuse_explicit_provider
from imds_provider.rules.account_defaults import DEFAULTS
from imds_provider.rules.enforcement import EnforcementReadiness
from imds_provider.rules.options import Options
from imds_provider.rules.resource_state import DEFAULT_TIMEOUT_SECONDS

from .. import access
from ..planned_defaults import announce
from .enforcement import forbidden_by_enforcement
from .plan import AccountRegion, account_report, summary
from .settings import AccountSettings
from .survey import survey

_TYPE = "imds:index:AccountMetadata"


class AccountMetadata(pulumi.ComponentResource):
    """Brings an account's defaults for new instances onto the given values, in one region or many.

    Every preview and run reads the live defaults, so drift shows in the resource of its region and `pulumi up` repairs
    it. Only the defaults that are set are managed. They decide what neither a launch nor its launch template sets, and
    change no instance that exists.
    """

    defaults: pulumi.Output[Mapping[str, Mapping[str, Any]]]
    """The observed defaults, by region."""
    report: pulumi.Output[Mapping[str, Any]]
    """The account after the run: its ``defaults`` by region, and the regions where IMDSv2 is ``enforced``."""

    def __init__(
        self,
        name: str,
        *,
        http_tokens: str | None = None,
        http_put_response_hop_limit: int | None = None,
        http_endpoint: str | None = None,
        instance_metadata_tags: str | None = None,
        http_tokens_enforced: str | None = None,
        regions: Sequence[str] | None = None,
        on_destroy: Literal["retain", "restore"] = "retain",
        allow_downgrade: str | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        readiness: EnforcementReadiness | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Set the account's defaults.

        Everything must be known when the program runs, so no argument may be an output. The defaults, ``on_destroy``,
        ``allow_downgrade`` and ``timeout_seconds`` are those of :class:`imds_provider.AccountMetadataDefaults`.

        :param regions: the regions; by default ``aws:region``, then what boto3 finds. Each has a resource of its own.
        :param readiness: what must hold before IMDSv2 is enforced in a region; by default, instances that keep optional
            tokens, and autoscaling groups whose next launch would fail, stop the run.
        :param opts: what ``depends_on`` names is done before any default is changed.
        :raises pulumi.RunError: with one line per mistake.
        """
        super().__init__(_TYPE, name, None, opts)
        given = {
            "http_tokens": http_tokens,
            "http_put_response_hop_limit": http_put_response_hop_limit,
            "http_endpoint": http_endpoint,
            "instance_metadata_tags": instance_metadata_tags,
            "http_tokens_enforced": http_tokens_enforced,
        }
        try:
            settings = AccountSettings(
                _plain(given),
                regions=regions,
                on_destroy=on_destroy,
                allow_downgrade=allow_downgrade,
                timeout_seconds=timeout_seconds,
                readiness=readiness or EnforcementReadiness(),
            )
        except InvalidInputError as error:
            raise ProgramError(f"AccountMetadata {name}: {error}") from None
        self._manage(settings, opts)

    @classmethod
    def from_settings(
        cls, name: str, settings: AccountSettings, opts: pulumi.ResourceOptions | None = None
    ) -> AccountMetadata:
        """The account of the stack configuration, as :func:`imds_components.stack_config.load` gives it."""
        account = cls.__new__(cls)
        pulumi.ComponentResource.__init__(account, _TYPE, name, None, opts)
        cls._manage(account, settings, opts)
        return account

    def _manage(self, settings: AccountSettings, opts: pulumi.ResourceOptions | None) -> None:
        """Read the live defaults, report what will change, and make the resources."""
        name = self.pulumi_resource_name
        refuse_explicit_provider(f"AccountMetadata {name}", pulumi.ResourceOptions(parent=self))
        announce(settings.regions, settings.defaults)
        try:
            aws = access.aws()
            regions = survey(self, settings, aws)
        except ImdsError as error:
            raise ProgramError(f"AccountMetadata {name}: {error}") from None
        if pulumi.runtime.is_dry_run():
            pulumi.log.info(summary(name, regions), self)
        problems = [each.problem for each in regions if each.problem]
        stopped = forbidden_by_enforcement(self, regions, aws, problems)
        # Children are not destroyed before what their parent depends on, unless they depend on it as well.
        after = opts.depends_on if opts else None
        resources = [
            self._resource(
                each,
                stopped if each.is_stopped_by_problems else None,
                pulumi.ResourceOptions(parent=self, depends_on=after),
            )
            for each in regions
        ]
        self.defaults = pulumi.Output.all(*map(_observed, resources)).apply(dict)
        self.report = self.defaults.apply(account_report)
        self.register_outputs({"defaults": self.defaults, "report": self.report})

    def _resource(
        self, region: AccountRegion, stopped: pulumi.Input[str | None], opts: pulumi.ResourceOptions
    ) -> AccountMetadataDefaults:
        settings = region.settings
        return AccountMetadataDefaults(
            f"{self.pulumi_resource_name}-{region.region}",
            region=region.region,
            on_destroy=settings.on_destroy,
            timeout_seconds=settings.timeout_seconds,
            allow_downgrade=settings.allow_downgrade,
            change=region.change,
            # Nothing is raised: `pulumi destroy --run-program` runs the program as well. It checks no resource, and
            # must not be stopped by what forbids a change.
            forbidden=stopped,
            opts=opts,
            **{each.argument: settings.defaults.get(each.name) for each in DEFAULTS},  # type: ignore[arg-type]  # checked before
        )


def _plain(given: Mapping[str, object]) -> Options:
    """The defaults by Pulumi property. Raises :class:`InvalidInputError` for one that is not known yet."""
    if any(isinstance(value, pulumi.Output) for value in given.values()):
        raise InvalidInputError(
            "the defaults of an account must be known when the program runs, so they cannot be outputs."
        )
    named = {each.name: given[each.argument] for each in DEFAULTS}
    return {name: value for name, value in named.items() if value is not None}  # type: ignore[misc]  # judged by AccountSettings


def _observed(resource: AccountMetadataDefaults) -> pulumi.Output[tuple[str, dict[str, Any]]]:
    """The region of a resource, and the defaults observed there."""
    values = {each.name: getattr(resource, each.argument) for each in DEFAULTS}
    return pulumi.Output.all(region=resource.region, **values).apply(
        lambda found: (found.pop("region"), {name: value for name, value in found.items() if value is not None})
    )
