"""The account defaults that the running program sets, on which its fleets can count for the next launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imds_provider.aws import Aws
from imds_provider.program.per_program import PerProgram
from imds_provider.rules.account_defaults import AccountDefaults
from imds_provider.rules.options import Options

_planned: PerProgram[dict[str | None, Options]] = PerProgram(dict)
"""By region; None is the stack's own."""


def announce(regions: Sequence[str] | None, defaults: Options) -> None:
    """Have the fleets that follow in the program count on these defaults. None for ``regions`` is the stack's own."""
    places: Sequence[str | None] = regions or (None,)
    _planned.get().update(dict.fromkeys(places, defaults))


def planned_defaults(region: str, aws: Aws) -> Options:
    """The defaults that the program sets in a region. Call it in the program's own thread."""
    planned = _planned.get()
    own = planned.get(None, {}) if planned and region == aws.default_region() else {}
    return {**own, **planned.get(region, {})}


def with_planned(seen: AccountDefaults, planned: Options) -> AccountDefaults:
    """The defaults as launches will find them after the run. Those of a declarative policy stay."""
    return seen if seen.is_managed_by_policy else replace(seen, values={**seen.values, **planned})
