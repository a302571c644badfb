"""Bring the EC2 instances of a team onto the instance metadata options that it requires, and keep them there."""

import os

import pulumi

from imds_components import FleetMetadata, Rollout, launch_defaults

# IMDSv2 only. Two hops, since a container on a bridge network is one hop further away than its instance.
OPTIONS: dict[str, str | int] = {"http_tokens": "required", "http_put_response_hop_limit": 2}

config = pulumi.Config("fleet")  # the keys fleet:… in stacks/Pulumi.<stack>.yaml

# Whatever this program launches starts with the options. Keep this above the first resource.
launch_defaults(metadata_options=OPTIONS)

# Every instance of the team, whoever launched it. The preview fails for those that still call IMDSv1.
fleet = FleetMetadata(
    "team",
    select={"tag:Team": [config.require("team")]},
    metadata_options=OPTIONS,
    rollout=Rollout(
        waves=config.get_object("waves") or [1, "10%", "100%"],
        alarms=config.get_object("alarms") or [],
    ),
    # The workflows preview with a role that may not change instances, so there are no permissions to check. This is not
    # in the stack file, since a plan holds the configuration.
    preflight="off" if os.environ.get("IMDS_PREFLIGHT") == "off" else "on",
)

# The next step: instances that others launch in this account and region start with the options too.
# One stack per account sets them. Import AccountMetadata from imds_components.
# AccountMetadata(
#     "account",
#     http_tokens="required",
#     http_put_response_hop_limit=2,
#     opts=pulumi.ResourceOptions(depends_on=[fleet]),
# )

pulumi.export("fleet", fleet.report)
