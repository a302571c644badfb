"""DescribeAlarms, in the JSON protocol. Source: CloudWatch API reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudwatch.models import Alarm

from localcloud.api import errors
from localcloud.api.answer import Answer
from localcloud.api.serialization import serialized
from localcloud.cloudwatch.alarms import Alarms
from localcloud.ec2 import pages
from localcloud.ec2.request import Request

MAX_NAMES = 100
DEFAULT_RECORDS, MAX_RECORDS = 50, 100

METRIC = "MetricAlarm"
TYPES: Mapping[str, Callable[[Alarm], bool]] = {
    METRIC: lambda alarm: alarm.rule is None,
    "CompositeAlarm": lambda alarm: alarm.rule is not None,
    "LogAlarm": lambda _: False,
}
"""The alarms of each type; localcloud has no log alarms."""

PARAMETERS = ("AlarmNames", "AlarmNamePrefix", "AlarmTypes", "StateValue", "MaxRecords", "NextToken")


def describe_alarms(request: Request, alarms: Alarms) -> Answer:
    """Alarms of the types that are asked for, metric alarms by default. Names that do not exist are left out."""
    document: Mapping[str, Any] | None = request.call.document
    if document is None:
        raise errors.AWSError("InternalError", "localcloud supports DescribeAlarms in the JSON protocol only")
    if unsupported := set(document) - set(PARAMETERS):
        raise errors.AWSError("InternalError", f"localcloud supports no {min(unsupported)} in DescribeAlarms")
    names, types = document.get("AlarmNames") or (), document.get("AlarmTypes") or (METRIC,)
    if len(names) > MAX_NAMES:
        raise _invalid(f"[{', '.join(names)}]", "alarmNames", f"length less than or equal to {MAX_NAMES}")
    if names and "AlarmNamePrefix" in document:
        raise errors.AWSError("ValidationError", "AlarmNames and AlarmNamePrefix cannot be used together.")
    for each in types:
        if each not in TYPES:
            raise _invalid(each, "alarmTypes", f"enum value set: [{', '.join(TYPES)}]")
    size = int(document.get("MaxRecords", DEFAULT_RECORDS))
    if not 1 <= size <= MAX_RECORDS:
        raise _invalid(str(size), "maxRecords", f"value from 1 to {MAX_RECORDS}")

    def matches(alarm: Alarm) -> bool:
        return (
            (not names or alarm.name in names)
            and alarm.name.startswith(document.get("AlarmNamePrefix", ""))
            and document.get("StateValue") in (None, alarm.state_value)
            and any(TYPES[each](alarm) for each in types)
        )

    known = alarms.in_scope(request.scope)
    found = ((name, alarm) for name, alarm in pages.after_token(document.get("NextToken"), known) if matches(alarm))
    page, token = pages.page(found, size)
    by_type = {f"{kind}s": [each for each in page if is_one(each)] for kind, is_one in TYPES.items()}
    result = {**by_type, "NextToken": token}
    return serialized("cloudwatch", "DescribeAlarms", result, request.request_id, protocol="json")


def _invalid(value: str, parameter: str, constraint: str) -> errors.AWSError:
    message = (
        f"1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy constraint: Member must have "
        f"{constraint}"
    )
    return errors.AWSError("ValidationError", message)
