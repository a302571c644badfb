"""Reusable Pulumi components for the instance metadata options of EC2 instances."""

from .exemptions import Exemption
from .fleet_metadata import FleetMetadata
from .instance_metadata import InstanceMetadata
from .readiness import Readiness
from .waves import Rollout

__all__ = ["Exemption", "FleetMetadata", "InstanceMetadata", "Readiness", "Rollout"]
