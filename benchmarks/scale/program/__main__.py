"""A fleet of all instances in one wave or, with `idle`, that number of dynamic resources that do nothing."""

import pulumi

from benchmarks.scale.idle import Idle
from imds_components import FleetMetadata, Readiness, Rollout

config = pulumi.Config()
if idle := config.get_int("idle"):
    for number in range(idle):
        Idle(f"i-{number:017x}")
else:
    FleetMetadata(
        "fleet",
        select={"instance-id": ["i-*"]},
        http_tokens="required",
        readiness=Readiness(unknown="ignore"),
        rollout=Rollout(waves=["100%"]),
        timeout_seconds=600,
    )
