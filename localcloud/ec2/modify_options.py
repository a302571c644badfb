"""ModifyInstanceMetadataOptions, and the account's defaults for the options of launches."""

from __future__ import annotations

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.api.metadata_options import (
    HOP_LIMIT,
    OPTIONS,
    Options,
    validate,
    validate_tag_keys,
    validate_together,
)
from localcloud.ec2.request import Request
from localcloud.ec2.store import GONE

DEFAULTED = ("HttpTokens", HOP_LIMIT, "HttpEndpoint", "InstanceMetadataTags")
"""The options that have an account default."""
ENFORCED = "HttpTokensEnforced"


def modify_options(request: Request) -> Answer:
    call, world = request.call, request.world
    given = given_options(request)
    if "InstanceId" not in call.params:
        raise errors.missing_parameter("InstanceId")
    instance_id = check_instance_id(call.params["InstanceId"])
    if not given:
        raise errors.EC2Error(
            "MissingParameter", f"The request must contain at least one of the parameters {', '.join(OPTIONS)}"
        )
    validate(given)
    [instance] = world.require(*request.place, [instance_id])
    if instance.state in GONE:
        raise errors.wrong_state(instance_id, instance.state, "modified")
    if "HttpTokens" not in given and world.settings.tokens_when_unnamed == "optional":
        given = {**given, "HttpTokens": "optional"}
    check_enforcement(request, given, "enable IMDSv1 on this instance")
    validate_together(given, {**world.record(instance).latest.values, **given})
    if given.get("InstanceMetadataTags") == "enabled":
        validate_tag_keys(world.tags(instance))
    call.refuse_if_dry_run()
    snapshot = world.modified(instance, given)
    inner = (
        f"<instanceId>{instance_id}</instanceId><instanceMetadataOptions>"
        f"{request.options_xml(snapshot, world.clock.now())}</instanceMetadataOptions>"
    )
    return Answer(200, rendering.answer(call.action, request.request_id, inner).encode())


def given_options(request: Request, prefix: str = "") -> Options:
    """The options that a request names; `prefix` is `MetadataOptions.` in a launch.

    Raises:
        EC2Error: UnknownParameter for one that the region does not know.
    """
    call, settings = request.call, request.world.settings
    given = {name: call.params[prefix + name] for name in OPTIONS if prefix + name in call.params}
    for name in given:
        if not settings.knows(call.region, name):
            raise errors.unknown_parameter(name)
    return given


def check_enforcement(request: Request, options: Options, doing: str) -> None:
    """Refuse optional tokens where the account demands them.

    Raises:
        EC2Error: UnsupportedOperation.
    """
    demanded = request.world.account_defaults.get(request.place, {}).get(ENFORCED) == "enabled"
    if demanded and options.get("HttpTokens") == "optional":
        raise errors.tokens_enforced(doing)


def get_defaults(request: Request) -> Answer:
    request.call.refuse_if_dry_run()
    chosen = request.world.account_defaults.get(request.place, {})
    level = rendering.elements({**chosen, "ManagedBy": "account"}) if chosen else ""
    inner = f"<accountLevel>{level}</accountLevel>"
    return Answer(200, rendering.answer(request.call.action, request.request_id, inner).encode())


def modify_defaults(request: Request) -> Answer:
    """What is not named stays; `no-preference` and -1 take a default back."""
    params = request.call.params
    given = {name: params[name] for name in DEFAULTED if name in params}
    validate(given, extra=("no-preference", "-1"))
    if ENFORCED in params:
        allowed = ("enabled", "disabled", "no-preference")
        if params[ENFORCED] not in allowed:
            raise errors.invalid_value(ENFORCED, params[ENFORCED], f"Expecting one of: {', '.join(allowed)}.")
        given[ENFORCED] = params[ENFORCED]
    if not given:
        raise errors.EC2Error(
            "MissingParameter",
            f"The request must contain at least one of the parameters {', '.join((*DEFAULTED, ENFORCED))}",
        )
    request.call.refuse_if_dry_run()
    chosen = {**request.world.account_defaults.get(request.place, {}), **given}
    request.world.account_defaults[request.place] = {
        name: value for name, value in chosen.items() if value not in ("no-preference", "-1")
    }
    return Answer(200, rendering.answer(request.call.action, request.request_id, "<return>true</return>").encode())
