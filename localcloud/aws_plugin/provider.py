"""The resource types of pulumi-aws that programs and tests use, on the embedded AWS in place of Pulumi's AWS plugin.

It accepts loopback endpoints only, so that no configuration error can make it change an AWS account.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
    CheckRequest,
    CheckResponse,
    ConfigureRequest,
    ConfigureResponse,
    CreateRequest,
    CreateResponse,
    DeleteRequest,
    DiffRequest,
    DiffResponse,
    PropertyDiff,
    PropertyDiffKind,
    Provider,
    ReadRequest,
    ReadResponse,
    UpdateRequest,
    UpdateResponse,
)
from pulumi.runtime.rpc import UNKNOWN  # the wire format, which the server passes through

from localcloud.aws_plugin.autoscaling_group import AutoScalingGroup
from localcloud.aws_plugin.instance import Instance
from localcloud.aws_plugin.launch_configuration import LaunchConfiguration
from localcloud.aws_plugin.launch_template import LaunchTemplate
from localcloud.aws_plugin.properties import differences, restrict, to_plain_map, to_pulumi_map
from localcloud.aws_plugin.resource_type import Connections, ResourceType
from localcloud.aws_plugin.spot_instance_request import SpotInstanceRequest

TYPES: Mapping[str, ResourceType] = {
    "aws:autoscaling/group:Group": AutoScalingGroup(),
    "aws:ec2/instance:Instance": Instance(),
    "aws:ec2/launchConfiguration:LaunchConfiguration": LaunchConfiguration(),
    "aws:ec2/launchTemplate:LaunchTemplate": LaunchTemplate(),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": SpotInstanceRequest(),
}


class AwsProvider(Provider):
    """Manages the resources of :data:`TYPES`, and refuses other types."""

    def __init__(self) -> None:
        self._connections: Connections | None = None

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Read region, keys and endpoints from the provider's configuration.

        Raises:
            ValueError: the region is not set, or the EC2 endpoint is not on loopback.
        """
        config = to_plain_map(request.args)
        endpoints = config.get("endpoints") or "[]"
        if isinstance(endpoints, str):
            endpoints = json.loads(endpoints)
        connections = Connections(
            region=config.get("region") or "",
            endpoints={service: url for each in endpoints for service, url in each.items() if url},
            access_key=config.get("accessKey") or "local",
            secret_key=config.get("secretKey") or "local",
        )
        connections.require("ec2")
        if not connections.region:
            raise ValueError("aws:region is not set")
        self._connections = connections
        return ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def check(self, request: CheckRequest) -> CheckResponse:
        """Name a resource that needs a name and has none after its logical name, as pulumi-aws does."""
        kind, _, name = request.urn.rpartition("::")
        inputs = request.new_inputs
        if type_of(kind.rpartition("::")[2]).is_named and "name" not in inputs:
            named = PropertyValue(f"{name}-{request.random_seed.hex()[:7]}")
            inputs = {**inputs, "name": request.old_inputs.get("name", named)}
        return CheckResponse(inputs=inputs)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        replaces = type_of(request.type).replaces
        old, new = to_plain_map(request.old_state), to_plain_map(request.new_inputs)
        removed = (old.get("tags") or {}).keys() - (new.get("tags") or {}).keys()
        detailed = {f"tags.{key}": PropertyDiff(PropertyDiffKind.DELETE, input_diff=False) for key in sorted(removed)}
        for path in differences(old, new):
            is_replaced = path.partition(".")[0] in replaces
            kind = PropertyDiffKind.UPDATE_REPLACE if is_replaced else PropertyDiffKind.UPDATE
            detailed[path] = PropertyDiff(kind, input_diff=False)
        names = list(dict.fromkeys(path.partition(".")[0] for path in detailed))
        replacing = [name for name in names if name in replaces]
        return DiffResponse(changes=bool(detailed), replaces=replacing, diffs=names, detailed_diff=detailed)

    async def create(self, request: CreateRequest) -> CreateResponse:
        resource = type_of(request.type)
        inputs = to_plain_map(request.properties)
        if request.preview:
            unknown = {name: PropertyValue(UNKNOWN) for name in resource.observed}
            return CreateResponse("", {**unknown, **request.properties})
        resource_id = await asyncio.to_thread(resource.create, self._aws, inputs)
        state = await asyncio.to_thread(resource.state, self._aws, resource_id, inputs)
        return CreateResponse(resource_id, to_pulumi_map(state))

    async def read(self, request: ReadRequest) -> ReadResponse:
        resource = type_of(request.type)
        inputs = to_plain_map(request.inputs)
        observed = await asyncio.to_thread(resource.read, self._aws, request.resource_id)
        if observed is None:
            return ReadResponse()
        state = {**inputs, **observed}
        actual = {name: restrict(state.get(name), value) for name, value in inputs.items()}
        return ReadResponse(request.resource_id, to_pulumi_map(state), to_pulumi_map(actual))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        resource = type_of(request.type)
        old, new = to_plain_map(request.olds), to_plain_map(request.news)
        if request.preview:
            return UpdateResponse(to_pulumi_map(resource.planned(old, new)))
        await asyncio.to_thread(resource.update, self._aws, request.resource_id, old, new)
        state = await asyncio.to_thread(resource.state, self._aws, request.resource_id, new)
        return UpdateResponse(to_pulumi_map(state))

    async def delete(self, request: DeleteRequest) -> None:
        await asyncio.to_thread(type_of(request.type).delete, self._aws, request.resource_id)

    @property
    def _aws(self) -> Connections:
        if self._connections is None:
            raise ValueError("the provider is not configured")
        return self._connections


def type_of(token: str) -> ResourceType:
    """The resource type with this token, which follows those of the resource's parents: `my:index:Web$aws:ec2/…`.

    Raises:
        ValueError: the plugin does not support it.
    """
    own = token.rpartition("$")[2]
    if own not in TYPES:
        raise ValueError(f"localcloud's AWS plugin supports {', '.join(TYPES)} only, not {own}")
    return TYPES[own]
