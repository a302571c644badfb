"""A team's instances in several regions: each region has waves of its own, and they run in parallel."""

import pulumi

from imds_components import FleetMetadata, Rollout

fleet = FleetMetadata(
    "shop",
    select={"tag:Team": ["shop"]},
    regions=pulumi.Config().require_object("regions"),
    http_tokens="required",
    rollout=Rollout([1, "100%"]),
)

pulumi.export("fleet", fleet.report)
