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


def serialized(
    service: str, action: str, result: Mapping[str, object], request_id: str, *, protocol: str | None = None
) -> Answer:
    """Return the answer with a result by AWS's member names; `protocol` is `json`, or by default the service's first.

    Nested values may be moto's objects, whose attributes are found by name. None is omitted.
    """
    serializer = _serializer(service, action, protocol)
    serializer.context = SerializationContext(request_id)
    body = serializer.serialize(result)["body"]
    text = body if isinstance(body, str) else body.decode()
    return Answer.json(text) if protocol == "json" else Answer(200, text.encode())


@cache
def _serializer(service: str, action: str, protocol: str | None) -> ResponseSerializer:
    model = get_service_model(service)
    picker: AttributePicker = XFormedAttributePicker()
    kind = get_serializer_class(service, protocol or model.protocol)
    return kind(operation_model=model.operation_model(action), value_picker=picker)
