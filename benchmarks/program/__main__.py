"""Attach options to N instances: with one barrier (`together`), or with one wait per instance."""

import pulumi

from imds_components import InstanceMetadata
from imds_provider import InstanceMetadataOptions

config = pulumi.Config()
ids = config.require_object("ids")
hop_limit = config.get_int("hopLimit")
if config.require_bool("together"):
    InstanceMetadata("fleet", instances=ids, http_tokens="required", http_put_response_hop_limit=hop_limit)
else:
    for each in ids:
        InstanceMetadataOptions(each, instance_id=each, http_tokens="required", http_put_response_hop_limit=hop_limit)
