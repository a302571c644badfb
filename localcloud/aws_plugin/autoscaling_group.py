"""`aws.autoscaling.Group`, from a launch template or a launch configuration."""

from __future__ import annotations

from localcloud.aws_plugin.properties import Properties
from localcloud.aws_plugin.resource_type import Connections, ResourceType, renamed

ARGUMENTS = {
    "availabilityZones": "AvailabilityZones",
    "desiredCapacity": "DesiredCapacity",
    "launchConfiguration": "LaunchConfigurationName",
    "maxSize": "MaxSize",
    "minSize": "MinSize",
}
SIZES = ("desiredCapacity", "maxSize", "minSize")


class AutoScalingGroup(ResourceType):
    """Autoscaling groups; the ID is the name."""

    is_named = True
    observed = ("arn",)
    replaces = ("name",)

    def create(self, aws: Connections, inputs: Properties) -> str:
        aws.autoscaling.create_auto_scaling_group(AutoScalingGroupName=inputs["name"], **_arguments(inputs))
        return str(inputs["name"])

    def read(self, aws: Connections, resource_id: str) -> Properties | None:
        answer = aws.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[resource_id])
        for found in answer["AutoScalingGroups"]:
            if not found.get("Status"):  # set while a group is deleted
                return {
                    "arn": found.get("AutoScalingGroupARN", ""),
                    "maxSize": found["MaxSize"],
                    "minSize": found["MinSize"],
                    "name": resource_id,
                    "region": aws.region,
                }
        return None

    def update(self, aws: Connections, resource_id: str, old: Properties, new: Properties) -> None:
        if _arguments(old) != _arguments(new):
            aws.autoscaling.update_auto_scaling_group(AutoScalingGroupName=resource_id, **_arguments(new))

    def delete(self, aws: Connections, resource_id: str) -> None:
        if self.read(aws, resource_id) is not None:
            aws.autoscaling.delete_auto_scaling_group(AutoScalingGroupName=resource_id, ForceDelete=True)


def _arguments(inputs: Properties) -> Properties:
    arguments = renamed({**inputs, **{name: int(inputs[name]) for name in SIZES if name in inputs}}, ARGUMENTS)
    if template := inputs.get("launchTemplate"):
        names = {"id": "LaunchTemplateId", "name": "LaunchTemplateName", "version": "Version"}
        arguments["LaunchTemplate"] = renamed(template, names)
    if subnets := inputs.get("vpcZoneIdentifiers"):
        arguments["VPCZoneIdentifier"] = ",".join(subnets)
    return arguments
