"""Manage what the configuration names, and restore what it names no longer: instances, and the account's defaults."""

import pulumi

from imds_components import InstanceMetadata
from imds_provider import AccountMetadataDefaults

config = pulumi.Config()
REASON = "what was there before is restored"
InstanceMetadata(
    "fleet",
    instances=config.require_object("instances"),
    http_tokens="required",
    http_put_response_hop_limit=config.require_int("hopLimit"),
    on_destroy="restore",
    allow_downgrade=REASON,
    timeout_seconds=config.require_int("timeoutSeconds"),
)
if config.require_bool("account"):
    AccountMetadataDefaults(
        "account",
        http_tokens="required",
        http_put_response_hop_limit=config.require_int("hopLimit"),
        on_destroy="restore",
        allow_downgrade=REASON,
        timeout_seconds=config.require_int("timeoutSeconds"),
    )
