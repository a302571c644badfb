"""Attach to N instances: `together`, as the component does, or each waiting by itself."""

import pulumi

from imds_components import InstanceMetadata
from imds_provider import InstanceMetadataOptions

config = pulumi.Config()
ids = config.require_object("ids")
if config.require_bool("together"):
    InstanceMetadata("fleet", instances=ids, http_tokens="required")
else:
    for each in ids:
        InstanceMetadataOptions(each, instance_id=each, http_tokens="required")
