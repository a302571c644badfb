"""Reusable Pulumi components for the instance metadata options of EC2 instances."""

from imds_provider.readiness import Readiness

from .exemptions import Exemption
from .fleet_metadata import FleetMetadata
from .instance_metadata import InstanceMetadata
from .waves import Rollout

__all__ = ["Exemption", "FleetMetadata", "InstanceMetadata", "Readiness", "Rollout"]
