"""All instances of a region require IMDSv2, new ones start with it, and EC2 refuses what would not."""

import pulumi

from imds_components import AccountMetadata, FleetMetadata

fleet = FleetMetadata("all", select={"instance-id": ["i-*"]}, http_tokens="required")
account = AccountMetadata(
    "account",
    http_tokens="required",
    http_put_response_hop_limit=2,
    http_tokens_enforced="enabled",
    opts=pulumi.ResourceOptions(depends_on=[fleet]),  # enforced only once no instance relies on IMDSv1
)

pulumi.export("account", account.report)
