"""An instance as DescribeInstances lists it, with what EC2's filters would look at. Pure.

Sources: EC2 API reference, ``DescribeInstances``, the names of its filters; ``Instance`` and ``Reservation``, where
their values stand in the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from .options import from_ec2 as options_from_ec2
from .settling import Observation

TAG_PREFIX = "tag:"
METADATA_OPTIONS_PREFIX = "metadata-options."


@dataclass(frozen=True)
class Inventoried:
    """An instance and its region; ``attributes`` has, for each filter name, the values that the instance has."""

    observation: Observation
    region: str
    attributes: Mapping[str, tuple[str, ...]]


_INSTANCE_PATHS: Mapping[str, str] = {
    "affinity": "Placement.Affinity",
    "architecture": "Architecture",
    "availability-zone": "Placement.AvailabilityZone",
    "availability-zone-id": "Placement.AvailabilityZoneId",
    "block-device-mapping.volume-id": "BlockDeviceMappings.Ebs.VolumeId",
    "boot-mode": "BootMode",
    "capacity-reservation-id": "CapacityReservationId",
    "client-token": "ClientToken",
    "current-instance-boot-mode": "CurrentInstanceBootMode",
    "dns-name": "PublicDnsName",
    "ebs-optimized": "EbsOptimized",
    "ena-support": "EnaSupport",
    "enclave-options.enabled": "EnclaveOptions.Enabled",
    "hibernation-options.configured": "HibernationOptions.Configured",
    "host-id": "Placement.HostId",
    "hypervisor": "Hypervisor",
    "iam-instance-profile.arn": "IamInstanceProfile.Arn",
    "iam-instance-profile.id": "IamInstanceProfile.Id",
    "image-id": "ImageId",
    "instance-id": "InstanceId",
    "instance-lifecycle": "InstanceLifecycle",
    "instance-state-code": "State.Code",
    "instance-state-name": "State.Name",
    "instance-type": "InstanceType",
    "instance.group-id": "SecurityGroups.GroupId",
    "instance.group-name": "SecurityGroups.GroupName",
    "ip-address": "PublicIpAddress",
    "ipv6-address": "Ipv6Address",
    "kernel-id": "KernelId",
    "key-name": "KeyName",
    "launch-index": "AmiLaunchIndex",
    "launch-time": "LaunchTime",
    "maintenance-options.auto-recovery": "MaintenanceOptions.AutoRecovery",
    "monitoring-state": "Monitoring.State",
    "network-interface.network-interface-id": "NetworkInterfaces.NetworkInterfaceId",
    "network-interface.subnet-id": "NetworkInterfaces.SubnetId",
    "network-interface.vpc-id": "NetworkInterfaces.VpcId",
    "operator.managed": "Operator.Managed",
    "operator.principal": "Operator.Principal",
    "outpost-arn": "OutpostArn",
    "placement-group-name": "Placement.GroupName",
    "placement-partition-number": "Placement.PartitionNumber",
    "platform": "Platform",
    "platform-details": "PlatformDetails",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "product-code": "ProductCodes.ProductCodeId",
    "ramdisk-id": "RamdiskId",
    "root-device-name": "RootDeviceName",
    "root-device-type": "RootDeviceType",
    "source-dest-check": "SourceDestCheck",
    "spot-instance-request-id": "SpotInstanceRequestId",
    "subnet-id": "SubnetId",
    "tag-key": "Tags.Key",
    "tenancy": "Placement.Tenancy",
    "tpm-support": "TpmSupport",
    "usage-operation": "UsageOperation",
    "virtualization-type": "VirtualizationType",
    "vpc-id": "VpcId",
}
_RESERVATION_PATHS: Mapping[str, str] = {
    "owner-id": "OwnerId",
    "requester-id": "RequesterId",
    "reservation-id": "ReservationId",
}

FILTER_NAMES: tuple[str, ...] = tuple(sorted((*_INSTANCE_PATHS, *_RESERVATION_PATHS)))
"""The filters that can be told from an answer; besides them ``tag:`` and the key of a tag."""


def from_ec2(instance: Mapping[str, object], reservation: Mapping[str, object], region: str) -> Inventoried:
    """One instance of a DescribeInstances answer, with the reservation that it stands in."""
    attributes = {
        name: values
        for paths, source in ((_INSTANCE_PATHS, instance), (_RESERVATION_PATHS, reservation))
        for name, path in paths.items()
        if (values := tuple(_values(source, path.split("."))))
    }
    if "platform" in attributes:
        # The answer says Windows where the filter wants windows.
        attributes["platform"] = tuple(value.lower() for value in attributes["platform"])
    attributes.update(_tags(instance.get("Tags")))
    options = instance.get("MetadataOptions")
    given = options if isinstance(options, Mapping) else {}
    return Inventoried(
        observation=Observation(
            instance_id=_first(attributes, "instance-id"),
            instance_state=_first(attributes, "instance-state-name"),
            state=str(given.get("State", "")),
            options=options_from_ec2(given),
            owner_id=_first(attributes, "owner-id"),
        ),
        region=region,
        attributes=attributes,
    )


def _tags(tags: object) -> Iterator[tuple[str, tuple[str, ...]]]:
    for tag in tags if isinstance(tags, Sequence) else ():
        if isinstance(tag, Mapping):
            yield f"{TAG_PREFIX}{tag.get('Key', '')}", (str(tag.get("Value", "")),)


def _first(attributes: Mapping[str, tuple[str, ...]], name: str) -> str:
    return attributes.get(name, ("",))[0]


def _values(source: object, path: Sequence[str]) -> Iterator[str]:
    """The texts at the end of a path, in every item of the lists on the way."""
    if isinstance(source, list | tuple):
        for item in source:
            yield from _values(item, path)
    elif path:
        if isinstance(source, Mapping):
            yield from _values(source.get(path[0]), path[1:])
    elif source is not None:
        yield _text(source)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    return str(value)
