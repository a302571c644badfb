"""The component ``FleetMetadata``: metadata options for a whole fleet, in waves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import pulumi

from imds_provider import MetadataWaveHealthy
from imds_provider.errors import ImdsError, InvalidInputError
from imds_provider.program.errors import ProgramError
from imds_provider.program.explicit_providers import refuse_explicit_provider
from imds_provider.rules.options import OPTIONS, Options
from imds_provider.rules.readiness import Readiness
from imds_provider.rules.resource_state import DEFAULT_TIMEOUT_SECONDS

from .. import access, ownership
from ..instance_metadata import options_by_id
from ..moves import Aliases
from ..targeted import warn_of_not_waited
from ..wanted_options import MetadataOptionsArgs, wanted_options
from .downgrades import Allowance
from .exemptions import Exemption
from .outputs import fleet_report
from .plan import FleetPlan
from .resources import FleetResources
from .settings import FleetSettings
from .survey import survey
from .waves import Rollout

_TYPE = "imds:index:FleetMetadata"


class FleetMetadata(pulumi.ComponentResource):
    """Brings the instances that it selects onto the given metadata options, in waves, once that is safe.

    Every preview and run describes the live instances: a new instance joins the fleet with the next run, and one that
    is no longer selected is released. Every instance has a resource of its own, named by its ID. A wave begins when the
    options of the one before are applied, and its instances have completed their soak and are healthy.
    """

    applied_ids: pulumi.Output[list[str]]
    """The instances on which the options are in force."""
    pending_start_ids: pulumi.Output[list[str]]
    """The stopped instances, on which the options are in force from their next start."""
    unknown_ids: pulumi.Output[list[str]]
    """The instances of which EC2 does not report all wanted options."""
    report: pulumi.Output[Mapping[str, Any]]
    """The fleet after the run: ``selected``, ``applied``, ``pendingStart``, ``unknown``, ``exempt``, ``notCompliant``,
    ``launchSources``, ``serviceManaged``."""

    def __init__(
        self,
        name: str,
        *,
        select: Mapping[str, Sequence[str]] | None = None,
        instances: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        http_tokens: str | None = None,
        http_put_response_hop_limit: int | None = None,
        http_endpoint: str | None = None,
        http_protocol_ipv6: str | None = None,
        instance_metadata_tags: str | None = None,
        metadata_options: MetadataOptionsArgs | None = None,
        exemptions: Sequence[Exemption] = (),
        readiness: Readiness | None = None,
        rollout: Rollout | None = None,
        allow_downgrade: Allowance = None,
        regions: Sequence[str] | None = None,
        on_destroy: Literal["retain", "restore"] = "retain",
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        preflight: Literal["on", "off"] = "on",
        expired_exemptions: Literal["fail", "warn"] = "fail",
        launch_sources: Literal["warn", "block", "off"] = "warn",
        aliases: Aliases | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Select instances, and give them the options.

        Everything must be known when the program runs, so no argument may be an output.

        :param select: DescribeInstances filters and their values, as in ``{"tag:Team": ["web"]}``; all must hold.
        :param instances: IDs of instances to select as well.
        :param exclude: IDs of instances not to select.
        :param metadata_options: the options as ``aws.ec2.InstanceMetadataOptionsArgs``, or its dictionary, instead of
            one by one. They are those of :class:`imds_provider.InstanceMetadataOptions`.
        :param exemptions: instances that are exempt for a time, each with a reason.
        :param readiness: what IMDSv1 calls of an instance that is about to require tokens do to the run; by default,
            calls in the last 14 days stop it.
        :param rollout: the waves; by default one instance, then a tenth of them, then all.
        :param allow_downgrade: a reason for loosening, of the fleet or by instance ID. Without one, going from required
            to optional tokens, or from a disabled to an enabled endpoint, fails the preview.
        :param regions: the regions to select from; by default ``aws:region``, then what boto3 finds.
        :param on_destroy: what happens to an instance that is released, or when the fleet is destroyed: ``retain``
            leaves it as it is, ``restore`` puts back the former values.
        :param timeout_seconds: 1 to 3600: how long one operation may take.
        :param preflight: whether a preview checks, by dry runs, that the run has the permissions it needs.
        :param expired_exemptions: whether an exemption whose last day has passed fails the run, or is warned of.
        :param launch_sources: what an autoscaling group of selected instances does to the run if its next instance
            would start looser than the fleet's options: it is warned of, stops the run, or is not looked up.
        :param aliases: by the ID of an instance that came from another component, a ``pulumi.Alias`` of its resource
            there, so that its recorded state is kept. For a fleet that is renamed, set ``aliases`` in ``opts``.
        :raises pulumi.RunError: with one line per mistake, or per problem that stops the run.
        """
        super().__init__(_TYPE, name, None, opts)
        single: dict[str, pulumi.Input[str | int] | None] = {
            "http_tokens": http_tokens,
            "http_put_response_hop_limit": http_put_response_hop_limit,
            "http_endpoint": http_endpoint,
            "http_protocol_ipv6": http_protocol_ipv6,
            "instance_metadata_tags": instance_metadata_tags,
        }
        try:
            settings = FleetSettings(
                select=select,
                instances=tuple(instances or ()),
                exclude=tuple(exclude),
                options=_plain(single, metadata_options),
                exemptions=tuple(exemptions),
                readiness=readiness or Readiness(),
                rollout=rollout or Rollout(),
                allow_downgrade=allow_downgrade,
                regions=regions,
                on_destroy=on_destroy,
                timeout_seconds=timeout_seconds,
                preflight=preflight,
                expired_exemptions=expired_exemptions,
                launch_sources=launch_sources,
            )
        except InvalidInputError as error:
            raise ProgramError(f"FleetMetadata {name}: {error}") from None
        self._manage(settings, aliases)

    @classmethod
    def from_settings(
        cls, name: str, settings: FleetSettings, opts: pulumi.ResourceOptions | None = None
    ) -> FleetMetadata:
        """A fleet of the stack configuration, as :func:`imds_components.stack_config.load` gives it."""
        fleet = cls.__new__(cls)
        pulumi.ComponentResource.__init__(fleet, _TYPE, name, None, opts)
        cls._manage(fleet, settings, None)
        return fleet

    def _manage(self, settings: FleetSettings, aliases: Aliases | None) -> None:
        """Survey the instances, report the plan, and make the resources."""
        name = self.pulumi_resource_name
        refuse_explicit_provider(f"FleetMetadata {name}", pulumi.ResourceOptions(parent=self))
        preview = pulumi.runtime.is_dry_run()
        try:
            plan = survey(name, settings, access.aws(), preview=preview)
        except ImdsError as error:
            raise ProgramError(f"FleetMetadata {name}: {error}") from None
        plan = plan.with_problems(ownership.of_this_program().select(name, (each.instance_id for each in plan.members)))
        self._log(plan, preview=preview)
        forbidden = self._forbid(plan) if plan.problems else None
        parts = [] if forbidden else [FleetResources(self, name, plan, region, aliases) for region in plan.regions]
        for part in parts:
            warn_of_not_waited(self, part.resources, part.barrier)
        self._resources = [resource for part in parts for resource in part.resources.values()]
        self.applied_ids = _together([part.barrier.applied_ids for part in parts], forbidden)
        self.pending_start_ids = _together([part.barrier.pending_start_ids for part in parts], forbidden)
        self.unknown_ids = _together(
            [part.barrier.unknown_ids.apply(lambda ids: ids or []) for part in parts], forbidden
        )
        self.report = pulumi.Output.all(self.applied_ids, self.pending_start_ids, self.unknown_ids).apply(
            lambda ids: fleet_report(plan, applied=ids[0], pending_start=ids[1], unknown=ids[2])
        )
        self.register_outputs(
            {
                "appliedIds": self.applied_ids,
                "pendingStartIds": self.pending_start_ids,
                "unknownIds": self.unknown_ids,
                "report": self.report,
            }
        )

    @cached_property
    def options(self) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]:
        """The observed options, by instance ID."""
        return options_by_id(self._resources)

    def _log(self, plan: FleetPlan, *, preview: bool) -> None:
        """Log the plan."""
        if preview:
            pulumi.log.info("\n".join(plan.lines()), self)
        # In a run as well: nobody reads the preview of a nightly run.
        if plan.warnings:
            pulumi.log.warn("\n".join(plan.warnings), self)

    def _forbid(self, plan: FleetPlan) -> MetadataWaveHealthy:
        """A health check that fails, in place of all other resources.

        Nothing is raised: `pulumi destroy --run-program` runs the program as well. It checks no resource, and must not
        be stopped by what forbids a change.
        """
        return MetadataWaveHealthy(
            plan.name,
            targets={},
            forbidden="\n  ".join([f"FleetMetadata {plan.name} cannot continue:", *plan.problems]),
            region=plan.regions[0].region,
            opts=pulumi.ResourceOptions(parent=self),
        )


def _plain(
    single: Mapping[str, pulumi.Input[str | int] | None], metadata_options: MetadataOptionsArgs | None
) -> Options:
    """The wanted options by Pulumi property. Raises :class:`InvalidInputError`, also for one that is not known yet."""
    wanted = wanted_options(single, metadata_options)
    plain = {
        option.name: value for option in OPTIONS if isinstance(value := wanted.get(option.argument), str | int | float)
    }
    if len(plain) < len(wanted):
        raise InvalidInputError(
            "the options of a fleet must be known when the program runs, so they cannot be outputs."
        )
    return {name: int(value) if isinstance(value, float) else value for name, value in plain.items()}


def _together(
    lists: Sequence[pulumi.Output[list[str]]], forbidden: MetadataWaveHealthy | None
) -> pulumi.Output[list[str]]:
    """The IDs of all lists. A run that is forbidden never knows them, and so records nothing."""
    everything = [forbidden.checked_at.apply(lambda _: []), *lists] if forbidden else lists
    return pulumi.Output.all(*everything).apply(lambda found: sorted(each for some in found for each in some))
