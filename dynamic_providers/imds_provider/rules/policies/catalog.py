"""All policies of the pack, with their names, descriptions and configuration. The names are a contract with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..validation import Key
from . import declared, stacks
from .resources import DeclaredResource
from .settings import ATTACHED_COUNTS, ENDPOINT, EXCEPTIONS, MAXIMUM, MINIMUM, Settings, parse


@dataclass(frozen=True)
class Policy:
    """The name and description of a policy, and the keys of its configuration."""

    name: str
    description: str
    keys: tuple[Key, ...]

    def settings(self, given: Mapping[str, object]) -> Settings:
        """The settings in the policy's configuration. Raises :class:`InvalidInputError`."""
        return parse(self.name, self.keys, given)


@dataclass(frozen=True)
class ResourcePolicy(Policy):
    """A policy for single resources of some types. ``judge`` returns what is wrong with one, as sentences."""

    types: tuple[str, ...]
    judge: Callable[[DeclaredResource, Settings], Iterable[str]]


@dataclass(frozen=True)
class StackPolicy(Policy):
    """A policy for a stack as a whole. ``judge`` leaves out what the settings excuse."""

    judge: Callable[[Sequence[DeclaredResource], Settings], Iterable[stacks.Finding]]


RESOURCE_POLICIES: tuple[ResourcePolicy, ...] = (
    ResourcePolicy(
        "launch-requires-imdsv2",
        "What launches instances requires IMDSv2 tokens.",
        (EXCEPTIONS,),
        declared.LAUNCHING,
        declared.requires_tokens_at_launch,
    ),
    ResourcePolicy(
        "exemption-has-reason",
        "Optional tokens are an exemption and need a reason.",
        (EXCEPTIONS,),
        declared.OWN,
        declared.has_reason,
    ),
    ResourcePolicy(
        "hop-limit-in-range",
        "The hop limit of metadata responses is in the configured range.",
        (MINIMUM, MAXIMUM, EXCEPTIONS),
        (*declared.LAUNCHING, *declared.OWN),
        declared.hop_limit_in_range,
    ),
    ResourcePolicy(
        "endpoint-as-configured",
        "The metadata endpoint is as configured.",
        (ENDPOINT, EXCEPTIONS),
        (*declared.LAUNCHING, *declared.OWN),
        declared.endpoint_as_configured,
    ),
)
STACK_POLICIES: tuple[StackPolicy, ...] = (
    StackPolicy(
        "instance-requires-imdsv2",
        "Every instance of the stack requires IMDSv2 tokens.",
        (ATTACHED_COUNTS, EXCEPTIONS),
        stacks.instances_require_tokens,
    ),
    StackPolicy(
        "group-requires-imdsv2",
        "Autoscaling groups launch from what requires IMDSv2 tokens.",
        (EXCEPTIONS,),
        stacks.groups_launch_with_tokens,
    ),
)
