"""Calls that moto answers, with the metadata options and what EC2 would refuse seen to on the way."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from functools import cache

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.api.metadata_options import OPTIONS, Options, validate, validate_tag_keys, validate_together
from localcloud.ec2.modify_options import check_enforcement, given_options
from localcloud.ec2.request import Request
from localcloud.ec2.store import GONE

MOVES = {
    "StopInstances": "stopped",
    "StartInstances": "started",
    "RebootInstances": "rebooted",
    "TerminateInstances": "terminated",
}


OWN_HEADERS = ("content-length", "date", "x-amzn-requestid")
"""The headers that this server gives, whatever moto says."""


def ask_moto(request: Request) -> Answer:
    """Moto's own answer, with this server's request id in it."""
    status, headers = "", list[tuple[str, str]]()

    def start_response(given_status: str, given_headers: list[tuple[str, str]], *_: object) -> None:
        nonlocal status
        status = given_status
        headers.extend(given_headers)

    environ = {**request.environ, "wsgi.input": io.BytesIO(request.body)}
    try:
        body = b"".join(_moto()(environ, start_response))
    except (NotImplementedError, KeyError, AttributeError, TypeError, ValueError) as error:
        # What moto cannot do or stumbles over must reach the caller as an answer of the API, and say what it was.
        raise errors.EC2Error(
            "InternalError", f"moto cannot answer {request.call.action}: {type(error).__name__}: {error}"
        ) from error
    code = int(status[:3])
    kept = [(name, value) for name, value in headers if name.lower() not in OWN_HEADERS]
    answer = Answer(code, body, _error_code(body) if code >= 400 else "OK", headers=tuple(kept))
    return _with_request_id(answer, request)


def pass_on(request: Request) -> Answer:
    """Any action of EC2 that is not served here."""
    call, world = request.call, request.world
    instances = world.require(*request.place, [check_instance_id(each) for each in call.instance_ids])
    if call.action in MOVES and call.action != "TerminateInstances":
        for instance in instances:
            if instance.state in GONE:
                raise errors.wrong_state(instance.id, instance.state, MOVES[call.action])
    if call.action == "CreateTags" and any(map(world.serves_tags, instances)):
        validate_tag_keys(_values(request, r"Tag\.\d+\.Key"))
    answer = ask_moto(request)
    if answer.code == "OK" and call.action in MOVES:
        for instance in instances:
            world.moved(instance)
    return answer


def run_instances(request: Request) -> Answer:
    """Launch once per client token; options are the request's, then its template's, then the account's, then EC2's."""
    world = request.world
    launch = (*request.place, request.call.params.get("ClientToken", request.request_id))
    if launch in world.launches:
        return _with_request_id(world.launches[launch], request)
    options = {**_template_options(request), **given_options(request, "MetadataOptions.")}
    validate(options)
    resulting = {**world.launch_defaults(*request.place), **options}
    check_enforcement(request, resulting, "launch instances with IMDSv1")
    validate_together(options, resulting)
    if resulting["InstanceMetadataTags"] == "enabled":
        validate_tag_keys(_launch_tag_keys(request))
    for _, instance in world.everything(*request.place):
        world.record(instance)
    answer = ask_moto(request)
    if answer.code != "OK":
        return answer
    shown, launch_time = "", ""
    for _, instance in world.everything(*request.place):
        if not world.has_record(instance):
            snapshot = world.launched(instance, options).latest
            # An answer to a launch shows `pending`, as it does for the instance itself.
            shown = request.options_xml(snapshot, float("-inf"))
            launch_time = rendering.timestamp(instance.launch_time)
    body = answer.body.decode()
    for tag, inner in (("metadataOptions", shown), ("launchTime", launch_time)):
        body = re.sub(rf"(?s)<{tag}>.*?</{tag}>", f"<{tag}>{inner}</{tag}>", body)
    answer = world.launches[launch] = replace(answer, body=body.encode())
    return answer


def _template_options(request: Request) -> Options:
    """None for a template that does not exist: moto refuses that."""
    params = request.call.params
    by_id, by_name = params.get("LaunchTemplate.LaunchTemplateId"), params.get("LaunchTemplate.LaunchTemplateName")
    for template in request.world.backend(*request.place).launch_templates.values():
        if (by_id or by_name) in (template.id, template.name):
            version = template.get_version(params.get("LaunchTemplate.Version", template.default_version_number))
            given = version.data.get("MetadataOptions", {})
            return {name: str(given[name]) for name in OPTIONS if name in given}
    return {}


def _launch_tag_keys(request: Request) -> list[str]:
    params = request.call.params
    for_instances = [
        name.removesuffix(".ResourceType")
        for name, value in params.items()
        if re.fullmatch(r"TagSpecification\.\d+\.ResourceType", name) and value == "instance"
    ]
    return [key for each in for_instances for key in _values(request, re.escape(each) + r"\.Tag\.\d+\.Key")]


def _values(request: Request, name_pattern: str) -> list[str]:
    return [value for name, value in request.call.params.items() if re.fullmatch(name_pattern, name)]


def _with_request_id(answer: Answer, request: Request) -> Answer:
    pattern = rb"(<RequestI[dD]>|<requestId>)[^<]*(?=</)"
    return replace(answer, body=re.sub(pattern, rb"\g<1>" + request.request_id.encode(), answer.body))


def _error_code(body: bytes) -> str:
    found = re.search(rb"<Code>([^<]+)</Code>", body)
    return found[1].decode() if found else "Error"


@cache
def _moto() -> DomainDispatcherApplication:
    return DomainDispatcherApplication(create_backend_app)
