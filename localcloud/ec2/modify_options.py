"""ModifyInstanceMetadataOptions."""

from __future__ import annotations

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.api.metadata_options import OPTIONS, Options, validate, validate_combination, validate_tag_keys
from localcloud.ec2.account_defaults import check_enforcement
from localcloud.ec2.request import Request
from localcloud.ec2.store import GONE


def modify_options(request: Request) -> Answer:
    call, store = request.call, request.store
    options = requested_options(request)
    if "InstanceId" not in call.params:
        raise errors.AWSError("MissingParameter", "The request must contain the parameter InstanceId")
    instance_id = check_instance_id(call.params["InstanceId"])
    if not options:
        raise errors.missing_parameters(list(OPTIONS))
    validate(options)
    [instance] = store.require(*request.scope, [instance_id])
    if instance.state in GONE:
        raise errors.wrong_state(instance_id, instance.state, "modified")
    if instance_id in store.operators:
        # EKS Auto Mode denies changes in a policy of the instance: github.com/aws/eks-node-monitoring-agent, pull 151.
        arn = f"arn:aws:ec2:{call.region}:{call.account}:instance/{instance_id}"
        reason = "with an explicit deny in a resource-based policy"
        raise errors.unauthorized(call.action, call.caller_arn, resource=arn, reason=reason)
    if "HttpTokens" not in options and store.settings.tokens_when_unnamed == "optional":
        options = {**options, "HttpTokens": "optional"}
    check_enforcement(request, options, "enable IMDSv1 on this instance")
    validate_combination(options, {**store.history(instance).latest.values, **options})
    if options.get("InstanceMetadataTags") == "enabled":
        validate_tag_keys(store.tags(instance))
    call.refuse_if_dry_run()
    snapshot = store.modify(instance, options)
    return request.answer(
        f"<instanceId>{instance_id}</instanceId><instanceMetadataOptions>"
        f"{request.options_xml(snapshot, store.clock.now())}</instanceMetadataOptions>"
    )


def requested_options(request: Request, prefix: str = "") -> Options:
    """The options in a request; `prefix` is `MetadataOptions.` for a launch.

    Raises:
        AWSError: UnknownParameter for an option that the region does not support.
    """
    call, settings = request.call, request.store.settings
    options = {name: call.params[prefix + name] for name in OPTIONS if prefix + name in call.params}
    for name in options:
        if not settings.supports(call.region, name):
            raise errors.unknown_parameter(name)
    return options
