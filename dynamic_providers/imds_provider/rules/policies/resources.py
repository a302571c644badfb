"""A resource as the engine shows it to a policy pack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from ..launch_defaults import LAUNCHERS, METADATA_OPTIONS
from ..resource_state import ALLOW_DOWNGRADE


class Unknown(Enum):
    """The type of ``UNKNOWN``."""

    VALUE = "unknown"


UNKNOWN: Final = Unknown.VALUE
"""The value of a property that only the run knows, in a preview."""

INSTANCE: Final = "aws:ec2/instance:Instance"
SPOT_REQUEST: Final = "aws:ec2/spotInstanceRequest:SpotInstanceRequest"
TEMPLATE: Final = "aws:ec2/launchTemplate:LaunchTemplate"
CONFIGURATION: Final = "aws:ec2/launchConfiguration:LaunchConfiguration"
GROUP: Final = "aws:autoscaling/group:Group"
INSTANCE_OPTIONS: Final = "pulumi-python:dynamic/imds:InstanceMetadataOptions"
ACCOUNT_DEFAULTS: Final = "pulumi-python:dynamic/imds:AccountMetadataDefaults"

_LABELS: Mapping[str, str] = {
    **{type_: launcher.label for type_, launcher in LAUNCHERS.items()},
    GROUP: "aws.autoscaling.Group",
    INSTANCE_OPTIONS: "InstanceMetadataOptions",
    ACCOUNT_DEFAULTS: "AccountMetadataDefaults",
}


@dataclass(frozen=True)
class DeclaredResource:
    """A resource of a stack: its inputs before it is created, or its outputs once the whole stack is judged.

    ``dependencies`` has, by property, the URNs of the resources that the property's value comes from.
    """

    type: str
    name: str
    urn: str
    properties: Mapping[str, object]
    dependencies: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{_LABELS.get(self.type, self.type)} {self.name}"

    def option(self, name: str) -> object:
        """The value of a metadata option: None if it is not set, ``UNKNOWN`` if only the run knows it."""
        options: object = self.properties
        if self.type in LAUNCHERS:
            options = self.properties.get(METADATA_OPTIONS)
        if options is UNKNOWN:
            return UNKNOWN
        return options.get(name) if isinstance(options, Mapping) else None

    @property
    def reason(self) -> object:
        """The reason that a resource of this project gives for being looser."""
        return self.properties.get(ALLOW_DOWNGRADE)

    @property
    def aws_id(self) -> str:
        """The ID that AWS gave it, such as ``i-…``; empty if it is not known. Outputs have it in the ARN."""
        arn = self.properties.get("arn")
        return arn.rpartition("/")[2] if isinstance(arn, str) else ""
