"""The component ``InstanceMetadata``: metadata options for one instance or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import pulumi

from imds_provider import InstanceMetadataOptions, MetadataOptionsApplied
from imds_provider.errors import ImdsError
from imds_provider.program.errors import ProgramError
from imds_provider.program.explicit_providers import refuse_explicit_provider
from imds_provider.rules.options import OPTIONS
from imds_provider.rules.resource_state import DEFAULT_TIMEOUT_SECONDS

from . import access, ownership
from .attachments import Instances, attachments
from .moves import Aliases, renamed_from, require_names, restores
from .survey import survey
from .targeted import warn_of_not_waited
from .wanted_options import MetadataOptionsArgs, wanted_options


class InstanceMetadata(pulumi.ComponentResource):
    """Brings the instances it is attached to onto the given metadata options and waits until they are applied.

    Each instance has a resource of its own, recorded as soon as EC2 accepts its change. One barrier then waits for all
    of them together. A preview describes the live instances and shows how each differs.
    """

    applied_ids: pulumi.Output[list[str]]
    """The instances on which the options are in force."""
    pending_start_ids: pulumi.Output[list[str]]
    """The stopped instances, on which the options are in force from their next start."""
    unknown_ids: pulumi.Output[list[str]]
    """The instances of which EC2 does not report all that is wanted."""

    def __init__(
        self,
        name: str,
        *,
        instances: Instances,
        http_tokens: pulumi.Input[str] | None = None,
        http_put_response_hop_limit: pulumi.Input[int] | None = None,
        http_endpoint: pulumi.Input[str] | None = None,
        http_protocol_ipv6: pulumi.Input[str] | None = None,
        instance_metadata_tags: pulumi.Input[str] | None = None,
        metadata_options: MetadataOptionsArgs | None = None,
        region: pulumi.Input[str] | None = None,
        on_destroy: pulumi.Input[Literal["retain", "restore"]] = "retain",
        timeout_seconds: pulumi.Input[float] = DEFAULT_TIMEOUT_SECONDS,
        allow_downgrade: pulumi.Input[str] | None = None,
        aliases: Aliases | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Attach to instances.

        The five options, ``region``, ``on_destroy``, ``timeout_seconds`` and ``allow_downgrade`` are those of
        :class:`imds_provider.InstanceMetadataOptions`. Without ``region``, an instance given as a resource is where
        that resource is.

        :param instances: one or a list of ``aws.ec2.Instance`` and IDs as strings, or a mapping of logical names
            to instances or IDs (which may be outputs).
        :param metadata_options: the options as ``aws.ec2.InstanceMetadataOptionsArgs``, or its dictionary, instead of
            one by one.
        :param aliases: by an instance's current name, its former name, or a ``pulumi.Alias`` if it came from another
            component, so that its recorded state is kept.
        :raises pulumi.RunError: for an instance given twice, a malformed ID, or an option that is not allowed.
        """
        super().__init__("imds:index:InstanceMetadata", name, None, opts)
        refuse_explicit_provider(f"InstanceMetadata {name}", pulumi.ResourceOptions(parent=self))
        single = {
            "http_tokens": http_tokens,
            "http_put_response_hop_limit": http_put_response_hop_limit,
            "http_endpoint": http_endpoint,
            "http_protocol_ipv6": http_protocol_ipv6,
            "instance_metadata_tags": instance_metadata_tags,
        }
        try:
            aws = access.aws()
            wanted = wanted_options(single, metadata_options)
            attached = attachments(instances)
            require_names([each.name for each in attached], aliases)
        except ImdsError as error:
            raise ProgramError(f"InstanceMetadata {name}: {error}") from None
        known_ids = [each.known_id for each in attached if each.known_id is not None]
        if in_fleets := ownership.of_this_program().attach(name, known_ids):
            raise ProgramError("\n  ".join([f"InstanceMetadata {name} cannot continue:", *in_fleets]))
        planned = survey(self, attached, wanted, region, aws, may_loosen=allow_downgrade is not None)
        resources = {
            each.name: InstanceMetadataOptions(
                f"{name}-{each.name}",
                instance_id=each.instance_id,
                region=access.region_of(each, region),
                on_destroy=on_destroy,
                wait=False,
                timeout_seconds=timeout_seconds,
                allow_downgrade=allow_downgrade,
                change=planned[each.name].change,
                found=planned[each.name].found,
                opts=pulumi.ResourceOptions(
                    parent=self, deleted_with=each.resource, aliases=renamed_from(name, each.name, aliases)
                ),
                **wanted,  # type: ignore[arg-type]  # options by their argument's name, judged by wanted_options
            )
            for each in attached
        }
        self._resources = list(resources.values())
        if not resources:
            pulumi.log.warn("there are no instances to manage.", self)
        created = {each.name for each in attached if each.resource is not None}
        barrier = MetadataOptionsApplied(
            name,
            targets={each: resource.target for each, resource in resources.items()},
            region=region,
            regions={each: resources[each].region for each in created} if region is None and created else None,
            timeout_seconds=timeout_seconds,
            owner=f"InstanceMetadata {name}",
            restores=restores(resources, on_destroy, dict.fromkeys(resources, allow_downgrade), created),
            opts=pulumi.ResourceOptions(parent=self),
        )
        warn_of_not_waited(self, resources, barrier)
        self.applied_ids, self.pending_start_ids = barrier.applied_ids, barrier.pending_start_ids
        self.unknown_ids = barrier.unknown_ids.apply(lambda ids: ids or [])
        self.register_outputs(
            {
                "appliedIds": self.applied_ids,
                "pendingStartIds": self.pending_start_ids,
                "unknownIds": self.unknown_ids,
            }
        )

    @cached_property
    def options(self) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]:
        """The observed options, by instance ID."""
        return options_by_id(self._resources)


def options_by_id(resources: Sequence[InstanceMetadataOptions]) -> pulumi.Output[Mapping[str, Mapping[str, Any]]]:
    """The observed options of all resources, by instance ID."""
    return pulumi.Output.all(*map(_observed, resources)).apply(dict)


def _observed(resource: InstanceMetadataOptions) -> pulumi.Output[tuple[str, dict[str, Any]]]:
    """The instance ID of a resource, and the options observed on it."""
    values = {option.name: getattr(resource, option.argument) for option in OPTIONS}
    return pulumi.Output.all(instance_id=resource.instance_id, **values).apply(
        lambda found: (found.pop("instance_id"), {name: value for name, value in found.items() if value is not None})
    )
