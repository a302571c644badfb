"""EC2's actions: the handlers of those that localcloud serves, and the checks that moto lacks for the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.api.metadata_options import validate_tag_keys
from localcloud.ec2 import account_defaults
from localcloud.ec2.describe_instances import describe_instances
from localcloud.ec2.describe_status import describe_status
from localcloud.ec2.describe_templates import check_options, create_version, describe_templates, describe_versions
from localcloud.ec2.images import describe_images, register_image
from localcloud.ec2.modify_options import modify_options
from localcloud.ec2.request import Request
from localcloud.ec2.run_instances import run_instances
from localcloud.ec2.store import GONE

HANDLERS: Mapping[str, Callable[[Request], Answer]] = {
    "DescribeInstances": describe_instances,
    "DescribeInstanceStatus": describe_status,
    "ModifyInstanceMetadataOptions": modify_options,
    "GetInstanceMetadataDefaults": account_defaults.get_defaults,
    "ModifyInstanceMetadataDefaults": account_defaults.modify_defaults,
    "RunInstances": run_instances,
    "DescribeImages": describe_images,
    "RegisterImage": register_image,
    "DescribeLaunchTemplates": describe_templates,
    "DescribeLaunchTemplateVersions": describe_versions,
    "CreateLaunchTemplateVersion": create_version,
}

STATE_CHANGES = {
    "StopInstances": "stopped",
    "StartInstances": "started",
    "RebootInstances": "rebooted",
    "TerminateInstances": "terminated",
}


def handle(request: Request) -> Answer:
    return HANDLERS.get(request.call.action, _forward)(request)


def _forward(request: Request) -> Answer:
    call, store = request.call, request.store
    instances = store.require(*request.scope, [check_instance_id(each) for each in call.instance_ids])
    if call.action in STATE_CHANGES and call.action != "TerminateInstances":
        for instance in instances:
            if instance.state in GONE:
                raise errors.wrong_state(instance.id, instance.state, STATE_CHANGES[call.action])
    if call.action == "CreateTags" and any(map(store.serves_tags, instances)):
        validate_tag_keys(value for name, value in call.params.items() if re.fullmatch(r"Tag\.\d+\.Key", name))
    if call.action == "CreateLaunchTemplate":
        check_options(request)
    answer = request.forward()
    if answer.code == "OK" and call.action in STATE_CHANGES:
        for instance in instances:
            store.record_state(instance)
    return answer
