"""`aws.ec2.LaunchConfiguration`: every change replaces it."""

from __future__ import annotations

from localcloud.aws_plugin.properties import Properties
from localcloud.aws_plugin.resource_type import Connections, ResourceType, renamed, to_ec2

ARGUMENTS = {
    "imageId": "ImageId",
    "instanceType": "InstanceType",
    "keyName": "KeyName",
    "name": "LaunchConfigurationName",
    "securityGroups": "SecurityGroups",
    "userData": "UserData",
}


class LaunchConfiguration(ResourceType):
    """Launch configurations; the ID is the name."""

    is_named = True
    observed = ("arn",)
    replaces = (*ARGUMENTS, "metadataOptions")

    def create(self, aws: Connections, inputs: Properties) -> str:
        arguments = renamed(inputs, ARGUMENTS)
        if options := inputs.get("metadataOptions"):
            arguments["MetadataOptions"] = to_ec2(options)
        aws.autoscaling.create_launch_configuration(**arguments)
        return str(inputs["name"])

    def read(self, aws: Connections, resource_id: str) -> Properties | None:
        answer = aws.autoscaling.describe_launch_configurations(LaunchConfigurationNames=[resource_id])
        for found in answer["LaunchConfigurations"]:
            return {"arn": found.get("LaunchConfigurationARN", ""), "name": resource_id, "region": aws.region}
        return None

    def delete(self, aws: Connections, resource_id: str) -> None:
        if self.read(aws, resource_id) is not None:
            aws.autoscaling.delete_launch_configuration(LaunchConfigurationName=resource_id)
