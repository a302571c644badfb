"""DescribeInstanceStatus, with filters by status only. System and instance checks pass or fail together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

from moto.ec2.models.instances import Instance

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.ec2 import filters, pages
from localcloud.ec2.request import Request
from localcloud.ec2.store import InstanceStore

MAX_IDS = 100
"""Instance IDs that a request may name."""


REACHABILITY = {"ok": "passed", "impaired": "failed"}


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
        visible = store.visible(*request.scope)
        for instance_id, (_, instance) in pages.after_token(call.params.get("NextToken"), visible):
            if (not requested or instance_id in requested) and (include_all or instance.state == "running"):
                status = _status(store, instance)
                if matches(status):
                    yield instance_id, _item(store, instance, status)

    items, token = pages.page(matching(), size)
    return request.answer(f"<instanceStatusSet>{''.join(items)}</instanceStatusSet>{pages.token_xml(token)}")


def _status(store: InstanceStore, instance: Instance) -> str:
    """The status of either check."""
    if instance.state != "running":
        return "not-applicable"
    return "ok" if store.impaired_since(instance) is None else "impaired"


def _getter(name: str) -> filters.Getter[str]:
    if name not in ("system-status.status", "instance-status.status"):
        raise errors.invalid_filter(name)
    return lambda status: (status,)


def _item(store: InstanceStore, instance: Instance, status: str) -> str:
    since = store.impaired_since(instance)
    stamp = ""
    if since is not None:
        stamp = rendering.elements({"ImpairedSince": rendering.timestamp(datetime.fromtimestamp(since, timezone.utc))})
    reachability = REACHABILITY.get(status)
    detail = f"<item><name>reachability</name><status>{reachability}</status>{stamp}</item>" if reachability else ""
    summary = f"<status>{status}</status><details>{detail}</details>"
    state = rendering.elements({"Code": str(instance.state_code), "Name": str(instance.state)})
    return (
        f"<item>{rendering.elements({'InstanceId': instance.id, 'AvailabilityZone': str(instance.placement.zone)})}"
        f"<instanceState>{state}</instanceState><systemStatus>{summary}</systemStatus>"
        f"<instanceStatus>{summary}</instanceStatus></item>"
    )
