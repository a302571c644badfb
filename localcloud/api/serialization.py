"""Successful answers written by moto's serializers, from AWS's own service models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from moto.core.serialize import (
    AttributePicker,
    ResponseSerializer,
    SerializationContext,
    XFormedAttributePicker,
    get_serializer_class,
)
from moto.core.utils import get_service_model

from localcloud.api.answer import Answer


def serialized(service: str, action: str, result: Mapping[str, object], request_id: str) -> Answer:
    """Return the answer with a result by AWS's member names, in the service's first protocol.

    Nested values may be moto's objects, whose attributes are found by name. None is omitted.
    """
    serializer = _serializer(service, action)
    serializer.context = SerializationContext(request_id)
    response = serializer.serialize(result)
    body = response["body"]
    return Answer(200, body.encode() if isinstance(body, str) else body)


@cache
def _serializer(service: str, action: str) -> ResponseSerializer:
    model = get_service_model(service)
    picker: AttributePicker = XFormedAttributePicker()
    kind = get_serializer_class(service, model.protocol)
    return kind(operation_model=model.operation_model(action), value_picker=picker)
