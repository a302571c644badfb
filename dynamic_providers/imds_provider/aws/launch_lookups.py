"""Look up what launches instances in a region: autoscaling groups, their templates, configurations and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .ec2 import Ec2
from .requests import Requests

if TYPE_CHECKING:
    from mypy_boto3_autoscaling.client import AutoScalingClient


class LaunchLookups:
    """Lookups in one account and region. Each raises :class:`AwsError` if AWS does not answer them."""

    def __init__(self, ec2: Ec2, connect_autoscaling: Callable[[], AutoScalingClient]) -> None:
        self.region = ec2.region
        self._ec2 = ec2
        self._requests = Requests(ec2)
        self._connect_autoscaling = connect_autoscaling
