"""The values that are allowed: one rule for each kind.

The providers' checks, the components, fleets and the stack configuration all validate with these rules.
"""

from __future__ import annotations

from dataclasses import replace

from .validation import Rule, choice, is_number, list_of, matching, number, text, whole_number

INSTANCE_ID = matching('an instance ID ("i-" and 8 or 17 hexadecimal digits)', r"i-(?:[0-9a-f]{8}|[0-9a-f]{17})")
INSTANCE_IDS = list_of(INSTANCE_ID, "a list of instance IDs")
REGION = matching('the name of an AWS region such as "eu-west-1"', r"[a-z]{2,}(?:-[a-z]+)+-\d+")
REGION_OF_RESOURCE = replace(REGION, allowed=f"{REGION.allowed}, given here or as aws:region")
REGIONS = list_of(REGION, "a list of different regions, at least one", empty=False, unique=True)
FLAG = Rule("true or false", lambda given: isinstance(given, bool), {"type": "boolean"})
POSITIVE = Rule(
    "a number above 0", lambda given: is_number(given) and given > 0, {"type": "number", "exclusiveMinimum": 0}
)
TIMEOUT_SECONDS = number(1, 3600, "seconds")
ON_DESTROY = choice("retain", "restore")
IF_GONE = choice("fail", "warn")
REASON = text("the reason why the options may be loosened")

DAYS = whole_number(1, 455, "days")
"""Hourly data points of CloudWatch are kept for 455 days (CloudWatch API reference, ``GetMetricData``)."""
DEFAULT_DAYS = 14
LEGACY_CALLS = choice("block", "warn", "off")
UNKNOWN = choice("warn", "block", "ignore")
LAUNCH_SOURCES = choice("warn", "block", "off")
SOAK_MINUTES = number(0, 1440, "minutes")
ALARM_NAME = matching("the name of a CloudWatch alarm, 1 to 255 characters", r"[^\x00-\x1f\x7f]{1,255}")
"""CloudWatch API reference, ``PutMetricAlarm``: AlarmName."""
ALARM_NAMES = list_of(ALARM_NAME, "a list of different names of CloudWatch alarms", unique=True)
INSUFFICIENT_DATA = choice("warn", "block", "ignore")
LINE = Rule("a string that a component passes", lambda given: isinstance(given, str), {"type": "string"})


def is_instance_id(value: object) -> bool:
    """Whether the value is a valid instance ID."""
    return INSTANCE_ID.accepts(value)
