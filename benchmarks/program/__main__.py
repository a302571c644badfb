"""Attach to N instances: `together`, as the component does, or each waiting by itself. A hop limit may be left out."""

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
