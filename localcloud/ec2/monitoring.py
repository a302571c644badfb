"""MonitorInstances and UnmonitorInstances, which moto does not have."""

from __future__ import annotations

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.ec2.instances import MONITORING
from localcloud.ec2.request import Request


def monitor(request: Request) -> Answer:
    return _set(request, MONITORING["detailed"], shown="pending")


def unmonitor(request: Request) -> Answer:
    return _set(request, MONITORING["basic"], shown="disabling")


def _set(request: Request, state: str, *, shown: str) -> Answer:
    """In force at once; the answer shows the state on the way there."""
    call = request.call
    ids = [check_instance_id(each) for each in call.listed("InstanceId")]
    if not ids:
        raise errors.missing_parameter("InstanceId")
    instances = request.world.require(*request.place, ids)
    call.refuse_if_dry_run()
    for instance in instances:
        instance.monitoring_state = state
    items = "".join(
        f"<item><instanceId>{each}</instanceId><monitoring><state>{shown}</state></monitoring></item>" for each in ids
    )
    inner = f"<instancesSet>{items}</instancesSet>"
    return Answer(200, rendering.answer(call.action, request.request_id, inner).encode())
