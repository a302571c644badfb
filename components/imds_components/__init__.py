"""Reusable Pulumi components for the instance metadata options of EC2 instances.

They run in the user's program: survey the live instances, decide what a run does, and register resources of
``imds_provider``. They never change an instance themselves.
"""

from imds_provider.rules.enforcement import EnforcementReadiness
from imds_provider.rules.readiness import Readiness

from .account.component import AccountMetadata
from .fleet.component import FleetMetadata
from .fleet.exemptions import Exemption
from .fleet.waves import Rollout
from .instance_metadata import InstanceMetadata
from .launching import launch_defaults

__all__ = [
    "AccountMetadata",
    "EnforcementReadiness",
    "Exemption",
    "FleetMetadata",
    "InstanceMetadata",
    "Readiness",
    "Rollout",
    "launch_defaults",
]
