"""What a handler of the API works on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.api.call import Call
from localcloud.api.metadata_options import Snapshot
from localcloud.api.rendering import metadata_options
from localcloud.ec2.store import World
from localcloud.faults import Effect

EVERY = "*"


@dataclass(frozen=True)
class Request:
    """A call, and the world it is made to.

    Attributes:
        environ: as it arrived, for moto; so is `body`.
        stale: how many seconds ago this call sees an instance's options, by instance id or `EVERY`.
        emptied: `no-data` and `partial`, where they hit the call.
    """

    world: World
    call: Call
    request_id: str
    environ: Mapping[str, object]
    body: bytes
    stale: dict[str, float] = field(default_factory=dict)
    emptied: set[Effect] = field(default_factory=set)

    @property
    def place(self) -> tuple[str, str]:
        """Account and region."""
        return self.call.account, self.call.region

    def seen_at(self, instance_id: str) -> float:
        settings = self.world.settings
        ago = self.stale.get(instance_id, self.stale.get(EVERY, settings.stale))
        return self.world.clock.now() - ago

    def options_xml(self, snapshot: Snapshot, at: float) -> str:
        return metadata_options(snapshot, at, knows=lambda option: self.world.settings.knows(self.call.region, option))
