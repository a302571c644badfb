"""The policy pack: the policies of ``imds_provider.rules.policies``, as Pulumi's policy SDK takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from imds_provider.rules.policies import catalog
from imds_provider.rules.policies.resources import UNKNOWN, DeclaredResource

NAME = "imds"


def plain(value: object) -> object:
    """A value of the SDK as the rules take it, with ``UNKNOWN`` where a preview knows none."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: _plain_item(value, key) for key in value}
    if isinstance(value, Sequence):
        return [_plain_item(value, position) for position in range(len(value))]
    return value


def _plain_item(container: Any, key: object) -> object:  # noqa: ANN401  # a mapping or a sequence of the SDK
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def declared(given: ResourceValidationArgs | PolicyResource) -> DeclaredResource:
    """A resource of the SDK as the rules take it."""
    sources = getattr(given, "property_dependencies", {})
    return DeclaredResource(
        type=given.resource_type,
        name=given.name,
        urn=given.urn,
        properties={key: _plain_item(given.props, key) for key in given.props},
        dependencies={key: [each.urn for each in found] for key, found in sources.items()},
    )


def schema(policy: catalog.Policy) -> PolicyConfigSchema:
    """The JSON Schema of a policy's configuration, which is that of its rules."""
    return PolicyConfigSchema(properties={key.name: dict(key.schema) for key in policy.keys})


def for_resources(policy: catalog.ResourcePolicy) -> Policy:
    """A policy for single resources. A configuration that is not allowed fails whatever the first resource is."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        settings = policy.settings(args.get_config())
        if args.resource_type not in policy.types:
            return
        resource = declared(args)
        if reason := settings.excuse(resource):
            args.not_applicable(f"exception: {reason}")
        for message in policy.judge(resource, settings):
            report(message)

    return ResourceValidationPolicy(policy.name, policy.description, validate, config_schema=schema(policy))


def for_stacks(policy: catalog.StackPolicy) -> Policy:
    """A policy for the stack as a whole."""

    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        settings = policy.settings(args.get_config())
        for found in policy.judge([declared(each) for each in args.resources], settings):
            report(found.message, found.urn)

    return StackValidationPolicy(policy.name, policy.description, validate, config_schema=schema(policy))


PolicyPack(
    NAME,
    [*map(for_resources, catalog.RESOURCE_POLICIES), *map(for_stacks, catalog.STACK_POLICIES)],
    enforcement_level=EnforcementLevel.MANDATORY,
)
