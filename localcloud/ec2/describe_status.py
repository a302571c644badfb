"""DescribeInstanceStatus: the status checks of system and instance, which pass or fail together here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timezone

from moto.ec2.models.instances import Instance

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import Call, check_instance_id
from localcloud.ec2 import pages
from localcloud.ec2.filters import matcher
from localcloud.ec2.request import Request
from localcloud.ec2.store import World

MAX_IDS = 100
"""Instance ids that a request may name."""

Check = tuple[str, str]
"""The status of a check, and of the reachability that it looks at."""


def describe_status(request: Request) -> Answer:
    """Of running instances, or of all with IncludeAllInstances."""
    call, world = request.call, request.world
    asked = set(map(check_instance_id, call.listed("InstanceId")))
    if len(asked) > MAX_IDS:
        raise errors.EC2Error("InvalidParameterValue", f"The maximum number of instance IDs is {MAX_IDS}")
    size = pages.limit(call)
    matches = _compiled(call)
    call.refuse_if_dry_run()
    world.require(*request.place, call.listed("InstanceId"))
    every = call.params.get("IncludeAllInstances") == "true"

    def found() -> Iterator[tuple[str, str]]:
        for instance_id, (_, instance) in pages.rest(call, world.visible(*request.place)):
            if (not asked or instance_id in asked) and (every or instance.state == "running"):
                check = _check(world, instance)
                if matches(instance, check):
                    yield instance_id, _item(world, instance, check)

    items, token = pages.page(found(), size)
    inner = f"<instanceStatusSet>{''.join(items)}</instanceStatusSet>{token}"
    return Answer(200, rendering.answer(call.action, request.request_id, inner).encode())


def _check(world: World, instance: Instance) -> Check:
    if instance.state != "running":
        return "not-applicable", ""
    return ("ok", "passed") if world.impaired_since(instance) is None else ("impaired", "failed")


GETTERS: Mapping[str, Callable[[Instance, Check], str]] = {
    "availability-zone": lambda instance, _: str(instance.placement.zone),
    "instance-state-name": lambda instance, _: str(instance.state),
    "instance-state-code": lambda instance, _: str(instance.state_code),
    **dict.fromkeys(("instance-status.status", "system-status.status"), lambda _, check: check[0]),
    **dict.fromkeys(("instance-status.reachability", "system-status.reachability"), lambda _, check: check[1]),
}
"""The filters, but for those of scheduled events, of which there are none."""


def _compiled(call: Call) -> Callable[[Instance, Check], bool]:
    if unknown := set(call.filters) - set(GETTERS):
        raise errors.EC2Error("InvalidParameterValue", f"The filter '{min(unknown)}' is invalid")
    parts = [(GETTERS[name], matcher(values)) for name, values in call.filters.items()]
    return lambda instance, check: all(matches(value(instance, check)) for value, matches in parts)


def _item(world: World, instance: Instance, check: Check) -> str:
    status, reachability = check
    since = world.impaired_since(instance)
    stamp = (
        ""
        if since is None
        else rendering.elements({"ImpairedSince": rendering.timestamp(datetime.fromtimestamp(since, timezone.utc))})
    )
    detail = f"<item><name>reachability</name><status>{reachability}</status>{stamp}</item>" if reachability else ""
    summary = f"<status>{status}</status><details>{detail}</details>"
    state = rendering.elements({"Code": str(instance.state_code), "Name": str(instance.state)})
    return (
        f"<item>{rendering.elements({'InstanceId': instance.id, 'AvailabilityZone': str(instance.placement.zone)})}"
        f"<instanceState>{state}</instanceState><systemStatus>{summary}</systemStatus>"
        f"<instanceStatus>{summary}</instanceStatus></item>"
    )
