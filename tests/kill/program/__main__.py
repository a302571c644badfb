"""Manage the instances that the configuration names, and restore those that it names no longer."""

import pulumi

from imds_components import InstanceMetadata

config = pulumi.Config()
InstanceMetadata(
    "fleet",
    instances=config.require_object("instances"),
    http_tokens="required",
    http_put_response_hop_limit=config.require_int("hopLimit"),
    on_destroy="restore",
    allow_downgrade="what was there before is restored",
    timeout_seconds=config.require_int("timeoutSeconds"),
)
