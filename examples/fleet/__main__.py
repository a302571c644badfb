"""A team's instances, selected by tag and moved to IMDSv2 in waves; one of them is exempt for a time."""

import pulumi

from imds_components import Exemption, FleetMetadata, Rollout

config = pulumi.Config()
exempt = config.get("exempt")

fleet = FleetMetadata(
    "team",
    select={"tag:Team": [config.require("team")]},
    http_tokens="required",
    http_put_response_hop_limit=2,
    exemptions=[Exemption(exempt, "agent 1.2 calls IMDSv1", "2099-01-31")] if exempt else [],
    rollout=Rollout([1, "50%", "100%"]),
)

pulumi.export("fleet", fleet.report)
