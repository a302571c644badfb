"""What launches use, in the JSON of the control endpoint: images, SSM parameters that name them, launch templates."""

from __future__ import annotations

import re
from typing import TypedDict

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from localcloud.api.errors import AWSError
from localcloud.api.metadata_options import HOP_LIMIT, validate
from localcloud.ec2 import images
from localcloud.ec2.account_levels import Scope
from localcloud.ec2.fields import checked
from localcloud.ec2.instances import MetadataOptions, options_to_wire
from localcloud.ec2.store import InstanceStore


class Placed(TypedDict, total=False):
    """Where a seed is.

    Attributes:
        region: `us-east-1` by default.
        account: 123456789012, moto's, by default.
    """

    region: str
    account: str


class _WithId(TypedDict):
    id: str


class ImageSeed(_WithId, Placed, total=False):
    """An image. A seed with the ID of an existing one replaces it.

    Attributes:
        name: the ID by default.
        imds_support: `v2.0`: launches require tokens, with a hop limit of 2. By default, the image decides nothing.
    """

    name: str
    imds_support: str


class _Parameter(TypedDict):
    name: str
    image: str


class ParameterSeed(_Parameter, Placed, total=False):
    """An SSM parameter whose value is an image ID. Templates use it as `resolve:ssm:` and its name."""


class VersionSeed(TypedDict, total=False):
    """A version of a launch template.

    Attributes:
        image: an ID, or `resolve:ssm:` and the name of a parameter; none by default.
        options: no metadata options by default.
    """

    image: str
    instance_type: str
    options: MetadataOptions


class _WithName(TypedDict):
    name: str


class TemplateSeed(_WithName, Placed, total=False):
    """A launch template.

    Attributes:
        id: `lt-` and 17 hex digits; one of moto's by default.
        versions: from number 1 on; one empty version by default.
        default: the number of the default version; 1 by default.
    """

    id: str
    versions: list[VersionSeed]
    default: int


def scope_of(seed: Placed) -> Scope:
    return seed.get("account", DEFAULT_ACCOUNT_ID), seed.get("region", "us-east-1")


def seed_image(_store: InstanceStore, value: object) -> None:
    """Add an image.

    Raises:
        ValueError: the seed is invalid.
    """
    seed = checked(ImageSeed, value, "image")
    support = seed.get("imds_support")
    if support not in (None, images.V2):
        raise ValueError(f"{seed['id']}: imds_support must be {images.V2}, not {support!r}")
    images.add_image(scope_of(seed), seed["id"], name=seed.get("name", seed["id"]), imds_support=support)


def seed_parameter(store: InstanceStore, value: object) -> None:
    """Add an SSM parameter, or change its value.

    Raises:
        ValueError: the seed is invalid.
    """
    seed = checked(ParameterSeed, value, "parameter")
    account, region = scope_of(seed)
    store.parameters[account, region, seed["name"]] = seed["image"]


def seed_template(_store: InstanceStore, value: object) -> str:
    """Add a launch template and return its ID.

    Raises:
        ValueError: the seed is invalid, or its name or ID is taken.
    """
    seed = checked(TemplateSeed, value, "launch template")
    name, versions = seed["name"], seed.get("versions") or [VersionSeed()]
    account, region = scope_of(seed)
    backend = ec2_backends[account][region]
    if name in backend.launch_template_name_to_ids or seed.get("id") in backend.launch_templates:
        raise ValueError(f"{name}: a launch template with this name or ID already exists")
    if not re.fullmatch(r"lt-[0-9a-f]{17}", seed.get("id", f"lt-{0:017x}")):
        raise ValueError(f"{name}: id must be lt- and 17 hex digits, not {seed['id']!r}")
    if not 1 <= seed.get("default", 1) <= len(versions):
        raise ValueError(f"{name}: default must be the number of a version, not {seed['default']}")
    data = [_version_data(name, each) for each in versions]
    template = backend.create_launch_template(name, "", data[0], {})
    for each in data[1:]:
        template.create_version(each, "")
    template.default_version_number = seed.get("default", 1)
    if "id" in seed:
        del backend.launch_templates[template.id]
        template.id = seed["id"]
        backend.launch_templates[template.id] = template
        backend.launch_template_name_to_ids[name] = template.id
    return template.id


def checked_options(name: str, options: MetadataOptions) -> dict[str, object]:
    """Return valid metadata options as moto keeps them.

    Raises:
        ValueError: naming what they belong to and the error.
    """
    wire = options_to_wire({**options})
    try:
        validate(wire)
    except AWSError as error:
        raise ValueError(f"{name}: {error.message}") from None
    return {option: int(value) if option == HOP_LIMIT else value for option, value in wire.items()}


def _version_data(name: str, seed: VersionSeed) -> dict[str, object]:
    data: dict[str, object] = {}
    if "image" in seed:
        data["ImageId"] = seed["image"]
    if "instance_type" in seed:
        data["InstanceType"] = seed["instance_type"]
    if "options" in seed:
        data["MetadataOptions"] = checked_options(name, seed["options"])
    return data
