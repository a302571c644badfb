"""The filters of EC2's describes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from moto.ec2.models.instances import Instance
from moto.ec2.utils import filter_dict_attribute_mapping, get_object_value

from localcloud.api import errors
from localcloud.ec2.option_history import Snapshot

MAX_VALUES = 200
"""Values that one filter may have."""

OPTION_FILTERS: Mapping[str, str] = {
    "metadata-options.http-tokens": "HttpTokens",
    "metadata-options.http-put-response-hop-limit": "HttpPutResponseHopLimit",
    "metadata-options.http-endpoint": "HttpEndpoint",
    "metadata-options.http-protocol-ipv6": "HttpProtocolIpv6",
    "metadata-options.instance-metadata-tags": "InstanceMetadataTags",
}

T = TypeVar("T")
Getter = Callable[[T], Iterable[str]]


class Candidate(NamedTuple):
    """An instance as a DescribeInstances shows it, with its options as of `at`."""

    instance: Instance
    tags: Mapping[str, str]
    options: Snapshot
    at: float
    operator: str | None = None


def predicate(filters: Mapping[str, Sequence[str]], getter: Callable[[str], Getter[T]]) -> Callable[[T], bool]:
    """Combine filters: each must match one of its values. `getter` returns what a filter compares, by filter name.

    Raises:
        AWSError: InvalidParameterValue for an unknown filter, FilterLimitExceeded for too many values.
    """
    if any(len(values) > MAX_VALUES for values in filters.values()):
        raise errors.AWSError("FilterLimitExceeded", f"The maximum number of values of a filter is {MAX_VALUES}")
    parts = [(getter(name), _matcher(values)) for name, values in filters.items()]
    return lambda candidate: all(any(map(matches, values(candidate))) for values, matches in parts)


def instance_predicate(filters: Mapping[str, Sequence[str]]) -> Callable[[Candidate], bool]:
    """The filters of DescribeInstances. Raises what `predicate` does."""
    return predicate(filters, _getter)


def _matcher(values: Sequence[str]) -> Callable[[str], bool]:
    """Match any of the values, in which `*` and `?` are wildcards."""
    if not any("*" in value or "?" in value for value in values):
        return frozenset(values).__contains__
    patterns = "|".join(re.escape(value).replace(r"\*", ".*").replace(r"\?", ".") for value in values)
    return lambda value: re.fullmatch(patterns, value, re.DOTALL) is not None


GETTERS: Mapping[str, Getter[Candidate]] = {
    "metadata-options.state": lambda candidate: (candidate.options.state(candidate.at),),
    "operator.managed": lambda candidate: (str(candidate.operator is not None).lower(),),
    "operator.principal": lambda candidate: () if candidate.operator is None else (candidate.operator,),
    "instance-id": lambda candidate: (candidate.instance.id,),
    "instance-state-code": lambda candidate: (str(candidate.instance.state_code),),
    "tag-key": lambda candidate: candidate.tags.keys(),
    "tag-value": lambda candidate: candidate.tags.values(),
}


def _getter(name: str) -> Getter[Candidate]:
    if name in GETTERS:
        return GETTERS[name]
    if name in OPTION_FILTERS:
        option = OPTION_FILTERS[name]
        return lambda candidate: (candidate.options.values[option],)
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda candidate: (candidate.tags[key],) if key in candidate.tags else ()
    if name in filter_dict_attribute_mapping:
        attribute = filter_dict_attribute_mapping[name]
        return lambda candidate: strings(get_object_value(candidate.instance, attribute))
    raise errors.invalid_filter(name)


def strings(value: object) -> Iterable[str]:
    """A value of moto's as the strings that EC2 compares."""
    if isinstance(value, list):
        return tuple(map(str, value))
    if isinstance(value, bool):
        return (str(value).lower(),)
    return () if value is None else (str(value),)
