"""Every kind of resource and output: what a release writes of it into a state, later ones must be content with."""

import pulumi

from imds_components import AccountMetadata, Exemption, FleetMetadata, InstanceMetadata, Readiness, Rollout
from imds_provider import AccountMetadataDefaults, InstanceMetadataOptions, MetadataOptionsApplied

config = pulumi.Config()
ids = config.require_object("ids")

# Several, one of them stopped, in the region of the stack; the hop limit is updated.
fleet = InstanceMetadata(
    "fleet",
    instances={name: ids[name] for name in ("web", "api", "nightly")},
    http_tokens="required",
    http_put_response_hop_limit=config.require_int("hopLimit"),
    allow_downgrade="the way back is planned",
)
# One, in pulumi-aws's words, in a region of its own, and put back in the end.
vault = InstanceMetadata(
    "vault",
    instances=ids["vault"],
    metadata_options={"http_tokens": "required", "http_endpoint": "disabled"},
    region="us-east-1",
    on_destroy="restore",
    timeout_seconds=90.5,
)
# Without a component: one that waits for itself, with every option set, and one that a barrier waits for.
alone = InstanceMetadataOptions(
    "alone",
    instance_id=ids["alone"],
    http_tokens="required",
    http_put_response_hop_limit=2,
    http_endpoint="enabled",
    http_protocol_ipv6="enabled",
    instance_metadata_tags="enabled",
    on_destroy="restore",
)
quick = InstanceMetadataOptions("quick", instance_id=ids["quick"], http_tokens="required", wait=False)
barrier = MetadataOptionsApplied("quick", targets={"quick": quick.target}, timeout_seconds=60)
# A fleet in two waves, one of which is empty in its region, with an instance that is let off and one that is stopped.
crew = FleetMetadata(
    "crew",
    select={"tag:Team": ["crew"]},
    http_tokens="required",
    exemptions=[Exemption(ids["let-off"], "is replaced soon", "9999-12-31", http_put_response_hop_limit=2)],
    readiness=Readiness(legacy_calls="off"),
    rollout=Rollout(waves=[1, "100%"], soak_minutes=0),
    regions=["eu-west-1", "us-east-1"],
    on_destroy="restore",
)
# The account's defaults in two regions, one of them directly and put back in the end.
account = AccountMetadata(
    "account", http_tokens="required", http_put_response_hop_limit=2, regions=["eu-west-1"], allow_downgrade="planned"
)
defaults = AccountMetadataDefaults(
    "defaults",
    http_tokens="required",
    http_put_response_hop_limit=-1,
    http_endpoint="enabled",
    instance_metadata_tags="disabled",
    http_tokens_enforced="no-preference",
    region="us-east-1",
    on_destroy="restore",
)

pulumi.export("options", fleet.options)
pulumi.export("appliedIds", fleet.applied_ids)
pulumi.export("pendingStartIds", fleet.pending_start_ids)
pulumi.export("vault", {"options": vault.options, "appliedIds": vault.applied_ids})
pulumi.export("alone", {"state": alone.state, "previous": alone.previous, "target": alone.target})
pulumi.export("quick", barrier.applied_ids)
pulumi.export("crew", crew.report)
pulumi.export("account", account.report)
