"""The one rule about explicit AWS providers (``opts.provider``, ``opts.providers``): they are refused.

A dynamic resource is carried out by Pulumi's own provider for Python, which never gets to see the AWS provider that a
program has chosen. To act in the account and region of the stack all the same would be to act where nobody meant to.
"""

from __future__ import annotations

import pulumi

from .errors import ProgramError

_TYPES = ("aws:ec2/instance:Instance", "aws-native:ec2:Instance")
"""A resource of each provider that says in which account something is done."""


def refuse_explicit_provider(subject: str, opts: pulumi.ResourceOptions | None) -> None:
    """Refuse an AWS provider that a resource with these options would have, of its own or from its parent.

    ``subject`` is such as ``InstanceMetadata web``. For a component that has been made, options with it as the parent
    find what transformations have added as well. Raises :class:`ProgramError` with one sentence.
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
