"""GetInstanceMetadataDefaults and ModifyInstanceMetadataDefaults: an account's defaults for launches in a region.

Sources: EC2 API reference, `InstanceMetadataDefaultsResponse`; AWS Organizations user guide, "Declarative policies".

Assumptions, where they say nothing:

- Defaults that were cleared are absent in answers. `HttpTokensEnforced` that was set to `disabled` is answered as
  `disabled`, since the response's type has that value.
- A change applies to launches at once, also while an answer still shows the previous defaults.
- The error under a declarative policy: see `errors.declarative_policy`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.metadata_options import ENFORCED, HOP_LIMIT, OPTIONS, Options
from localcloud.ec2.account_levels import CLEARED
from localcloud.ec2.request import Request

NO_PREFERENCE, NO_HOP_LIMIT = CLEARED
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    **{name: (*OPTIONS[name], NO_PREFERENCE) for name in ("HttpTokens", HOP_LIMIT, "HttpEndpoint")},
    "InstanceMetadataTags": (*OPTIONS["InstanceMetadataTags"], NO_PREFERENCE),
    ENFORCED: ("enabled", "disabled", NO_PREFERENCE),
}
"""What an account can have a default for, with the allowed values; the hop limit is 1 to 64, or -1."""


def get_defaults(request: Request) -> Answer:
    request.call.refuse_if_dry_run()
    levels, settings = request.store.account_levels, request.store.settings
    shown = levels.shown(request.scope)
    values = {name: value for name, value in shown.items() if settings.supports(request.call.region, name)}
    policy = levels.policy(request.scope)
    if policy is None:
        values["ManagedBy"] = "account"
    else:
        values |= {"ManagedBy": "declarative-policy", "ManagedExceptionMessage": policy.exception_message}
    return request.answer(f"<accountLevel>{rendering.elements(values)}</accountLevel>")


def modify_defaults(request: Request) -> Answer:
    """Defaults that the request does not name stay."""
    params, store = request.call.params, request.store
    changes = {name: params[name] for name in DEFAULTS if name in params}
    for name in changes:
        if not store.settings.supports(request.call.region, name):
            raise errors.unknown_parameter(name)
    validate(changes)
    if not changes:
        raise errors.missing_parameters(list(DEFAULTS))
    policy = store.account_levels.policy(request.scope)
    if policy is not None:
        raise errors.declarative_policy(policy.exception_message)
    request.call.refuse_if_dry_run()
    store.account_levels.change(request.scope, changes, delay=store.settings.defaults_delay)
    return request.answer("<return>true</return>")


def check_enforcement(request: Request, options: Options, attempt: str) -> None:
    """Refuse optional tokens where the account enforces IMDSv2; `attempt` completes "You can't".

    Raises:
        AWSError: UnsupportedOperation.
    """
    if request.store.account_levels.is_enforced(request.scope) and options.get("HttpTokens") == "optional":
        raise errors.tokens_enforced(attempt)


def validate(defaults: Mapping[str, str]) -> None:
    """Check each value.

    Raises:
        AWSError: InvalidParameterValue.
    """
    for name, value in defaults.items():
        if name == HOP_LIMIT:
            is_number = re.fullmatch(r"-?[0-9]+", value) is not None
            if value != NO_HOP_LIMIT and not (is_number and 1 <= int(value) <= 64):
                raise errors.invalid_value(name, value, "Expecting an integer from 1 to 64, or -1.")
        elif value not in DEFAULTS[name]:
            raise errors.invalid_value(name, value, f"Expecting one of: {', '.join(DEFAULTS[name])}.")
