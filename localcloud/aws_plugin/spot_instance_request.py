"""`aws.ec2.SpotInstanceRequest`: as in pulumi-aws, its metadata options are not part of the request.

Source: EC2 API reference, ``RequestSpotLaunchSpecification``, which has none.
"""

from __future__ import annotations

from localcloud.aws_plugin.instance import LAUNCH
from localcloud.aws_plugin.properties import Properties
from localcloud.aws_plugin.resource_type import Connections, ResourceType, renamed


class SpotInstanceRequest(ResourceType):
    """Spot requests, each with the instance that fulfills it."""

    observed = ("arn", "spotInstanceId", "spotRequestState")
    replaces = (*LAUNCH, "metadataOptions", "spotPrice")

    def create(self, aws: Connections, inputs: Properties) -> str:
        arguments: Properties = {"LaunchSpecification": renamed(inputs, LAUNCH)}
        if price := inputs.get("spotPrice"):
            arguments["SpotPrice"] = price
        answer = aws.ec2.request_spot_instances(InstanceCount=1, **arguments)
        return answer["SpotInstanceRequests"][0]["SpotInstanceRequestId"]

    def read(self, aws: Connections, resource_id: str) -> Properties | None:
        for found in aws.ec2.describe_spot_instance_requests()["SpotInstanceRequests"]:
            if found["SpotInstanceRequestId"] == resource_id and found["State"] != "cancelled":
                return {
                    "arn": f"arn:aws:ec2:{aws.region}::spot-instances-request/{resource_id}",
                    "region": aws.region,
                    "spotInstanceId": found.get("InstanceId", ""),
                    "spotRequestState": found["State"],
                }
        return None

    def delete(self, aws: Connections, resource_id: str) -> None:
        found = self.read(aws, resource_id)
        if found is not None:
            aws.ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[resource_id])
            if found["spotInstanceId"]:
                aws.ec2.terminate_instances(InstanceIds=[found["spotInstanceId"]])
