"""The fleet of a random rollout, as a program declares it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from imds_components import Exemption, FleetMetadata, Readiness, Rollout

ALARM = "checkout-5xx"
"""The alarm that there is, and that fleets may watch."""
REASON = "an agent calls IMDSv1"


@dataclass(frozen=True)
class Fleet:
    """What the program declares of the fleet."""

    name: str = "web"
    waves: tuple[int | str, ...] = (1, "30%", "100%")
    soak: float | None = None
    unknown: str = "warn"
    excluded: frozenset[str] = frozenset()
    exempt: frozenset[str] = frozenset()
    hop_limit: int | None = None
    alarms: tuple[str, ...] = ()
    insufficient_data: str = "warn"

    moved: frozenset[str] = frozenset()
    """The instances that are in another fleet, ``shop``."""

    def program(self, living: Collection[str]) -> Callable[[], object]:
        """A program with this fleet, and with the other one if it has any of the ``living`` instances."""
        others = sorted(self.moved & set(living) - self.excluded)

        def make() -> None:
            self._fleet(self.name, select={"tag:Team": ["web"]}, exclude=sorted(self.excluded | self.moved))
            if others:
                self._fleet("shop", instances=others)

        return make

    def _fleet(self, name: str, **given: Any) -> FleetMetadata:  # noqa: ANN401  what selects its instances
        return FleetMetadata(
            name,
            http_tokens="required",
            http_put_response_hop_limit=self.hop_limit,
            exemptions=[Exemption(each, REASON, "2999-12-31", http_tokens="optional") for each in sorted(self.exempt)],
            allow_downgrade=dict.fromkeys(self.exempt, REASON) or None,
            # IMDSv1 calls would stop the rollout before its first wave.
            readiness=Readiness(legacy_calls="off", unknown=self.unknown),  # type: ignore[arg-type]  # one of them
            rollout=Rollout(self.waves, self.soak, self.alarms, self.insufficient_data),  # type: ignore[arg-type]  # as above
            **given,
        )
