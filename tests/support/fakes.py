"""Time and EC2 in memory, for tests of what decides: no network, no waiting, and every call written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from imds_provider.errors import DeadlinePassedError, InstanceGoneError
from imds_provider.rules.observation import GONE_STATES, Observation
from imds_provider.rules.options import OPTIONS, Options, OptionValue, from_ec2
from imds_provider.waiting.clock import Deadline

OWNER = "123456789012"
LAX: Options = {
    "httpTokens": "optional",
    "httpPutResponseHopLimit": 1,
    "httpEndpoint": "enabled",
    "httpProtocolIpv6": "disabled",
    "instanceMetadataTags": "disabled",
}
"""What EC2 gives an instance that nobody asked anything of."""

LOOPS_NOBODY_WAITS_FOR = 10_000


def observe(
    instance_id: str,
    options: Options = LAX,
    *,
    state: str = "applied",
    instance_state: str = "running",
    launched_at: datetime | None = None,
) -> Observation:
    return Observation(instance_id, instance_state, state, dict(options), OWNER, launched_at)


class FakeClock:
    """Time that passes only in pauses, and in the calls of a :class:`FakeEc2` that has a latency."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self._now = 1000.0
        self._events: list[tuple[float, Callable[[], None]]] = []

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"a pause of {seconds} s")
        self.pauses.append(seconds)
        if len(self.pauses) > LOOPS_NOBODY_WAITS_FOR:
            raise AssertionError("the loop never ends")
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass, with what is to happen in it."""
        end = self._now + seconds
        while due := [event for event in self._events if event[0] <= end]:
            event = min(due, key=lambda each: each[0])
            self._events.remove(event)
            self._now = max(self._now, event[0])
            event[1]()
        self._now = end

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen once that many seconds have passed."""
        self._events.append((self._now + seconds, action))


class FakeEc2:
    """Two calls of EC2 over instances in memory.

    A modification shows as ``pending`` and is ``applied`` after ``pending_seconds``; a describe shows what was true
    ``stale_seconds`` ago; each call takes ``latency`` seconds. What a modification leaves out falls to the value
    that EC2 documents, or once documented, as its default: tokens optional, endpoint enabled.
    """

    region = "eu-west-1"

    def __init__(
        self, clock: FakeClock, *, pending_seconds: float = 1.5, stale_seconds: float = 0.0, latency: float = 0.0
    ) -> None:
        self.describes: list[tuple[str, ...]] = []
        self.described_ahead: list[str] = []
        self.modifications: list[dict[str, OptionValue]] = []
        self._clock = clock
        self._pending_seconds = pending_seconds
        self._stale_seconds = stale_seconds
        self._latency = latency
        self._history: dict[str, list[tuple[float, Observation]]] = {}
        self._failures: deque[tuple[Exception, bool]] = deque()

    def add(
        self,
        instance_id: str,
        options: Options = LAX,
        *,
        state: str = "applied",
        instance_state: str = "running",
        appears_after: float = 0.0,
    ) -> None:
        seen = observe(instance_id, options, state=state, instance_state=instance_state)
        self._history[instance_id] = [(self._clock.now() - self._stale_seconds + appears_after, seen)]

    def now_of(self, instance_id: str) -> Observation:
        """The instance as it is, whatever a describe shows."""
        return self._history[instance_id][-1][1]

    def change(self, instance_id: str, **changes: str) -> None:
        """Change the instance behind everybody's back: ``instance_state`` or ``state``."""
        self._becomes(replace(self.now_of(instance_id), **changes))  # type: ignore[arg-type]  # its texts alone

    def put(self, instance_id: str, options: Options, *, state: str) -> None:
        """Have somebody else set other options."""
        self._becomes(replace(self.now_of(instance_id), options=options, state=state))

    def start(self, instance_id: str) -> None:
        self.change(instance_id, instance_state="running", state="applied")

    def fail_modify(self, *errors: Exception, took_effect: bool = False) -> None:
        """Let the next modifications end in these errors, carried out or not."""
        self._failures.extend((error, took_effect) for error in errors)

    def describe(self, instance_ids: Iterable[str], deadline: Deadline) -> Mapping[str, Observation]:
        asked = tuple(instance_ids)
        if deadline.passed:
            raise DeadlinePassedError("no time was left to ask.")
        self.describes.append(asked)
        self._clock.advance(self._latency)
        shown = self._clock.now() - self._stale_seconds
        found = {}
        for instance_id in asked:
            past = [seen for at, seen in self._history.get(instance_id, ()) if at <= shown]
            if past:
                found[instance_id] = past[-1]
        return found

    def describe_ahead(self, instance_id: str, deadline: Deadline) -> Mapping[str, Observation]:
        self.described_ahead.append(instance_id)
        return self.describe([instance_id], deadline)

    def modify(
        self, instance_id: str, parameters: Options, deadline: Deadline
    ) -> tuple[str, Mapping[str, OptionValue]]:
        if deadline.passed:
            raise DeadlinePassedError("no time was left to send anything.")
        self.modifications.append(dict(parameters))
        self._clock.advance(self._latency)
        error, took_effect = self._failures.popleft() if self._failures else (None, True)
        if took_effect:
            self._modify(instance_id, parameters)
        if error is not None:
            raise error
        return self.now_of(instance_id).state, dict(self.now_of(instance_id).options)

    def _modify(self, instance_id: str, parameters: Options) -> None:
        now = self.now_of(instance_id)
        if now.instance_state in GONE_STATES:
            raise InstanceGoneError(f"{instance_id}: EC2 refused.", "IncorrectInstanceState")
        options = {**now.options, **carried_out(parameters)}
        if now.instance_state != "running":
            self._becomes(replace(now, options=options, state="pending"))
        elif self._pending_seconds:
            self._becomes(replace(now, options=options, state="pending"))
            self._clock.after(self._pending_seconds, lambda: self.change(instance_id, state="applied"))
        else:
            self._becomes(replace(now, options=options, state="applied"))

    def _becomes(self, seen: Observation) -> None:
        self._history[seen.instance_id].append((self._clock.now(), seen))


def carried_out(parameters: Options) -> dict[str, OptionValue]:
    """What EC2 makes of the parameters of a modification, as strict as botocore about their names and types."""
    types = {option.ec2_name: int if isinstance(option.allowed, range) else str for option in OPTIONS}
    for name, value in parameters.items():
        if type(value) is not types[name]:
            raise TypeError(f"{name}={value!r}")
    return {"httpTokens": "optional", "httpEndpoint": "enabled", **from_ec2(parameters)}
