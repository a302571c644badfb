"""EC2 itself: the only place that imports boto3."""

from .calls import Ec2
from .connections import Aws
from .fleet_calls import FleetCalls

__all__ = ["Aws", "Ec2", "FleetCalls"]
