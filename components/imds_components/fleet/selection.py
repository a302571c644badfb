"""Which instances a fleet consists of: those that EC2 finds by filters and IDs, minus what is excluded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from imds_provider.rules.observation import GONE_STATES, Observation
from imds_provider.rules.validation import Rule, Violation, list_of, map_of

_METADATA_OPTIONS = "metadata-options."
_STRING = Rule("a string", lambda given: isinstance(given, str), {"type": "string"})
_FILTERS = map_of(
    list_of(_STRING, "a list of at least one string", empty=False), "an object of filters, at least one", empty=False
)


def _wrong_filters(select: object) -> Iterator[Violation]:
    yield from _FILTERS.inside(select)
    for name in select if isinstance(select, Mapping) else ():
        if str(name).startswith(_METADATA_OPTIONS):
            yield Violation((str(name),), "cannot select a fleet: an instance would leave as soon as it complies.")


SELECT = Rule(
    'an object of filters such as {"tag:Team": ["web"]}, at least one',
    _FILTERS.accepts,
    {**_FILTERS.schema, "propertyNames": {"not": {"pattern": f"^{_METADATA_OPTIONS}"}}},
    _wrong_filters,
)


@dataclass(frozen=True)
class Selection:
    """The selected instances in order of their ids, and the given ids that came to nothing."""

    selected: tuple[Observation, ...]
    service_managed: tuple[Observation, ...]
    """Instances that would be selected, if an AWS service did not manage them, which alone can change their options."""
    not_found: tuple[str, ...]
    """Ids given that EC2 does not know, or that belong to instances terminated or about to be."""
    excluded_nothing: tuple[str, ...]
    """Ids excluded that would not have been selected."""


def select(found: Iterable[Observation], *, instance_ids: Collection[str], exclude: Collection[str]) -> Selection:
    """The instances that EC2 ``found``, by filters and by ``instance_ids``, without those in ``exclude``.

    Instances that are terminated, or shutting down, are never selected, nor are those that an AWS service manages.
    """
    living = {each.instance_id: each for each in found if each.instance_state not in GONE_STATES}
    left = [living[instance_id] for instance_id in sorted(living.keys() - set(exclude))]
    return Selection(
        selected=tuple(each for each in left if not each.operator),
        service_managed=tuple(each for each in left if each.operator),
        not_found=tuple(sorted(set(instance_ids) - living.keys())),
        excluded_nothing=tuple(sorted(set(exclude) - living.keys())),
    )
