"""An autoscaling group: its template launches with IMDSv2, and the instances that run already are changed."""

import pulumi
import pulumi_aws as aws

from imds_components import FleetMetadata, launch_defaults

NAME = "workers"

launch_defaults(http_put_response_hop_limit=2)

template = aws.ec2.LaunchTemplate(NAME, image_id=pulumi.Config().require("ami"), instance_type="t3.micro")
group = aws.autoscaling.Group(
    NAME,
    name=NAME,
    launch_template={"id": template.id, "version": template.latest_version.apply(str)},
    availability_zones=[f"{pulumi.Config('aws').require('region')}a"],
    min_size=1,
    max_size=4,
    desired_capacity=2,
)

fleet = FleetMetadata(
    NAME,
    select={"tag:aws:autoscaling:groupName": [NAME]},
    http_tokens="required",
    http_put_response_hop_limit=2,
)

pulumi.export("fleet", fleet.report)
