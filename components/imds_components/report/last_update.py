"""How the last update of a stack ended, from its history and its state. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from .state import Properties, State, is_secret, mapping, parse_time, sequence, text

_LATE = timedelta(minutes=1)
"""How much later than the end of its update a state may be written: `pulumi` records ends in whole seconds."""
_ACCOUNT_OF_ROLE = re.compile(r"arn:[\w-]+:iam::(\d{12}):role/.+")

Result = Literal["succeeded", "failed", "interrupted", "running", "never", "read"]


@dataclass(frozen=True)
class LastUpdate:
    """The last update of a stack: what a :class:`Source` says of it, and the account and region it was to act in."""

    result: Result
    at: datetime | None = None
    problem: str = ""
    account: str = ""
    region: str = ""


def judge_update(state: State, history: Sequence[object], *, in_progress: bool = False) -> LastUpdate:
    """Judge the newest entry of `pulumi stack history --json`, if there is any, together with the state.

    A backend of files or buckets records an update only when it has ended. One that was killed shows by the operations
    that are pending in the state, or by a state that is newer than the last recorded update.
    """
    entry = mapping(history[0]) if history else {}
    account, region = _configured(mapping(entry.get("config")))
    ended, result = parse_time(entry.get("endTime")), entry.get("result")

    def judged(
        result: Literal["succeeded", "failed", "interrupted", "running", "never"], problem: str = ""
    ) -> LastUpdate:
        at = state.written_at if result in ("interrupted", "running") or ended is None else ended
        return LastUpdate(result, at if state.resources or ended else None, problem, account, region)

    if in_progress or result == "in-progress":
        return judged("running", "an update is in progress, so its state is incomplete.")
    if state.pending:
        return judged(
            "interrupted",
            f"an update was killed or is still running, with {_listed(state.pending)} not completed. "
            "Run `pulumi up` again.",
        )
    if not entry:
        return judged(
            "never",
            "no update is recorded, though there are resources: the first was killed or is still running, "
            "or the state was imported."
            if state.resources
            else "it was never updated.",
        )
    if result != "succeeded":
        return judged("failed", "the last update failed, so what it did not get to is missing or out of date.")
    if state.written_at and ended and state.written_at - ended > _LATE:
        return judged(
            "interrupted",
            "its state is newer than the last update that is recorded: one was killed or is still running. "
            "Run `pulumi up` again.",
        )
    return judged("succeeded")


def _listed(pending: Sequence[str]) -> str:
    shown = ", ".join(pending[:3])
    return f"{shown} and {len(pending) - 3} more" if len(pending) > 3 else shown


def _configured(config: Properties) -> tuple[str, str]:
    """The account and the region that an update was configured to act in, "" where that is not known."""
    allowed = [text(each) for each in sequence(_value(config, "aws:allowedAccountIds"))]
    roles = [mapping(each) for each in sequence(_value(config, "aws:assumeRoles"))]
    role = _ACCOUNT_OF_ROLE.fullmatch(text(roles[-1].get("roleArn"))) if roles else None
    account = role[1] if role else allowed[0] if len(allowed) == 1 else ""
    return account, text(_value(config, "aws:region"))


def _value(config: Properties, key: str) -> object:
    """The value of a key. Objects that were set without ``--path`` are strings of JSON."""
    entry = mapping(config.get(key))
    value = entry.get("objectValue", entry.get("value"))
    if entry.get("secret") or is_secret(value):
        return None
    if isinstance(value, str) and value.startswith("["):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value
