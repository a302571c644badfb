"""Instances that somebody else has launched, by their IDs: they are changed, and never launched or terminated here."""

import pulumi

from imds_components import InstanceMetadata

adopted = InstanceMetadata(
    "adopted",
    instances=pulumi.Config().require_object("instances"),
    http_tokens="required",
)

pulumi.export("appliedIds", adopted.applied_ids)
pulumi.export("pendingStartIds", adopted.pending_start_ids)
