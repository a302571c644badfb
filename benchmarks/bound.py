"""Timing of the embedded EC2, and the shortest time in which a run can be done."""

from __future__ import annotations

from dataclasses import dataclass

REGION = "eu-west-1"
MODIFY, DESCRIBE = "ModifyInstanceMetadataOptions", "DescribeInstances"


@dataclass(frozen=True)
class Ec2Timing:
    """Latencies of the embedded EC2 in seconds, and the token bucket of ModifyInstanceMetadataOptions."""

    modify_seconds: float = 0.12
    describe_seconds: float = 0.08
    pending_seconds: float = 1.5
    modify_capacity: float = 100
    modify_refill_per_second: float = 5


def lower_bound(modifications: int, timing: Ec2Timing) -> float:
    """Seconds until the last of these modifications can be seen as applied, if everything else took no time."""
    if not modifications:
        return 0.0
    throttle = max(0.0, modifications - timing.modify_capacity) / timing.modify_refill_per_second
    return throttle + timing.modify_seconds + timing.pending_seconds + timing.describe_seconds
