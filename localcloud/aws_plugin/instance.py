"""`aws.ec2.Instance`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from localcloud.aws_plugin.properties import Properties, differences
from localcloud.aws_plugin.resource_type import Connections, ResourceType, renamed, tag_list, to_ec2, to_properties

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

LAUNCH = {
    "ami": "ImageId",
    "instanceType": "InstanceType",
    "keyName": "KeyName",
    "subnetId": "SubnetId",
    "userData": "UserData",
    "vpcSecurityGroupIds": "SecurityGroupIds",
}
VISIBLE_WITHIN = 60.0
"""Seconds for EC2 to show a launched instance."""


class Instance(ResourceType):
    """Instances, changed in place where EC2 can."""

    observed = (
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
    replaces = ("ami", "availabilityZone", "keyName", "subnetId", "userData", "userDataBase64")

    def create(self, aws: Connections, inputs: Properties) -> str:
        arguments = renamed(inputs, LAUNCH)
        if options := inputs.get("metadataOptions"):
            arguments["MetadataOptions"] = to_ec2(options)
        if zone := inputs.get("availabilityZone"):
            arguments["Placement"] = {"AvailabilityZone": zone}
        if tags := inputs.get("tags"):
            arguments["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tag_list(tags)}]
        return aws.ec2.run_instances(MinCount=1, MaxCount=1, **arguments)["Instances"][0]["InstanceId"]

    def read(self, aws: Connections, resource_id: str) -> Properties | None:
        instance = find(aws, resource_id)
        if instance is None or instance["State"]["Name"] in ("shutting-down", "terminated"):
            return None
        return _outputs(instance, aws.region)

    def state(self, aws: Connections, resource_id: str, inputs: Properties) -> Properties:
        deadline = time.monotonic() + VISIBLE_WITHIN
        while (instance := find(aws, resource_id)) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{resource_id} was launched, but is not visible after {VISIBLE_WITHIN:.0f} s")
            time.sleep(0.2)
        return {**inputs, **_outputs(instance, aws.region)}

    def planned(self, old: Properties, new: Properties) -> Properties:
        options = {**old["metadataOptions"], **(new.get("metadataOptions") or {})}
        return {**old, **new, "metadataOptions": options}

    def update(self, aws: Connections, resource_id: str, old: Properties, new: Properties) -> None:
        ec2 = aws.ec2
        wanted = new.get("metadataOptions") or {}
        if differences(old["metadataOptions"], wanted):
            options = {**old["metadataOptions"], **wanted}
            if options["httpEndpoint"] == "disabled":  # EC2 refuses other options with it
                options = {"httpEndpoint": "disabled"}
            ec2.modify_instance_metadata_options(InstanceId=resource_id, **to_ec2(options))
        before, after = old.get("tags") or {}, new.get("tags") or {}
        if removed := before.keys() - after.keys():
            ec2.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in removed])
        if after and after != before:
            ec2.create_tags(Resources=[resource_id], Tags=tag_list(after))
        if old.get("instanceType") != new.get("instanceType", old.get("instanceType")):
            ec2.stop_instances(InstanceIds=[resource_id])
            ec2.modify_instance_attribute(InstanceId=resource_id, InstanceType={"Value": new["instanceType"]})
            ec2.start_instances(InstanceIds=[resource_id])

    def delete(self, aws: Connections, resource_id: str) -> None:
        if find(aws, resource_id) is not None:
            aws.ec2.terminate_instances(InstanceIds=[resource_id])


def find(aws: Connections, instance_id: str) -> InstanceTypeDef | None:
    """The instance in any state, or None if EC2 does not know it."""
    try:
        [reservation] = aws.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidInstanceID.NotFound":
            return None
        raise
    return reservation["Instances"][0]


def _outputs(instance: InstanceTypeDef, region: str) -> Properties:
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    interfaces = instance.get("NetworkInterfaces", [])
    owner = interfaces[0]["OwnerId"] if interfaces else ""
    return {
        "ami": instance["ImageId"],
        "arn": f"arn:aws:ec2:{region}:{owner}:instance/{instance['InstanceId']}",
        "availabilityZone": instance["Placement"]["AvailabilityZone"],
        "instanceState": instance["State"]["Name"],
        "instanceType": instance["InstanceType"],
        "metadataOptions": to_properties(instance["MetadataOptions"]),
        "primaryNetworkInterfaceId": interfaces[0]["NetworkInterfaceId"] if interfaces else "",
        "privateDns": instance["PrivateDnsName"],
        "privateIp": instance.get("PrivateIpAddress", ""),
        "publicDns": instance.get("PublicDnsName", ""),
        "publicIp": instance.get("PublicIpAddress", ""),
        "region": region,
        "subnetId": instance.get("SubnetId", ""),
        "tags": tags or None,
        "tagsAll": tags,
        "vpcSecurityGroupIds": [group["GroupId"] for each in interfaces[:1] for group in each["Groups"]],
    }
