"""An instance of a fleet."""

from __future__ import annotations

from dataclasses import dataclass

from imds_provider.rules.loosening import loosened
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options, changes, unknown


@dataclass(frozen=True)
class Member:
    """An instance that the fleet selects. Without wanted options it is left as it is."""

    observation: Observation
    wanted: Options
    exempt: bool = False
    blocked: bool = False
    """Whether its IMDSv1 calls stop the run."""
    unhealthy: str | None = None
    """Why an instance that already requires tokens is unhealthy, if it is."""

    @property
    def instance_id(self) -> str:
        return self.observation.instance_id

    @property
    def changes(self) -> Options:
        """The wanted values that the instance does not have and can take."""
        return changes(self.observation.options, self.wanted)

    @property
    def is_loosened(self) -> bool:
        """Whether the change makes the instance less strict. That needs a reason, and waits for no wave."""
        return bool(loosened(self.observation.options, self.wanted))

    @property
    def is_unknown(self) -> bool:
        """Whether EC2 does not report all wanted options, so that the instance is not known to comply."""
        return bool(unknown(self.observation.options, self.wanted))

    @property
    def is_managed(self) -> bool:
        """Whether the instance has a resource. One whose options EC2 does not report cannot be compared."""
        return bool(self.wanted and self.observation.options)
