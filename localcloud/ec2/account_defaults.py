"""GetInstanceMetadataDefaults and ModifyInstanceMetadataDefaults: an account's defaults for launches in a region."""

from __future__ import annotations

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.metadata_options import HOP_LIMIT, Options, validate
from localcloud.ec2.request import Request

ENFORCED = "HttpTokensEnforced"
WITH_DEFAULT = ("HttpTokens", HOP_LIMIT, "HttpEndpoint", "InstanceMetadataTags")
"""The options that an account can have a default for."""

RESET = ("no-preference", "-1")
"""Values that remove a default."""


def get_defaults(request: Request) -> Answer:
    request.call.refuse_if_dry_run()
    defaults = request.store.account_defaults.get(request.scope, {})
    level = rendering.elements({**defaults, "ManagedBy": "account"}) if defaults else ""
    return request.answer(f"<accountLevel>{level}</accountLevel>")


def modify_defaults(request: Request) -> Answer:
    """Defaults that the request does not name stay."""
    params = request.call.params
    changes = {name: params[name] for name in WITH_DEFAULT if name in params}
    validate(changes, extra=RESET)
    if ENFORCED in params:
        allowed = ("enabled", "disabled", "no-preference")
        if params[ENFORCED] not in allowed:
            raise errors.invalid_value(ENFORCED, params[ENFORCED], f"Expecting one of: {', '.join(allowed)}.")
        changes[ENFORCED] = params[ENFORCED]
    if not changes:
        raise errors.missing_parameters((*WITH_DEFAULT, ENFORCED))
    request.call.refuse_if_dry_run()
    defaults = {**request.store.account_defaults.get(request.scope, {}), **changes}
    request.store.account_defaults[request.scope] = {
        name: value for name, value in defaults.items() if value not in RESET
    }
    return request.answer("<return>true</return>")


def check_enforcement(request: Request, options: Options, attempt: str) -> None:
    """Refuse optional tokens where the account enforces IMDSv2; `attempt` completes "You can't".

    Raises:
        AWSError: UnsupportedOperation.
    """
    enforced = request.store.account_defaults.get(request.scope, {}).get(ENFORCED) == "enabled"
    if enforced and options.get("HttpTokens") == "optional":
        raise errors.tokens_enforced(attempt)
