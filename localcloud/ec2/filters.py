"""The filters of DescribeInstances: moto's own, tags, states, and those of the metadata options."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from moto.ec2.models.instances import Instance
from moto.ec2.utils import filter_dict_attribute_mapping, get_object_value

from localcloud.api import errors
from localcloud.api.metadata_options import Snapshot

MAX_VALUES = 200
"""Values that one filter may have."""

METADATA_FILTERS: Mapping[str, str] = {
    "metadata-options.http-tokens": "HttpTokens",
    "metadata-options.http-put-response-hop-limit": "HttpPutResponseHopLimit",
    "metadata-options.http-endpoint": "HttpEndpoint",
    "metadata-options.http-protocol-ipv6": "HttpProtocolIpv6",
    "metadata-options.instance-metadata-tags": "InstanceMetadataTags",
}


class Subject(NamedTuple):
    """What a filter looks at; `at` is the time that the options are seen at."""

    instance: Instance
    tags: Mapping[str, str]
    options: Snapshot
    at: float


Getter = Callable[[Subject], Iterable[str]]
Predicate = Callable[[Subject], bool]


def compiled(filters: Mapping[str, Sequence[str]]) -> Predicate:
    """One predicate for all filters: each must match one of its values (`*` and `?` are wildcards).

    Raises:
        EC2Error: InvalidParameterValue for an unknown filter, FilterLimitExceeded for too many values.
    """
    if any(len(values) > MAX_VALUES for values in filters.values()):
        raise errors.EC2Error("FilterLimitExceeded", f"The maximum number of values of a filter is {MAX_VALUES}")
    parts = [(_getter(name), matcher(values)) for name, values in filters.items()]
    return lambda subject: all(any(map(matches, values(subject))) for values, matches in parts)


def matcher(values: Sequence[str]) -> Callable[[str], bool]:
    if not any("*" in value or "?" in value for value in values):
        return frozenset(values).__contains__
    patterns = "|".join(re.escape(value).replace(r"\*", ".*").replace(r"\?", ".") for value in values)
    return lambda text: re.fullmatch(patterns, text, re.DOTALL) is not None


GETTERS: Mapping[str, Getter] = {
    "metadata-options.state": lambda subject: (subject.options.state(subject.at),),
    "instance-id": lambda subject: (subject.instance.id,),
    "instance-state-code": lambda subject: (str(subject.instance.state_code),),
    "tag-key": lambda subject: subject.tags.keys(),
    "tag-value": lambda subject: subject.tags.values(),
}


def _getter(name: str) -> Getter:
    if name in GETTERS:
        return GETTERS[name]
    if name in METADATA_FILTERS:
        option = METADATA_FILTERS[name]
        return lambda subject: (subject.options.values[option],)
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda subject: (subject.tags[key],) if key in subject.tags else ()
    if name in filter_dict_attribute_mapping:
        attribute = filter_dict_attribute_mapping[name]
        return lambda subject: _texts(get_object_value(subject.instance, attribute))
    raise errors.EC2Error("InvalidParameterValue", f"The filter '{name}' is invalid")


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, bool):
        return (str(value).lower(),)
    return () if value is None else (str(value),)
