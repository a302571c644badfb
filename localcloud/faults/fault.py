"""What goes wrong, as data: which calls a fault hits, and what it does to them."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Literal, get_args

from localcloud.api import errors
from localcloud.api.call import Call
from localcloud.api.metadata_options import OPTIONS

Effect = Literal[
    "error",
    "drop",
    "truncate",
    "delay",
    "stale",
    "stuck",
    "stop",
    "start",
    "terminate",
    "vanish",
    "change",
    "no-data",
    "partial",
]

MESSAGES: Mapping[str, str] = {
    "ExpiredToken": "The security token included in the request is expired",
    "RequestExpired": "Request has expired.",
    "AuthFailure": "AWS was not able to validate the provided access credentials",
    "RequestLimitExceeded": "Request limit exceeded.",
    "Throttling": "Rate exceeded",
    "UnsupportedOperation": errors.tokens_enforced("enable IMDSv1 on this instance").message,
    "InternalError": "An internal error has occurred",
    "Unavailable": "The service is unavailable. Please try again shortly.",
    "ServiceUnavailable": "The request has failed due to a temporary failure of the server.",
}
"""AWS's wording for a fault that brings no message of its own."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        effect: `error` answers `code`; `drop` closes the connection without an answer; `truncate` closes it in the
            middle of the body; `delay` takes `seconds` longer; `stale` shows the options of `seconds` ago; `stuck`
            leaves what is pending so until the next start; `stop`, `start`, `terminate`, `vanish` and `change` happen
            to the target, as if someone else did it; `no-data` leaves all results of a GetMetricData without points,
            `partial` those of every second query, and neither says so in the answer.
        action: the action that is hit, `*` for any.
        instance: hit only calls that name this instance, by id or in the filter `instance-id`.
        nth: the first of the matching calls that is hit, counted from 1 since the fault was set.
        times: how many matching calls are hit from there on; None for all.
        after: strike after the action took effect rather than before (`error`, `drop`, `delay` and what happens to
            the target). `truncate` and `stuck` always come after, `stale` before.
        code, message, status: of the error; the status follows from the code where it is not given.
        reason: with the codes UnauthorizedOperation, AccessDenied and AccessDeniedException, which policy denies the
            call, in IAM's words ("with an explicit deny in a session policy"; unless given, no policy allows it).
        encoded: whether an encoded authorization failure message is attached to UnauthorizedOperation.
        seconds: of `delay` and `stale`.
        target: whom something happens to; `instance` unless given, and else every instance that the call names.
        options: what `change` sets.
    """

    effect: Effect
    action: str = "*"
    instance: str | None = None
    nth: int = 1
    times: int | None = 1
    after: bool = False
    code: str = "InternalError"
    message: str | None = None
    status: int | None = None
    reason: str | None = None
    encoded: bool = False
    seconds: float = 0.0
    target: str | None = None
    options: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.effect not in get_args(Effect):
            raise ValueError(f"effect must be one of {', '.join(get_args(Effect))}, not {self.effect!r}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError(f"nth and times count from 1: {self.nth}, {self.times}")
        if unknown := set(self.options) - set(OPTIONS):
            raise ValueError(f"unknown option {min(unknown)!r}")

    @classmethod
    def from_json(cls, given: Mapping[str, object]) -> Fault:
        """The fault that `as_json` wrote.

        Raises:
            ValueError: for an unknown field or a value that is not allowed.
        """
        known = {each.name for each in fields(cls)}
        if unknown := set(given) - known:
            raise ValueError(f"unknown field of a fault {min(unknown)!r}; known are {', '.join(sorted(known))}")
        return cls(**given)  # type: ignore[arg-type]  # names are checked above, values by __post_init__

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @property
    def strikes_after(self) -> bool:
        return self.after or self.effect in ("truncate", "stuck")

    def matches(self, call: Call) -> bool:
        return self.action in ("*", call.action) and (self.instance is None or self.instance in call.instance_ids)

    def targets(self, call: Call) -> Sequence[str]:
        named = self.target or self.instance
        return call.instance_ids if named is None else [named]

    def error(self, call: Call) -> errors.EC2Error:
        if self.code == "UnauthorizedOperation" and self.message is None:
            encoded = base64.urlsafe_b64encode(f"{call.action} denied".encode() * 12).decode() if self.encoded else None
            arns = [f"arn:aws:ec2:{call.region}:{call.account}:instance/{each}" for each in call.instance_ids]
            # DescribeInstances is not authorized for single instances.
            resource = arns[0] if len(arns) == 1 and not call.action.startswith("Describe") else None
            return errors.unauthorized(call.action, call.caller, resource=resource, reason=self.reason, encoded=encoded)
        if self.code in ("AccessDenied", "AccessDeniedException") and self.message is None:
            denied = errors.access_denied(call.iam_action, call.caller, reason=self.reason)
            return errors.EC2Error(self.code, denied.message, self.status)
        message = MESSAGES.get(self.code, self.code) if self.message is None else self.message
        return errors.EC2Error(self.code, message, self.status)


@dataclass
class _Planned:
    fault: Fault
    matched: int = 0


class FaultPlan:
    """The faults that are set. Not thread-safe: the caller holds the lock."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []

    def add(self, faults: Sequence[Fault]) -> None:
        self._planned += map(_Planned, faults)

    def clear(self) -> None:
        self._planned.clear()

    def listed(self) -> list[dict[str, object]]:
        """The faults with `matched`, how many calls each has matched so far."""
        return [{**each.fault.as_json(), "matched": each.matched} for each in self._planned]

    def hits(self, call: Call) -> list[Fault]:
        """The faults that hit this call, which is counted by every fault that it matches."""
        hits = []
        for each in self._planned:
            fault = each.fault
            if fault.matches(call):
                each.matched += 1
                if each.matched >= fault.nth and (fault.times is None or each.matched < fault.nth + fault.times):
                    hits.append(fault)
        return hits
