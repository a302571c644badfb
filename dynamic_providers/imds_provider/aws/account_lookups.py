"""Look up what concerns a whole account: the regions that it can use.

Source: EC2 API reference, ``DescribeRegions``.
"""

from __future__ import annotations

from .ec2 import Ec2
from .requests import Requests


class AccountLookups:
    """Lookups in one account, sent to any of its regions."""

    def __init__(self, ec2: Ec2) -> None:
        self._ec2 = ec2
        self._requests = Requests(ec2)

    def enabled_regions(self) -> list[str]:
        """Return the regions that the account has enabled, or that need not be, in order: one call.

        Raises :class:`AwsError` if EC2 does not answer it.
        """
        with self._requests.translated("DescribeRegions", "the account's regions"):
            found = self._ec2.client.describe_regions(AllRegions=False)["Regions"]
        return sorted(each["RegionName"] for each in found if "RegionName" in each)
