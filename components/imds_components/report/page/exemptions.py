"""Exemptions by when they end. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ..posture import Exempt, Instance

SOON_DAYS = 30
"""An exemption that ends within this many days ends soon."""

When = Literal["ended", "soon", "later"]


@dataclass(frozen=True)
class Exemption:
    """An exempt instance, and how many days remain after today; fewer than none once it has ended."""

    instance: Instance
    exempt: Exempt
    days_left: int

    @property
    def when(self) -> When:
        if self.days_left < 0:
            return "ended"
        return "soon" if self.days_left <= SOON_DAYS else "later"

    @property
    def remaining(self) -> str:
        """``ended 12 days ago``, ``ends today``, ``ends in 5 days``."""
        if not self.days_left:
            return "ends today"
        days = f"{abs(self.days_left):,} {'day' if abs(self.days_left) == 1 else 'days'}"
        return f"ended {days} ago" if self.days_left < 0 else f"ends in {days}"


def exemptions(instances: Iterable[Instance], today: date) -> list[Exemption]:
    """The exemptions of these instances, the first to end first. The day it names is the last day of an exemption."""
    found = [Exemption(each, each.exempt, (each.exempt.until - today).days) for each in instances if each.exempt]
    return sorted(found, key=lambda each: (each.exempt.until, each.instance.environment, each.instance.instance))
