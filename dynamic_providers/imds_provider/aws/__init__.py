"""Access to AWS: settings, sessions, EC2 and CloudWatch, batched and rate-limited.

The only folder that imports boto3 and botocore. It does not import Pulumi.
"""

from .account_defaults import AccountDefaultsApi
from .ec2 import Ec2
from .fleet_lookups import FleetLookups
from .organization import Organization
from .sessions import Aws

__all__ = ["AccountDefaultsApi", "Aws", "Ec2", "FleetLookups", "Organization"]
