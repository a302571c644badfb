"""EC2's actions that moto answers, after the checks that moto lacks."""

from __future__ import annotations

import re

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.api.metadata_options import validate_tag_keys
from localcloud.ec2.request import Request
from localcloud.ec2.store import GONE

STATE_CHANGES = {
    "StopInstances": "stopped",
    "StartInstances": "started",
    "RebootInstances": "rebooted",
    "TerminateInstances": "terminated",
}


def forward(request: Request) -> Answer:
    call, store = request.call, request.store
    instances = store.require(*request.scope, [check_instance_id(each) for each in call.instance_ids])
    if call.action in STATE_CHANGES and call.action != "TerminateInstances":
        for instance in instances:
            if instance.state in GONE:
                raise errors.wrong_state(instance.id, instance.state, STATE_CHANGES[call.action])
    if call.action == "CreateTags" and any(map(store.serves_tags, instances)):
        validate_tag_keys(value for name, value in call.params.items() if re.fullmatch(r"Tag\.\d+\.Key", name))
    answer = request.forward()
    if answer.code == "OK" and call.action in STATE_CHANGES:
        for instance in instances:
            store.record_state(instance)
    return answer
