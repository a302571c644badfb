"""MonitorInstances and UnmonitorInstances, which moto does not implement."""

from __future__ import annotations

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.ec2.instances import MONITORING
from localcloud.ec2.request import Request


def monitor(request: Request) -> Answer:
    return _set(request, MONITORING["detailed"], transition="pending")


def unmonitor(request: Request) -> Answer:
    return _set(request, MONITORING["basic"], transition="disabling")


def _set(request: Request, state: str, *, transition: str) -> Answer:
    """Change the state at once, but answer with the transition, as EC2 does."""
    ids = [check_instance_id(each) for each in request.call.list_param("InstanceId")]
    if not ids:
        raise errors.missing_parameter("InstanceId")
    instances = request.store.require(*request.scope, ids)
    request.call.refuse_if_dry_run()
    for instance in instances:
        instance.monitoring_state = state
    items = "".join(
        f"<item><instanceId>{each}</instanceId><monitoring><state>{transition}</state></monitoring></item>"
        for each in ids
    )
    return request.answer(f"<instancesSet>{items}</instancesSet>")
