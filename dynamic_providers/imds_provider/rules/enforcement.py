"""Whether an account can enforce IMDSv2 in a region without breaking launches and ways back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .allowed_values import LAUNCH_SOURCES, UNKNOWN
from .validation import Key, field_violations, raise_for

KEYS = (Key("instances", LAUNCH_SOURCES), Key("launchSources", LAUNCH_SOURCES), Key("unknown", UNKNOWN))


@dataclass(frozen=True)
class EnforcementReadiness:
    """What must hold in a region before IMDSv2 is enforced there.

    ``instances`` is whether instances that would keep optional tokens, and resources of the program that want them,
    stop the run, are reported, or are not looked up; ``launch_sources`` is the same for autoscaling groups whose next
    launch would fail. ``unknown`` is what groups whose tokens are not known do, and lookups that AWS does not answer.

    Raises :class:`InvalidInputError`, a ``ValueError``, with one line per value that is not allowed.
    """

    instances: Literal["block", "warn", "off"] = "block"
    launch_sources: Literal["block", "warn", "off"] = "block"
    unknown: Literal["warn", "block", "ignore"] = "warn"

    def __post_init__(self) -> None:
        raise_for("EnforcementReadiness", field_violations(self, KEYS))
