"""DescribeImages and RegisterImage, over moto's images. Instances can be launched from any other ID too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from moto.ec2.exceptions import FilterNotImplementedError
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.ec2 import filters, pages
from localcloud.ec2.account_levels import Scope
from localcloud.ec2.request import Request

V2 = "v2.0"
"""The only value of `ImdsSupport`."""

SIZES: pages.Sizes = (1, 1000)
_ID = re.compile(r"ami-[0-9a-z]+")


def describe_images(request: Request) -> Answer:
    """Images by ID, of which each must exist, and by filters. Other parameters do what they do in moto."""
    call = request.call
    size = pages.page_size(call, SIZES)
    matches = filters.predicate(call.filters, _getter)
    call.refuse_if_dry_run()
    account, region = request.scope
    found = ec2_backends[account][region].describe_images(
        owners=call.list_param("Owner"), exec_users=call.list_param("ExecutableBy")
    )
    images: Mapping[str, Ami] = {each.id: each for each in found}
    if ids := call.list_param("ImageId"):
        images = _named(images, ids)
    selected = ((key, each) for key, each in pages.after_token(call.params.get("NextToken"), images) if matches(each))
    page, token = pages.page(selected, size)
    return request.serialized({"Images": page, "NextToken": token})


def register_image(request: Request) -> Answer:
    """Have moto register the image, and keep its `ImdsSupport`."""
    support = request.call.params.get("ImdsSupport")
    if support not in (None, V2):
        raise errors.invalid_value("imdsSupport", support, f"Expecting {V2}.")
    answer = request.forward()
    image_id = re.search(rb"<imageId>([^<]+)</imageId>", answer.body)
    if image_id and support:
        set_imds_support(find_image(request.scope, image_id[1].decode()), support)
    return answer


def add_image(scope: Scope, image_id: str, *, name: str, imds_support: str | None) -> None:
    """Add an image of the account, or replace it."""
    account, region = scope
    backend = ec2_backends[account][region]
    image = Ami(
        backend,
        image_id,
        name=name,
        architecture="x86_64",
        hypervisor="xen",
        image_location=f"{account}/{name}",
        region_name=f"{region}a",
        root_device_type="ebs",
        virtualization_type="hvm",
    )
    set_imds_support(image, imds_support)
    backend.amis[image_id] = image


def find_image(scope: Scope, image_id: str) -> Ami:
    account, region = scope
    return ec2_backends[account][region].amis[image_id]


def set_imds_support(image: Ami, value: str | None) -> None:
    image.imds_support = value  # type: ignore[attr-defined]  # which moto's image lacks; the store reads it at launches


def _named(images: Mapping[str, Ami], ids: Sequence[str]) -> dict[str, Ami]:
    """The images with these IDs.

    Raises:
        AWSError: InvalidAMIID.Malformed, or InvalidAMIID.NotFound if one of them does not exist.
    """
    if malformed := [each for each in ids if not _ID.fullmatch(each)]:
        raise errors.AWSError("InvalidAMIID.Malformed", f'Invalid id: "{malformed[0]}" (expecting "ami-...")')
    if missing := [each for each in ids if each not in images]:
        noun, verb = ("id", "does") if len(missing) == 1 else ("ids", "do")
        message = f"The image {noun} '[{', '.join(missing)}]' {verb} not exist"
        raise errors.AWSError("InvalidAMIID.NotFound", message)
    return {each: images[each] for each in ids}


def _getter(name: str) -> filters.Getter[Ami]:
    def values(image: Ami) -> Sequence[str]:
        try:
            return tuple(filters.strings(image.get_filter_value(name)))
        except FilterNotImplementedError:
            raise errors.invalid_filter(name) from None

    return values
