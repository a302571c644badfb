"""Explicit AWS providers (``opts.provider``, ``opts.providers``) are refused.

Pulumi's own provider for Python carries out dynamic resources, and does not see the AWS provider that a program has
chosen. Using the account and region of the stack instead would act where the user did not intend to.
"""

from __future__ import annotations

import pulumi

from .errors import ProgramError

_TYPES = ("aws:ec2/instance:Instance", "aws-native:ec2:Instance")
"""A resource type of each provider that determines the account and region."""


def refuse_explicit_provider(subject: str, opts: pulumi.ResourceOptions | None) -> None:
    """Refuse an AWS provider that a resource with these options would have, of its own or from its parent.

    ``subject`` begins the error, as in ``InstanceMetadata web``. Pass options with a component as the parent, once it
    exists, to find providers that transformations have added to it. Raises :class:`ProgramError`.
    """
    provider = _explicit_provider(opts or pulumi.ResourceOptions())
    if provider is not None:
        raise ProgramError(
            f"{subject}: the AWS provider {provider.pulumi_resource_name} has no effect here, since its resources use "
            "the stack's `aws:` configuration: for another region give `region=` (`regions=` for a fleet), for another "
            "account use a stack (or an inline program) whose `aws:` configuration names it, and pass neither this "
            "provider nor a parent that has it."
        )


def _explicit_provider(opts: pulumi.ResourceOptions) -> pulumi.ProviderResource | None:
    several = opts.providers or ()
    own = [*(several.values() if hasattr(several, "values") else several)]
    if opts.provider is not None:
        own.append(opts.provider)
    for kind in _TYPES:
        package = kind.partition(":")[0]
        found = next((each for each in own if each.package == package), None)
        found = found or (opts.parent.get_provider(kind) if opts.parent is not None else None)
        if found is not None:
            return found
    return None
