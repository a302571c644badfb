"""The instances of one team, by tag. Each team has a stack of its own, in the account that they share."""

import pulumi

from imds_components import FleetMetadata

config = pulumi.Config()
team = config.require("team")

fleet = FleetMetadata(
    team,
    select={"tag:Team": [team]},
    http_tokens="required",
    http_put_response_hop_limit=config.require_int("hopLimit"),
)

pulumi.export("fleet", fleet.report)
