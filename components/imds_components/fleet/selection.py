"""Which instances a fleet consists of: those that EC2 finds by filters and IDs, minus what is excluded. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from imds_provider.rules.observation import GONE_STATES, Observation
from imds_provider.rules.options import quote

from ..config_rules import place_of

_METADATA_OPTIONS = "metadata-options."


@dataclass(frozen=True)
class Selection:
    """The selected instances in order of their ids, and the given ids that came to nothing."""

    selected: tuple[Observation, ...]
    not_found: tuple[str, ...]
    """Ids given that EC2 does not know, or that belong to instances terminated or about to be."""
    excluded_nothing: tuple[str, ...]
    """Ids excluded that would not have been selected."""


def select_violations(select: Mapping[str, object], place: str = "select") -> list[str]:
    """A sentence for each filter that cannot be used; ``place`` is where the person wrote them."""
    if not select:
        return [f'{place} must name at least one filter; {{"instance-id": ["i-*"]}} selects every instance.']
    problems = []
    for name, values in select.items():
        where = place_of(place, name)
        if name.startswith(_METADATA_OPTIONS):
            problems.append(f"{where} cannot select a fleet: an instance would leave as soon as it complies.")
        elif not isinstance(values, list | tuple) or not values:
            problems.append(f"{where} must be a list of at least one string.")
        else:
            problems += [
                f"{where} must hold strings only, got {quote(value)}." for value in values if not isinstance(value, str)
            ]
    return problems


def select(found: Iterable[Observation], *, instance_ids: Collection[str], exclude: Collection[str]) -> Selection:
    """The instances that EC2 ``found``, by filters and by ``instance_ids``, without those in ``exclude``.

    Instances that are terminated, or shutting down, are never selected.
    """
    living = {each.instance_id: each for each in found if each.instance_state not in GONE_STATES}
    return Selection(
        selected=tuple(living[instance_id] for instance_id in sorted(living.keys() - set(exclude))),
        not_found=tuple(sorted(set(instance_ids) - living.keys())),
        excluded_nothing=tuple(sorted(set(exclude) - living.keys())),
    )
