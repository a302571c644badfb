"""Read and modify an account's defaults for the metadata options of new instances in a region.

Sources: EC2 API reference, ``GetInstanceMetadataDefaults`` and ``ModifyInstanceMetadataDefaults``.
"""

from __future__ import annotations

from ..rules.account_defaults import AccountDefaults, from_ec2
from ..rules.options import Options
from ..waiting.clock import Deadline
from .ec2 import Ec2

SUBJECT = "account defaults"


class AccountDefaultsApi:
    """The defaults in one account and region."""

    def __init__(self, ec2: Ec2) -> None:
        self.region = ec2.region
        self._ec2 = ec2

    def read(self, deadline: Deadline) -> AccountDefaults:
        """Read the defaults that are in force.

        Raises:
            OutcomeUnknownError: there was no usable answer.
            DeadlinePassedError: nothing was sent, for lack of time.
            AwsError: EC2 refused the call.
        """
        answer = self._ec2.send(
            "GetInstanceMetadataDefaults", SUBJECT, self._ec2.client.get_instance_metadata_defaults, deadline
        )
        return from_ec2(answer.get("AccountLevel", {}))

    def modify(self, parameters: Options, deadline: Deadline) -> None:
        """Modify the defaults that are in ``parameters``, those of ``ModifyInstanceMetadataDefaults``.

        Raises as :meth:`read` does; after an :class:`OutcomeUnknownError` the defaults may have been modified.
        """
        self._ec2.send(
            "ModifyInstanceMetadataDefaults",
            SUBJECT,
            lambda: self._ec2.client.modify_instance_metadata_defaults(**parameters),  # type: ignore[arg-type]  # made by default_parameters
            deadline,
        )
