"""A web server whose instance metadata takes IMDSv2 alone."""

import pulumi
import pulumi_aws as aws

from imds_components import InstanceMetadata

web = aws.ec2.Instance(
    "web",
    ami=pulumi.Config().require("ami"),
    instance_type="t3.micro",
    tags={"Name": "web"},
)
metadata = InstanceMetadata("web", instances=web, http_tokens="required", http_put_response_hop_limit=2)

pulumi.export("instanceId", web.id)
pulumi.export("appliedIds", metadata.applied_ids)
