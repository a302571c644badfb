"""One instance brought onto its options, on a fake EC2 and a clock that jumps."""

from __future__ import annotations

from imds_provider.errors import InstanceMissingError, OutcomeUnknownError
from imds_provider.rules.options import Options
from imds_provider.waiting.apply import Outcome, apply_options, find
from imds_provider.waiting.clock import Deadline
from tests.support.fakes import LAX, FakeClock, FakeEc2

WEB = "i-0123456789abcdef0"
WANTED: Options = {"httpTokens": "required"}
RIGHT: Options = {**LAX, **WANTED}
SENT: Options = {"HttpTokens": "required", "HttpEndpoint": "enabled"}
LOST = OutcomeUnknownError(f"{WEB}: no answer.", "InternalError")
NOT_FOUND = InstanceMissingError(f"{WEB}: EC2 does not know it.", "InvalidInstanceID.NotFound")


class Applying:
    """EC2 on a clock, and the operation as the resource asks for it."""

    def __init__(self, *, pending_seconds: float = 1.5, stale_seconds: float = 0.0, latency: float = 0.0) -> None:
        self.clock = FakeClock()
        self.ec2 = FakeEc2(self.clock, pending_seconds=pending_seconds, stale_seconds=stale_seconds, latency=latency)
        self.started = self.clock.now()

    def apply(
        self,
        wanted: Options = WANTED,
        *,
        seconds: float = 120,
        wait: bool = True,
        allow_downgrade: str | None = None,
        keep_stricter: bool = False,
    ) -> Outcome:
        return apply_options(
            self.ec2,
            WEB,
            wanted,
            Deadline(self.clock, seconds),
            wait_until_applied=wait,
            allow_downgrade=allow_downgrade,
            keep_stricter=keep_stricter,
        )

    def find(self, *, seconds: float = 120) -> None:
        find(self.ec2, WEB, Deadline(self.clock, seconds))

    @property
    def elapsed(self) -> float:
        return self.clock.now() - self.started
