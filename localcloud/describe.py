"""DescribeInstances."""

from __future__ import annotations

import base64
import binascii

from moto.ec2.models.instances import Reservation

from localcloud import errors, filters, rendering
from localcloud.answer import Answer
from localcloud.calls import check_instance_id
from localcloud.instance_xml import instance_xml
from localcloud.request import Request

PAGE = 1000
"""Instances in an answer when the request does not say; the most that it may ask for. At least 5 must be asked for."""


def describe_instances(request: Request) -> Answer:
    call, world = request.call, request.world
    asked = list(dict.fromkeys(map(check_instance_id, call.listed("InstanceId"))))
    if asked and "MaxResults" in call.params:
        raise errors.invalid_combination("The parameter instancesSet cannot be used with the parameter maxResults")
    limit = _limit(call.params.get("MaxResults"))
    matches = filters.compiled(call.filters)
    call.refuse_if_dry_run()

    known = world.visible(*request.place)
    if unknown := [each for each in asked if each not in known]:
        raise errors.unknown_instances(unknown)
    wanted = set(asked)
    skipping = "NextToken" in call.params
    after = _decoded(call.params["NextToken"]) if skipping else ""
    if skipping and after not in known:
        raise _bad_token()

    items: list[tuple[Reservation, str]] = []
    token = ""
    last = ""
    for instance_id, (reservation, instance) in known.items():
        if skipping:
            skipping = instance_id != after
            continue
        if wanted and instance_id not in wanted:
            continue
        at = request.seen_at(instance_id)
        snapshot = world.record(instance).seen(at)
        tags = world.tags(instance)
        if not matches(filters.Subject(instance, tags, snapshot, at)):
            continue
        if len(items) == limit:
            token = f"<nextToken>{_encoded(last)}</nextToken>"
            break
        items.append((reservation, instance_xml(instance, tags, request.options_xml(snapshot, at))))
        last = instance_id
    inner = f"<reservationSet>{rendering.reservations(items)}</reservationSet>{token}"
    return Answer(200, rendering.answer(call.action, request.request_id, inner).encode())


def _limit(given: str | None) -> int:
    if given is None:
        return PAGE
    if not given.isdigit() or not 5 <= int(given) <= PAGE:
        raise errors.invalid_value("maxResults", given, f"Expecting a value from 5 to {PAGE}.")
    return int(given)


def _encoded(instance_id: str) -> str:
    return base64.urlsafe_b64encode(instance_id.encode()).decode()


def _decoded(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise _bad_token() from None


def _bad_token() -> errors.EC2Error:
    return errors.EC2Error("InvalidNextToken", "The specified NextToken is corrupted or malformed.")
