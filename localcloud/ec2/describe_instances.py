"""DescribeInstances."""

from __future__ import annotations

from collections.abc import Iterator

from moto.ec2.models.instances import Reservation

from localcloud.api import errors, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.ec2 import filters, pages
from localcloud.ec2.instance_xml import instance_xml
from localcloud.ec2.request import Request


def describe_instances(request: Request) -> Answer:
    call, world = request.call, request.world
    asked = set(map(check_instance_id, call.listed("InstanceId")))
    size = pages.limit(call)
    matches = filters.compiled(call.filters)
    call.refuse_if_dry_run()

    known = world.visible(*request.place)
    if asked - known.keys():
        raise errors.unknown_instances([each for each in dict.fromkeys(call.listed("InstanceId")) if each not in known])

    def found() -> Iterator[tuple[str, tuple[Reservation, str]]]:
        for instance_id, (reservation, instance) in pages.rest(call, known):
            if asked and instance_id not in asked:
                continue
            at = request.seen_at(instance_id)
            snapshot = world.record(instance).seen(at)
            tags = world.tags(instance)
            if matches(filters.Subject(instance, tags, snapshot, at)):
                item = instance_xml(instance, tags, request.options_xml(snapshot, at))
                yield instance_id, (reservation, item)

    items, token = pages.page(found(), size)
    inner = f"<reservationSet>{rendering.reservations(items)}</reservationSet>{token}"
    return Answer(200, rendering.answer(call.action, request.request_id, inner).encode())
