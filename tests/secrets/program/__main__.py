"""Manage the instances that the configuration names, alone and together, and the account's defaults."""

import pulumi

from imds_components import AccountMetadata, InstanceMetadata
from imds_provider import InstanceMetadataOptions

config = pulumi.Config()
ids = config.require_object("ids")
hop_limit = config.require_int("hopLimit")

fleet = InstanceMetadata(
    "fleet",
    instances=ids[1:],
    http_tokens="required",
    http_put_response_hop_limit=hop_limit,
    on_destroy="restore",
    allow_downgrade="what was there before is restored",
    timeout_seconds=10,
)
alone = InstanceMetadataOptions(
    "alone",
    instance_id=ids[0],
    http_tokens="required",
    on_destroy="restore",
    allow_downgrade="what was there before is restored",
)
account = AccountMetadata("account", http_put_response_hop_limit=hop_limit, on_destroy="restore", timeout_seconds=10)
pulumi.export("account", account.report)
pulumi.export("options", fleet.options)
pulumi.export("appliedIds", fleet.applied_ids)
pulumi.export("state", alone.state)
