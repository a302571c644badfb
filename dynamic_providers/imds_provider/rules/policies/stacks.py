"""Policies for a stack as a whole, which are judged after its resources.

What a preview does not know counts as not required: once the run knows it, the instance has been launched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..loosening import is_reason
from ..options import HTTP_TOKENS
from ..resource_state import INSTANCE_ID
from .launches import launch_problems, launch_references
from .resources import GROUP, INSTANCE, INSTANCE_OPTIONS, SPOT_REQUEST, UNKNOWN, DeclaredResource
from .settings import Settings


class Finding(NamedTuple):
    """What is wrong with a resource of the stack."""

    urn: str
    message: str


def instances_require_tokens(resources: Sequence[DeclaredResource], settings: Settings) -> Iterator[Finding]:
    """Every instance launches with required tokens, or a resource of this project in the same stack brings it there."""
    attached = [each for each in resources if each.type == INSTANCE_OPTIONS]
    for resource in resources:
        if resource.type not in (INSTANCE, SPOT_REQUEST) or settings.excuse(resource) is not None:
            continue
        if resource.type == INSTANCE and _launches_with_tokens(resource, resources):
            continue
        rows = [each for each in attached if _is_attached(each, resource)]
        if any(_is_exempt(each) for each in rows):
            continue
        if settings.attached_counts and any(each.option(HTTP_TOKENS) == "required" for each in rows):
            continue
        yield Finding(resource.urn, _message(resource, settings))


def groups_launch_with_tokens(resources: Sequence[DeclaredResource], settings: Settings) -> Iterator[Finding]:
    """Every group launches from templates and configurations of the stack that require tokens."""
    for group in resources:
        if group.type == GROUP and settings.excuse(group) is None:
            problems = [
                message
                for reference in launch_references(group)
                for message in launch_problems(group, reference, resources)
            ]
            yield from (Finding(group.urn, message) for message in dict.fromkeys(problems))


def _launches_with_tokens(instance: DeclaredResource, resources: Sequence[DeclaredResource]) -> bool:
    """Whether the instance requires tokens: by its own options or, where it sets none, by its launch template."""
    tokens = instance.option(HTTP_TOKENS)
    if tokens not in (None, UNKNOWN):
        return tokens == "required"
    references = list(launch_references(instance))
    return references != [] and not any(
        problem for each in references for problem in launch_problems(instance, each, resources)
    )


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
