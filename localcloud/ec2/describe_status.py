"""DescribeInstanceStatus. The system check and the instance check always pass or fail together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import NamedTuple

from moto.ec2.models.instances import Instance

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.ec2 import filters, pages
from localcloud.ec2.request import Request
from localcloud.ec2.store import InstanceStore

MAX_IDS = 100
"""Instance IDs that a request may name."""


class InstanceStatus(NamedTuple):
    """The status of both checks, and of reachability (empty while the instance does not run)."""

    instance: Instance
    status: str
    reachability: str


def describe_status(request: Request) -> Answer:
    call, store = request.call, request.store
    requested = set(map(check_instance_id, call.list_param("InstanceId")))
    if len(requested) > MAX_IDS:
        raise errors.AWSError("InvalidParameterValue", f"The maximum number of instance IDs is {MAX_IDS}")
    size = pages.page_size(call)
    matches = filters.predicate(call.filters, _getter)
    call.refuse_if_dry_run()
    store.require(*request.scope, call.list_param("InstanceId"))
    include_all = call.params.get("IncludeAllInstances") == "true"

    def matching() -> Iterator[tuple[str, str]]:
        for instance_id, (_, instance) in pages.after_token(call, store.visible(*request.scope)):
            if (not requested or instance_id in requested) and (include_all or instance.state == "running"):
                status = _status(store, instance)
                if matches(status):
                    yield instance_id, _item(store, status)

    items, token = pages.page(matching(), size)
    return request.answer(f"<instanceStatusSet>{''.join(items)}</instanceStatusSet>{token}")


def _status(store: InstanceStore, instance: Instance) -> InstanceStatus:
    if instance.state != "running":
        return InstanceStatus(instance, "not-applicable", "")
    if store.impaired_since(instance) is None:
        return InstanceStatus(instance, "ok", "passed")
    return InstanceStatus(instance, "impaired", "failed")


GETTERS: Mapping[str, filters.Getter[InstanceStatus]] = {
    "availability-zone": lambda status: (str(status.instance.placement.zone),),
    "instance-state-name": lambda status: (str(status.instance.state),),
    "instance-state-code": lambda status: (str(status.instance.state_code),),
    "instance-status.status": lambda status: (status.status,),
    "instance-status.reachability": lambda status: (status.reachability,),
    "system-status.status": lambda status: (status.status,),
    "system-status.reachability": lambda status: (status.reachability,),
}
"""All filters but those of scheduled events, which do not occur here."""


def _getter(name: str) -> filters.Getter[InstanceStatus]:
    if name not in GETTERS:
        raise errors.invalid_filter(name)
    return GETTERS[name]


def _item(store: InstanceStore, status: InstanceStatus) -> str:
    instance = status.instance
    since = store.impaired_since(instance)
    stamp = (
        ""
        if since is None
        else rendering.elements({"ImpairedSince": rendering.timestamp(datetime.fromtimestamp(since, timezone.utc))})
    )
    detail = (
        f"<item><name>reachability</name><status>{status.reachability}</status>{stamp}</item>"
        if status.reachability
        else ""
    )
    summary = f"<status>{status.status}</status><details>{detail}</details>"
    state = rendering.elements({"Code": str(instance.state_code), "Name": str(instance.state)})
    return (
        f"<item>{rendering.elements({'InstanceId': instance.id, 'AvailabilityZone': str(instance.placement.zone)})}"
        f"<instanceState>{state}</instanceState><systemStatus>{summary}</systemStatus>"
        f"<instanceStatus>{summary}</instanceStatus></item>"
    )
