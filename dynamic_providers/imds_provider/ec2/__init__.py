"""EC2 itself: the only place that imports boto3."""

from .calls import Ec2
from .connections import Aws

__all__ = ["Aws", "Ec2"]
