"""Which instances a fleet consists of: EC2's filters, and ids, minus what is excluded. Pure.

Source: EC2 API reference, ``Filter``: the values of a filter are alternatives, filters must all hold, values are
case-sensitive, ``*`` stands for any text, ``?`` for one character, and a backslash takes their meaning from them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from imds_provider.inventory import FILTER_NAMES, METADATA_OPTIONS_PREFIX, TAG_PREFIX, Inventoried
from imds_provider.options import quote
from imds_provider.settling import GONE_STATES

from .config_rules import nearest, place_of

_PARTS = re.compile(r"\\(?P<literal>.)|(?P<wildcard>[*?])|(?P<plain>.)", re.DOTALL)
_WILDCARDS = {"*": ".*", "?": "."}


@dataclass(frozen=True)
class Selection:
    """The selected instances in order of their ids, and the given ids that came to nothing."""

    selected: tuple[Inventoried, ...]
    not_found: tuple[str, ...]
    """Ids given that EC2 does not know, or that belong to instances terminated or about to be."""
    excluded_nothing: tuple[str, ...]
    """Ids excluded that would not have been selected."""


def matches(attributes: Mapping[str, Sequence[str]], select: Mapping[str, Sequence[str]]) -> bool:
    """Whether an instance with these attributes passes all filters."""
    return all(
        any(_pattern(wanted).fullmatch(value) for wanted in values for value in attributes.get(name, ()))
        for name, values in select.items()
    )


def select_violations(select: Mapping[str, object], place: str = "select") -> list[str]:
    """A sentence for each filter that cannot be used; ``place`` is where the person wrote them."""
    if not select:
        return [f'{place} must name at least one filter; {{"instance-id": ["i-*"]}} selects every instance.']
    problems = []
    for name, values in select.items():
        where = place_of(place, name)
        if problem := _wrong_name(name):
            problems.append(f"{where} {problem}")
        elif not isinstance(values, list | tuple) or not values:
            problems.append(f"{where} must be a list of at least one text.")
        else:
            problems += [
                f"{where} must hold texts only, got {quote(value)}." for value in values if not isinstance(value, str)
            ]
    return problems


def select(
    inventory: Iterable[Inventoried],
    *,
    filters: Mapping[str, Sequence[str]] | None,
    ids: Sequence[str],
    exclude: Collection[str],
) -> Selection:
    """The instances that pass ``filters`` (None selects none) or are in ``ids``, without those in ``exclude``.

    Instances that are terminated, or shutting down, are never selected.
    """
    living = {
        each.observation.instance_id: each for each in inventory if each.observation.instance_state not in GONE_STATES
    }
    given = set(ids)
    chosen = {
        instance_id: each
        for instance_id, each in living.items()
        if instance_id in given or (filters is not None and matches(each.attributes, filters))
    }
    return Selection(
        selected=tuple(chosen[instance_id] for instance_id in sorted(chosen.keys() - set(exclude))),
        not_found=tuple(sorted(given - living.keys())),
        excluded_nothing=tuple(sorted(set(exclude) - chosen.keys())),
    )


def _wrong_name(name: str) -> str | None:
    if name.startswith(METADATA_OPTIONS_PREFIX):
        return "cannot select a fleet: an instance would be let go of as soon as it complies."
    if name in FILTER_NAMES or (name.startswith(TAG_PREFIX) and name != TAG_PREFIX):
        return None
    near = nearest(name, FILTER_NAMES)
    hint = f"did you mean {near}?" if near else "tags are selected by tag:Name, the rest as in DescribeInstances."
    return f"is not a known filter; {hint}"


def _pattern(wanted: str) -> re.Pattern[str]:
    parts = (
        _WILDCARDS[part["wildcard"]] if part["wildcard"] else re.escape(part["literal"] or part["plain"])
        for part in _PARTS.finditer(wanted)
    )
    return re.compile("".join(parts), re.DOTALL)
