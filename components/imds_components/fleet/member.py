"""An instance of a fleet."""

from __future__ import annotations

from dataclasses import dataclass

from imds_provider.rules.loosening import loosened
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options, changes
from imds_provider.rules.options import unknown as unknown_options


@dataclass(frozen=True)
class Member:
    """An instance of a fleet; no wanted options mean that it is left as it is."""

    observation: Observation
    wanted: Options
    exempt: bool = False
    blocked: bool = False
    unhealthy: str | None = None
    """What is wrong with an instance that requires tokens already, if anything is."""

    @property
    def instance_id(self) -> str:
        return self.observation.instance_id

    @property
    def changes(self) -> Options:
        """The wanted values that the instance does not have and can take."""
        return changes(self.observation.options, self.wanted)

    @property
    def is_loosened(self) -> bool:
        """Whether the change makes the instance less strict, which needs a reason and waits for no wave."""
        return bool(loosened(self.observation.options, self.wanted))

    @property
    def is_unknown(self) -> bool:
        """Whether EC2 does not report all that is wanted, so that the instance is not known to comply."""
        return bool(unknown_options(self.observation.options, self.wanted))

    @property
    def is_managed(self) -> bool:
        """Whether the instance has a resource: one of which EC2 reports nothing cannot be compared, so it has none."""
        return bool(self.wanted and self.observation.options)
