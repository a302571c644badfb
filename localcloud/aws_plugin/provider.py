"""`aws.ec2.Instance` on the embedded EC2, in place of Pulumi's AWS plugin.

It accepts loopback endpoints only, so that no configuration error can make it change an AWS account.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import (
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

from localcloud.aws_plugin.properties import (
    Properties,
    differences,
    restrict,
    to_plain_map,
    to_pulumi_map,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

INSTANCE = "aws:ec2/instance:Instance"
REPLACES = ("ami", "availabilityZone", "keyName", "subnetId", "userData", "userDataBase64")
LAUNCH = {
    "ami": "ImageId",
    "instanceType": "InstanceType",
    "keyName": "KeyName",
    "subnetId": "SubnetId",
    "userData": "UserData",
    "vpcSecurityGroupIds": "SecurityGroupIds",
}
OPTIONS = {
    "httpEndpoint": "HttpEndpoint",
    "httpProtocolIpv6": "HttpProtocolIpv6",
    "httpPutResponseHopLimit": "HttpPutResponseHopLimit",
    "httpTokens": "HttpTokens",
    "instanceMetadataTags": "InstanceMetadataTags",
}
OBSERVED = (
    "arn",
    "availabilityZone",
    "instanceState",
    "metadataOptions",
    "primaryNetworkInterfaceId",
    "privateDns",
    "privateIp",
    "publicDns",
    "publicIp",
    "tagsAll",
)
"""Outputs that are unknown before the launch."""

VISIBLE_WITHIN = 60.0
"""Seconds for EC2 to show a launched instance."""


class InstanceProvider(Provider):
    """Manages EC2 instances, and refuses other resource types."""

    def __init__(self) -> None:
        self._ec2: EC2Client | None = None
        self._region = ""

    async def configure(self, request: ConfigureRequest) -> ConfigureResponse:
        """Read region, keys and endpoint from the provider's configuration.

        Raises:
            ValueError: the region is not set, or the EC2 endpoint is not on loopback.
        """
        config = to_plain_map(request.args)
        endpoints = config.get("endpoints") or "[]"
        if isinstance(endpoints, str):
            endpoints = json.loads(endpoints)
        endpoint = next((each["ec2"] for each in endpoints if each.get("ec2")), "")
        if not is_loopback(endpoint):
            raise ValueError(
                "localcloud's AWS plugin accepts loopback endpoints only: set aws:endpoints to "
                f'[{{"ec2": "http://127.0.0.1:…"}}], not {endpoint or "nothing"}'
            )
        self._region = config.get("region") or ""
        if not self._region:
            raise ValueError("aws:region is not set")
        self._ec2 = boto3.client(
            "ec2",
            endpoint_url=endpoint,
            region_name=self._region,
            aws_access_key_id=config.get("accessKey") or "local",
            aws_secret_access_key=config.get("secretKey") or "local",
            config=Config(retries={"mode": "standard", "total_max_attempts": 10}),
        )
        return ConfigureResponse(accept_secrets=False, supports_preview=True)

    async def diff(self, request: DiffRequest) -> DiffResponse:
        require_instance(request.type)
        old, new = to_plain_map(request.old_state), to_plain_map(request.new_inputs)
        removed = (old.get("tags") or {}).keys() - (new.get("tags") or {}).keys()
        detailed = {f"tags.{key}": PropertyDiff(PropertyDiffKind.DELETE, input_diff=False) for key in sorted(removed)}
        for path in differences(old, new):
            kind = PropertyDiffKind.UPDATE_REPLACE if path in REPLACES else PropertyDiffKind.UPDATE
            detailed[path] = PropertyDiff(kind, input_diff=False)
        names = list(dict.fromkeys(path.partition(".")[0] for path in detailed))
        replaces = [name for name in names if name in REPLACES]
        return DiffResponse(changes=bool(detailed), replaces=replaces, diffs=names, detailed_diff=detailed)

    async def create(self, request: CreateRequest) -> CreateResponse:
        require_instance(request.type)
        inputs = to_plain_map(request.properties)
        if request.preview:
            unknown = {name: PropertyValue(UNKNOWN) for name in OBSERVED}
            return CreateResponse("", {**unknown, **request.properties})
        instance_id = await asyncio.to_thread(self._launch, inputs)
        return CreateResponse(instance_id, to_pulumi_map(await asyncio.to_thread(self._state, instance_id, inputs)))

    async def read(self, request: ReadRequest) -> ReadResponse:
        require_instance(request.type)
        inputs = to_plain_map(request.inputs)
        instance = await asyncio.to_thread(self._find, request.resource_id)
        if instance is None or instance["State"]["Name"] in ("shutting-down", "terminated"):
            return ReadResponse()
        state = {**inputs, **self._outputs(instance)}
        actual = {name: restrict(state.get(name), value) for name, value in inputs.items()}
        return ReadResponse(request.resource_id, to_pulumi_map(state), to_pulumi_map(actual))

    async def update(self, request: UpdateRequest) -> UpdateResponse:
        require_instance(request.type)
        old, new = to_plain_map(request.olds), to_plain_map(request.news)
        if request.preview:
            options = {**old["metadataOptions"], **(new.get("metadataOptions") or {})}
            return UpdateResponse(to_pulumi_map({**old, **new, "metadataOptions": options}))
        await asyncio.to_thread(self._change, request.resource_id, old, new)
        return UpdateResponse(to_pulumi_map(await asyncio.to_thread(self._state, request.resource_id, new)))

    async def delete(self, request: DeleteRequest) -> None:
        require_instance(request.type)
        if await asyncio.to_thread(self._find, request.resource_id) is not None:
            await asyncio.to_thread(self._client.terminate_instances, InstanceIds=[request.resource_id])

    @property
    def _client(self) -> EC2Client:
        if self._ec2 is None:
            raise ValueError("the provider is not configured")
        return self._ec2

    def _launch(self, inputs: Properties) -> str:
        arguments: Properties = {LAUNCH[name]: value for name, value in inputs.items() if name in LAUNCH}
        if options := inputs.get("metadataOptions"):
            arguments["MetadataOptions"] = to_ec2(options)
        if zone := inputs.get("availabilityZone"):
            arguments["Placement"] = {"AvailabilityZone": zone}
        if tags := inputs.get("tags"):
            arguments["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tag_list(tags)}]
        return self._client.run_instances(MinCount=1, MaxCount=1, **arguments)["Instances"][0]["InstanceId"]

    def _change(self, instance_id: str, old: Properties, new: Properties) -> None:
        wanted = new.get("metadataOptions") or {}
        if differences(old["metadataOptions"], wanted):
            options = {**old["metadataOptions"], **wanted}
            if options["httpEndpoint"] == "disabled":  # EC2 refuses other options with it
                options = {"httpEndpoint": "disabled"}
            self._client.modify_instance_metadata_options(InstanceId=instance_id, **to_ec2(options))
        before, after = old.get("tags") or {}, new.get("tags") or {}
        if removed := before.keys() - after.keys():
            self._client.delete_tags(Resources=[instance_id], Tags=[{"Key": key} for key in removed])
        if after and after != before:
            self._client.create_tags(Resources=[instance_id], Tags=tag_list(after))
        if old.get("instanceType") != new.get("instanceType", old.get("instanceType")):
            self._client.stop_instances(InstanceIds=[instance_id])
            self._client.modify_instance_attribute(InstanceId=instance_id, InstanceType={"Value": new["instanceType"]})
            self._client.start_instances(InstanceIds=[instance_id])

    def _state(self, instance_id: str, inputs: Properties) -> Properties:
        deadline = time.monotonic() + VISIBLE_WITHIN
        while (instance := self._find(instance_id)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{instance_id} was launched, but is not visible after {VISIBLE_WITHIN:.0f} s")
            time.sleep(0.2)
        return {**inputs, **self._outputs(instance)}

    def _find(self, instance_id: str) -> InstanceTypeDef | None:
        try:
            [reservation] = self._client.describe_instances(InstanceIds=[instance_id])["Reservations"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidInstanceID.NotFound":
                return None
            raise
        return reservation["Instances"][0]

    def _outputs(self, instance: InstanceTypeDef) -> Properties:
        options = instance["MetadataOptions"]
        tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
        interfaces = instance.get("NetworkInterfaces", [])
        owner = interfaces[0]["OwnerId"] if interfaces else ""
        return {
            "ami": instance["ImageId"],
            "arn": f"arn:aws:ec2:{self._region}:{owner}:instance/{instance['InstanceId']}",
            "availabilityZone": instance["Placement"]["AvailabilityZone"],
            "instanceState": instance["State"]["Name"],
            "instanceType": instance["InstanceType"],
            "metadataOptions": {name: options[ec2] for name, ec2 in OPTIONS.items() if ec2 in options},  # type: ignore[literal-required]  # OPTIONS lists its keys
            "primaryNetworkInterfaceId": interfaces[0]["NetworkInterfaceId"] if interfaces else "",
            "privateDns": instance["PrivateDnsName"],
            "privateIp": instance.get("PrivateIpAddress", ""),
            "publicDns": instance.get("PublicDnsName", ""),
            "publicIp": instance.get("PublicIpAddress", ""),
            "region": self._region,
            "subnetId": instance.get("SubnetId", ""),
            "tags": tags or None,
            "tagsAll": tags,
            "vpcSecurityGroupIds": [group["GroupId"] for each in interfaces[:1] for group in each["Groups"]],
        }


def require_instance(resource_type: str) -> None:
    """Check the resource type.

    Raises:
        ValueError: it is not an EC2 instance.
    """
    if resource_type != INSTANCE:
        raise ValueError(f"localcloud's AWS plugin supports {INSTANCE} only, not {resource_type}")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def to_ec2(options: Properties) -> Properties:
    return {
        OPTIONS[name]: int(value) if name == "httpPutResponseHopLimit" else value
        for name, value in options.items()
        if name in OPTIONS and value is not None
    }


def tag_list(tags: Mapping[str, str]) -> list[Any]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
