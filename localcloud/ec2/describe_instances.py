"""DescribeInstances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from moto.ec2.models.instances import Reservation

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.call import check_instance_id
from localcloud.ec2 import filters, pages
from localcloud.ec2.instance_xml import instance_xml
from localcloud.ec2.request import Request


def describe_instances(request: Request) -> Answer:
    call, store = request.call, request.store
    requested = dict.fromkeys(map(check_instance_id, call.list_param("InstanceId")))
    size = pages.page_size(call)
    matches = filters.instance_predicate(call.filters)
    call.refuse_if_dry_run()

    visible = store.visible(*request.scope)
    if unknown := [each for each in requested if each not in visible]:
        raise errors.unknown_instances(unknown)

    def matching() -> Iterator[tuple[str, tuple[Reservation, str]]]:
        for instance_id, (reservation, instance) in pages.after_token(call.params.get("NextToken"), visible):
            if requested and instance_id not in requested:
                continue
            at = request.shown_at(instance_id)
            snapshot = store.history(instance).at(at)
            tags, operator = store.tags(instance), store.operators.get(instance_id)
            if matches(filters.Candidate(instance, tags, snapshot, at, operator)):
                item = instance_xml(instance, tags, request.options_xml(snapshot, at), operator)
                yield instance_id, (reservation, item)

    items, token = pages.page(matching(), size)
    return request.answer(f"<reservationSet>{_reservations_xml(items)}</reservationSet>{pages.token_xml(token)}")


def _reservations_xml(items: Iterable[tuple[Reservation, str]]) -> str:
    """Group the XML of instances by reservation."""
    grouped: dict[str, tuple[Reservation, list[str]]] = {}
    for reservation, item in items:
        grouped.setdefault(reservation.id, (reservation, []))[1].append(item)
    return "".join(
        f"<item><reservationId>{reservation.id}</reservationId><ownerId>{reservation.owner_id}</ownerId><groupSet/>"
        f"<instancesSet>{''.join(parts)}</instancesSet></item>"
        for reservation, parts in grouped.values()
    )
