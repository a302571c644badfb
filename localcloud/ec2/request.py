"""What a handler receives and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from localcloud.api import moto_proxy, rendering
from localcloud.api.answer import Answer
from localcloud.api.call import Call
from localcloud.api.metadata_options import OPTIONS
from localcloud.api.serialization import serialized
from localcloud.ec2.option_history import Snapshot
from localcloud.ec2.store import InstanceStore

ANY_INSTANCE = "*"


@dataclass(frozen=True)
class Request:
    """A call with the state that it reads and changes.

    Attributes:
        environ: the WSGI environment, for moto.
        stale: how many seconds old the options are that this call shows, by instance ID or `ANY_INSTANCE`.
        missing_data: which results of a GetMetricData have no points: all (`no-data`) or every second (`partial`).
    """

    store: InstanceStore
    call: Call
    request_id: str
    environ: Mapping[str, object]
    body: bytes
    stale: dict[str, float] = field(default_factory=dict)
    missing_data: set[Literal["no-data", "partial"]] = field(default_factory=set)

    @property
    def scope(self) -> tuple[str, str]:
        """Account and region."""
        return self.call.account, self.call.region

    def shown_at(self, instance_id: str) -> float:
        """The time as of which a describe shows the instance's options."""
        ago = self.stale.get(instance_id, self.stale.get(ANY_INSTANCE, self.store.settings.stale))
        return self.store.clock.now() - ago

    def options_xml(self, snapshot: Snapshot, at: float) -> str:
        supported = [name for name in OPTIONS if self.store.settings.supports(self.call.region, name)]
        return rendering.elements({"State": snapshot.state(at), **{name: snapshot.values[name] for name in supported}})

    def answer(self, inner: str) -> Answer:
        """A successful answer of EC2."""
        return Answer(200, rendering.ec2_response(self.call.action, self.request_id, inner).encode())

    def serialized(self, result: Mapping[str, object]) -> Answer:
        """A successful answer of any service, from a result by AWS's member names."""
        return serialized(self.call.service, self.call.action, result, self.request_id)

    def forward(self) -> Answer:
        """Have moto answer.

        Raises:
            AWSError: InternalError, when moto fails or does not implement the action.
        """
        return moto_proxy.forward(self.environ, self.body, action=self.call.action, request_id=self.request_id)
