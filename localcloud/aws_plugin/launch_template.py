"""`aws.ec2.LaunchTemplate`: an update makes a new version."""

from __future__ import annotations

from typing import Any

from pulumi.runtime.rpc import UNKNOWN  # the wire format, which the server passes through

from localcloud.aws_plugin.properties import Properties
from localcloud.aws_plugin.resource_type import Connections, ResourceType, renamed, tag_list, to_ec2

DATA = {
    "imageId": "ImageId",
    "instanceType": "InstanceType",
    "keyName": "KeyName",
    "userData": "UserData",
    "vpcSecurityGroupIds": "SecurityGroupIds",
}


class LaunchTemplate(ResourceType):
    """Launch templates; the ID is the template's, whatever its version."""

    is_named = True
    observed = ("arn", "defaultVersion", "latestVersion", "tagsAll")
    replaces = ("name", "namePrefix")

    def create(self, aws: Connections, inputs: Properties) -> str:
        arguments: dict[str, Any] = {"LaunchTemplateName": inputs["name"], "LaunchTemplateData": _data(inputs)}
        if tags := inputs.get("tags"):
            arguments["TagSpecifications"] = [{"ResourceType": "launch-template", "Tags": tag_list(tags)}]
        return aws.ec2.create_launch_template(**arguments)["LaunchTemplate"]["LaunchTemplateId"]

    def read(self, aws: Connections, resource_id: str) -> Properties | None:
        # moto knows no filter by ID, and answers one that is gone with an empty list.
        for found in aws.ec2.describe_launch_templates()["LaunchTemplates"]:
            if found["LaunchTemplateId"] == resource_id:
                return {
                    "arn": f"arn:aws:ec2:{aws.region}::launch-template/{resource_id}",
                    "defaultVersion": found["DefaultVersionNumber"],
                    "latestVersion": found["LatestVersionNumber"],
                    "name": found["LaunchTemplateName"],
                    "region": aws.region,
                    "tagsAll": {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
                }
        return None

    def update(self, aws: Connections, resource_id: str, old: Properties, new: Properties) -> None:
        if _data(old) == _data(new):
            return
        data: Any = _data(new)
        made = aws.ec2.create_launch_template_version(LaunchTemplateId=resource_id, LaunchTemplateData=data)
        version = str(made["LaunchTemplateVersion"]["VersionNumber"])
        if new.get("updateDefaultVersion") or new.get("defaultVersion"):
            default = version if new.get("updateDefaultVersion") else str(int(new["defaultVersion"]))
            aws.ec2.modify_launch_template(LaunchTemplateId=resource_id, DefaultVersion=default)

    def planned(self, old: Properties, new: Properties) -> Properties:
        unknown = {} if _data(old) == _data(new) else {"latestVersion": UNKNOWN}
        return {**old, **new, **unknown}

    def delete(self, aws: Connections, resource_id: str) -> None:
        if self.read(aws, resource_id) is not None:
            aws.ec2.delete_launch_template(LaunchTemplateId=resource_id)


def _data(inputs: Properties) -> Properties:
    data = renamed(inputs, DATA)
    if options := inputs.get("metadataOptions"):
        data["MetadataOptions"] = to_ec2(options)
    return data
