"""Faults and the plan of those that are set."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Literal, get_args

from localcloud.api import errors
from localcloud.api.call import Call
from localcloud.api.metadata_options import OPTIONS
from localcloud.ec2.account_json import check_defaults

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
    "alarm",
    "no-data",
    "partial",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, in which calls.

    Attributes:
        effect: `error` answers with `code`; `drop` closes the connection without an answer; `truncate` closes it in
            the middle of the body; `delay` takes `seconds` longer; `stale` shows the options of `seconds` ago; `stuck`
            keeps pending options pending until the next start; `stop`, `start`, `terminate`, `vanish` and `change`
            happen to the target, as if someone else did it; `alarm` puts the CloudWatch alarm `target` into the state
            ALARM, with `message` as its reason; `no-data` removes the points from all results of a
            GetMetricData, `partial` from every second one, and the answer still says Complete.
        action: the affected action, `*` for any.
        instance: only calls that name this instance, by ID or in the filter `instance-id`, are affected.
        nth: the first matching call to affect, counted from 1 since the fault was set.
        times: how many matching calls to affect from there on; None for all.
        after: take effect after the action rather than before it (`error`, `drop`, `delay` and what happens to the
            target). `truncate` and `stuck` are always after, `stale` is before.
        code, message, status: of the error. Message and status default to AWS's for the code.
        reason: with UnauthorizedOperation, AccessDenied and AccessDeniedException, which policy denies the call, in
            IAM's words ("with an explicit deny in a session policy"). By default, no policy allows it.
        encoded: attach an encoded authorization failure message to UnauthorizedOperation.
        seconds: of `delay` and `stale`.
        target: the instance that something happens to. Defaults to `instance`, then to every instance that the call
            names. For `alarm`, the name of an alarm in the call's region.
        options: what `change` sets on its target.
        defaults: the account's defaults, by EC2's names, that `change` sets in the region of the call.
        region, account: only calls in this region, or in this account, are affected.
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
    defaults: Mapping[str, str | int] = field(default_factory=dict)
    region: str | None = None
    account: str | None = None

    def __post_init__(self) -> None:
        if self.effect not in get_args(Effect):
            raise ValueError(f"effect must be one of {', '.join(get_args(Effect))}, not {self.effect!r}")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError(f"nth and times must be 1 or more, not {self.nth} and {self.times}")
        if unknown := set(self.options) - set(OPTIONS):
            raise ValueError(f"unknown option {min(unknown)!r}")
        if self.effect == "alarm" and not self.target:
            raise ValueError("alarm needs the name of an alarm as target")
        check_defaults(self.defaults)

    @classmethod
    def from_json(cls, values: Mapping[str, object]) -> Fault:
        """Parse what `as_json` returns.

        Raises:
            ValueError: for an unknown field or a value that is not allowed.
        """
        known = {each.name for each in fields(cls)}
        if unknown := set(values) - known:
            raise ValueError(f"unknown field of a fault {min(unknown)!r}; known are {', '.join(sorted(known))}")
        return cls(**values)  # type: ignore[arg-type]  # names are checked above, values by __post_init__

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @property
    def is_after(self) -> bool:
        """Whether the fault takes effect after the action."""
        return self.after or self.effect in ("truncate", "stuck")

    def matches(self, call: Call) -> bool:
        return (
            self.action in ("*", call.action)
            and self.instance in (None, *call.instance_ids)
            and self.region in (None, call.region)
            and self.account in (None, call.account)
        )

    def targets(self, call: Call) -> Sequence[str]:
        target = self.target or self.instance
        return call.instance_ids if target is None else [target]

    def error(self, call: Call) -> errors.AWSError:
        if self.code == "UnauthorizedOperation" and self.message is None:
            encoded = base64.urlsafe_b64encode(f"{call.action} denied".encode() * 12).decode() if self.encoded else None
            arns = [f"arn:aws:ec2:{call.region}:{call.account}:instance/{each}" for each in call.instance_ids]
            # IAM has no resource-level permissions for describes.
            resource = arns[0] if len(arns) == 1 and not call.action.startswith("Describe") else None
            return errors.unauthorized(
                call.action, call.caller_arn, resource=resource, reason=self.reason, encoded=encoded
            )
        if self.code in ("AccessDenied", "AccessDeniedException") and self.message is None:
            denied = errors.access_denied(call.iam_action, call.caller_arn, reason=self.reason)
            return errors.AWSError(self.code, denied.message, self.status)
        message = errors.MESSAGES.get(self.code, self.code) if self.message is None else self.message
        return errors.AWSError(self.code, message, self.status)


@dataclass
class _Counted:
    fault: Fault
    matched: int = 0


class FaultPlan:
    """The faults that are set. Not thread-safe: callers hold the store's lock."""

    def __init__(self) -> None:
        self._faults: list[_Counted] = []

    def add(self, faults: Sequence[Fault]) -> None:
        self._faults += map(_Counted, faults)

    def clear(self) -> None:
        self._faults.clear()

    def as_json(self) -> list[dict[str, object]]:
        """The faults, each with `matched`, the number of calls it has matched so far."""
        return [{**each.fault.as_json(), "matched": each.matched} for each in self._faults]

    def for_call(self, call: Call) -> list[Fault]:
        """Count the call for every fault that it matches, and return the faults that affect it."""
        affecting = []
        for each in self._faults:
            fault = each.fault
            if fault.matches(call):
                each.matched += 1
                if each.matched >= fault.nth and (fault.times is None or each.matched < fault.nth + fault.times):
                    affecting.append(fault)
        return affecting
