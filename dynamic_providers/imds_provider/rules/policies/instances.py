"""The policy that every instance of a stack requires tokens. It judges the stack as a whole, after its resources.

What a preview does not know counts as not required: once the run knows it, the instance has been launched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..loosening import is_reason
from ..options import HTTP_TOKENS
from ..resource_state import INSTANCE_ID
from .resources import INSTANCE, INSTANCE_OPTIONS, SPOT_REQUEST, DeclaredResource
from .settings import Settings


class Finding(NamedTuple):
    """What is wrong with a resource of the stack."""

    urn: str
    message: str


def require_tokens(resources: Sequence[DeclaredResource], settings: Settings) -> Iterator[Finding]:
    """Every instance requires tokens itself, or a resource of this project in the same stack brings it to them."""
    attached = [each for each in resources if each.type == INSTANCE_OPTIONS]
    for resource in resources:
        if resource.type not in (INSTANCE, SPOT_REQUEST) or settings.excuse(resource) is not None:
            continue
        if resource.type == INSTANCE and resource.option(HTTP_TOKENS) == "required":
            continue
        rows = [each for each in attached if _is_attached(each, resource)]
        if any(_is_exempt(each) for each in rows):
            continue
        if settings.attached_counts and any(each.option(HTTP_TOKENS) == "required" for each in rows):
            continue
        yield Finding(resource.urn, _message(resource, settings))


def _is_attached(row: DeclaredResource, instance: DeclaredResource) -> bool:
    """Whether the resource manages the instance: by its ID, or by where a preview takes an unknown ID from."""
    instance_id = row.properties.get(INSTANCE_ID)
    known = (instance.aws_id, instance.properties.get("spotInstanceId"))
    return instance.urn in row.dependencies.get(INSTANCE_ID, ()) or (
        isinstance(instance_id, str) and instance_id != "" and instance_id in known
    )


def _is_exempt(row: DeclaredResource) -> bool:
    """Whether optional tokens are wanted, with a recorded reason."""
    return row.option(HTTP_TOKENS) == "optional" and is_reason(row.reason)


def _message(resource: DeclaredResource, settings: Settings) -> str:
    if resource.type == SPOT_REQUEST:
        attach = ", or attach InstanceMetadata to its spot_instance_id" if settings.attached_counts else ""
        return (
            f"{resource} starts an instance without metadata options, since EC2 takes none with it: use an "
            f"aws.ec2.Instance with instance_market_options{attach}."
        )
    attach = ", or attach InstanceMetadata to it" if settings.attached_counts else ""
    return (
        f'{resource} does not require tokens, so IMDSv1 calls may be answered: set http_tokens="required" in its '
        f"metadata_options, or call launch_defaults() before the first resource{attach}."
    )
