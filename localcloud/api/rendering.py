"""EC2's answers as XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from xml.sax.saxutils import escape

from moto.ec2.models.instances import Reservation

from localcloud.api.errors import EC2Error
from localcloud.api.metadata_options import OPTIONS, Snapshot

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def answer(action: str, request_id: str, inner: str) -> str:
    return f'{_HEAD}<{action}Response xmlns="{NAMESPACE}"><requestId>{request_id}</requestId>{inner}</{action}Response>'


def ec2_error(error: EC2Error, request_id: str) -> str:
    return (
        f"{_HEAD}<Response><Errors><Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )


def query_error(error: EC2Error, request_id: str) -> str:
    """As the services of the query protocol (STS) have it."""
    return (
        f"{_HEAD}<ErrorResponse><Error><Type>{'Sender' if error.status < 500 else 'Receiver'}</Type>"
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def json_error(error: EC2Error) -> str:
    """As the services of the JSON protocol (CloudWatch) have it."""
    return json.dumps({"__type": error.code, "message": error.message})


def timestamp(at: datetime) -> str:
    """As EC2 has it; `at` is UTC."""
    return f"{at:%Y-%m-%dT%H:%M:%S.000Z}"


def elements(values: Mapping[str, str]) -> str:
    """EC2 answers with the names of its requests, their first letter in lower case."""
    tagged = ((name[0].lower() + name[1:], escape(value)) for name, value in values.items())
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in tagged)


def metadata_options(snapshot: Snapshot, at: float, *, knows: Callable[[str], bool]) -> str:
    return elements(
        {"State": snapshot.state(at), **{name: snapshot.values[name] for name in OPTIONS if knows(name)}},
    )


def reservations(items: Iterable[tuple[Reservation, str]]) -> str:
    """The reservation set of a DescribeInstances answer from instances' XML, in order."""
    grouped: dict[str, tuple[Reservation, list[str]]] = {}
    for reservation, item in items:
        grouped.setdefault(reservation.id, (reservation, []))[1].append(item)
    return "".join(
        f"<item><reservationId>{reservation.id}</reservationId><ownerId>{reservation.owner_id}</ownerId><groupSet/>"
        f"<instancesSet>{''.join(parts)}</instancesSet></item>"
        for reservation, parts in grouped.values()
    )
