"""Options of a program as EC2 spells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from imds_provider.rules.options import OPTIONS
from localcloud.ec2.instances import MetadataOptions


def to_ec2(bag: Mapping[str, object]) -> MetadataOptions:
    """The options in a property bag, by EC2's names for them."""
    options = {option.ec2_name: bag[option.name] for option in OPTIONS if option.name in bag}
    return cast("MetadataOptions", options)  # its keys are the names in OPTIONS
