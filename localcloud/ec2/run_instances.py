"""RunInstances: launched by moto, with metadata options and idempotency."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.sax.saxutils import escape

from localcloud.api import rendering
from localcloud.api.answer import Answer
from localcloud.api.metadata_options import validate, validate_combination, validate_tag_keys
from localcloud.api.moto_proxy import with_request_id
from localcloud.ec2 import templates
from localcloud.ec2.account_defaults import check_enforcement
from localcloud.ec2.modify_options import requested_options
from localcloud.ec2.request import Request

TEMPLATE = "LaunchTemplate."


def run_instances(request: Request) -> Answer:
    """Launch once per client token.

    Options come from the request, then its launch template, the account's defaults, the image, and EC2's defaults.
    """
    store, params = request.store, request.call.params
    launch = (*request.scope, params.get("ClientToken", request.request_id))
    if launch in store.launches:
        return with_request_id(store.launches[launch], request.request_id)
    requested = requested_options(request, "MetadataOptions.")
    validate(requested)
    specification = {key.removeprefix(TEMPLATE): value for key, value in params.items() if key.startswith(TEMPLATE)}
    version = templates.specified_version(request.scope, specification) if specification else None
    options = {**(templates.options_of(version) if version else {}), **requested}
    named_image = params.get("ImageId") or (version.image_id if version else "")
    image = templates.resolve_image(store, request.scope, named_image)
    resulting = {**store.launch_defaults(*request.scope, image), **options}
    check_enforcement(request, resulting, "launch instances with IMDSv1")
    validate_combination(options, resulting)
    if resulting["InstanceMetadataTags"] == "enabled":
        validate_tag_keys(_tag_keys(request))
    existing = {instance.id for _, instance in store.instances(*request.scope)}
    answer = request.forward()
    if answer.code != "OK":
        return answer
    shown, launch_time = "", ""
    for _, instance in store.instances(*request.scope):
        if instance.id not in existing:
            instance.image_id = image or instance.image_id
            if version:
                store.launched_from[instance.id] = templates.reference(version)
            snapshot = store.record_launch(instance, options).latest
            # In the answer to a launch, options are pending like the instance itself.
            shown = request.options_xml(snapshot, float("-inf"))
            launch_time = rendering.timestamp(instance.launch_time)
    body = answer.body.decode()
    for tag, inner in (("metadataOptions", shown), ("launchTime", launch_time), ("imageId", escape(image))):
        body = re.sub(rf"(?s)<{tag}>.*?</{tag}>", f"<{tag}>{inner}</{tag}>", body)
    answer = store.launches[launch] = replace(answer, body=body.encode())
    return answer


def _tag_keys(request: Request) -> list[str]:
    """The keys of the tags that the launch gives its instances."""
    params = request.call.params
    specifications = [
        name.removesuffix(".ResourceType")
        for name, value in params.items()
        if re.fullmatch(r"TagSpecification\.\d+\.ResourceType", name) and value == "instance"
    ]
    return [
        value
        for name, value in params.items()
        for each in specifications
        if re.fullmatch(re.escape(each) + r"\.Tag\.\d+\.Key", name)
    ]
