"""A web server whose metadata options were set by aws.ec2.Instance, and are now managed by InstanceMetadata."""

import pulumi
import pulumi_aws as aws

from imds_components import InstanceMetadata

web = aws.ec2.Instance(
    "web",
    ami=pulumi.Config().require("ami"),
    instance_type="t3.micro",
    metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2},
    opts=pulumi.ResourceOptions(ignore_changes=["metadataOptions"]),
)
InstanceMetadata("web", instances=web, http_tokens="required", http_put_response_hop_limit=2)
