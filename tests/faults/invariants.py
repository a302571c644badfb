"""What must hold of a run whatever goes wrong in it, and of the state and EC2 after it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from imds_provider.errors import ImdsError, NotAppliedError
from imds_provider.rules.options import OPTION_NAMES, Options, decode
from localcloud.ec2.instances import InstanceView
from tests.faults.instances import BEFORE, STOPPED, Fleet
from tests.support.attempts import Run
from tests.support.provider_run import SECRETS, JumpingEngine
from tests.support.stack_in_process import BARRIER, Program, Row, Stack

Kind = Literal["lost", "wrong", "hung", "unclear"]

LONGEST_LINE = 900
"""AWS's own reason takes 300 of it where a policy denies a call."""
_ADVICE = re.compile(r"\b(run|running|check|grant|renew|enable|allow|must|remove)\b", re.IGNORECASE)
_KEY = re.compile(r"\b(aws|imds):[a-zA-Z]+")
_OPAQUE = re.compile(r"[A-Za-z0-9+/=_-]{40,}")


@dataclass(frozen=True)
class Violation:
    """An invariant that does not hold. ``lost``: a change that is not recorded, or that nothing repairs."""

    kind: Kind
    text: str


def misbehaviour(run: Run, engine: JumpingEngine, fleet: Fleet) -> Iterator[Violation]:
    """An operation never hangs, and its errors help whoever reads them."""
    for hung in run.hung:
        yield Violation("hung", f"{hung.resource}: {hung.seconds or 'never ended'}")
    for name, error in run.failed.items():
        named = fleet.ids.values() if name == BARRIER else [fleet.ids[name]]
        if reason := _unclear(error, list(named)):
            yield Violation("unclear", f"{name}: {reason}: {error!r}")
    if engine.reported != [str(error) for name, error in run.failed.items() if name not in run.unfinished]:
        yield Violation("unclear", f"failed with {run.failed}, but reported {engine.reported}")
    for message in engine.messages:
        if _has_secret(message):
            yield Violation("unclear", f"shows a secret: {message}")


def _unclear(error: Exception, ids: list[str]) -> str | None:
    """Why the error does not help the person who reads it."""
    text = str(error)
    # A barrier lists its instances, one line per instance.
    lines = text.splitlines() if isinstance(error, NotAppliedError) else [text]
    faults = {
        "not one of ours": not isinstance(error, ImdsError),
        "the traceback shows other errors": error.__context__ is not None and not error.__suppress_context__,
        "shows a secret": _has_secret(text),
        "no sentence": not text.endswith(".") or any("\n" in line or len(line) > LONGEST_LINE for line in lines),
        "does not name the instance": not any(id_ in text for id_ in ids) and not _KEY.search(text),
        "does not say what to do": not _ADVICE.search(text),
    }
    return next((reason for reason, holds in faults.items() if holds), None)


def _has_secret(text: str) -> bool:
    return any(secret in text for secret in SECRETS) or _OPAQUE.search(text) is not None


def unmanaged(truth: Mapping[str, Options], fleet: Fleet, managed: Mapping[str, Options]) -> Iterator[Violation]:
    """Options that no program has managed are as before, or as somebody else has set them."""
    for name, options in truth.items():
        expected = {**BEFORE[name], **fleet.drift.get(name, {})}
        for option in OPTION_NAMES:
            if option not in managed[name] and options[option] != expected[option]:
                text = f"{name}: {option} is not managed, and went from {expected[option]} to {options[option]}"
                yield Violation("lost", text)


def in_effect(name: str, truth: Mapping[str, Options], wanted: Options) -> Iterator[Violation]:
    """EC2 has the wanted values, if the instance is still there."""
    for option, value in wanted.items() if name in truth else ():
        if truth[name][option] != value:
            yield Violation("lost", f"{name}: {option} should be {value}, and is {truth[name][option]}")


def recorded(
    stack: Stack,
    program: Program,
    views: Mapping[str, InstanceView],
    truth: Mapping[str, Options],
    *,
    changing: str | None,
    unknown: frozenset[str],
) -> Iterator[Violation]:
    """The state has what EC2 has, and all of it was waited for. That of ``changing`` may be outdated."""
    listed: dict[str, list[str]] = {"applied": [], "pending-start": [], "unknown": []}
    for row in program.rows:
        view, outputs = views[row.instance_id], stack.state[row.name].outputs
        seen = decode(outputs)
        for option in row.wanted:
            if option in seen and seen[option] != truth[row.name][option]:
                yield Violation("wrong", f"{row.name}: recorded {option}={seen[option]}, EC2 has {truth[row.name]}")
        expected = _expected_state(row, view, unknown)
        if expected != "pending-start" and view["metadata_state"] != "applied":
            yield Violation("wrong", f"{row.name}: did not wait until it was applied")
        if row.wait and row.name != changing and outputs["state"] != expected:
            yield Violation("wrong", f"{row.name}: recorded as {outputs['state']}, EC2 says {expected}")
        if not row.wait and row.name != changing:
            listed[expected].append(row.instance_id)
    if barrier := stack.state.get(BARRIER):
        others = {row.instance_id for row in program.rows if row.name == changing}
        for name, key in (("appliedIds", "applied"), ("pendingStartIds", "pending-start"), ("unknownIds", "unknown")):
            found, ids = barrier.outputs.get(name, []), listed[key]
            if set(found) - others != set(ids):
                yield Violation("wrong", f"barrier: recorded {name}={found}, EC2 says {sorted(ids)}")


def _expected_state(row: Row, view: InstanceView, unknown: frozenset[str]) -> str:
    """An instance that was changed while it was stopped waits for its start, whatever state EC2 reports."""
    changed_while_stopped = view["metadata_state"] == "pending" or row.name == STOPPED
    if view["state"] != "running" and changed_while_stopped:
        return "pending-start"
    return "unknown" if unknown & set(row.wanted) else "applied"


def refreshed(stack: Stack, truth: Mapping[str, Options], unknown: frozenset[str]) -> Iterator[Violation]:
    """After a refresh that succeeded the state has what EC2 has."""
    for name, options in truth.items():
        expected = {option: value for option, value in options.items() if option not in unknown}
        found = decode(stack.state[name].outputs) if name in stack.state else None
        if found != expected:
            yield Violation("wrong", f"{name}: recorded {found}, EC2 has {options}")


def previous(stack: Stack, program: Program, fleet: Fleet, unknown: frozenset[str]) -> Iterator[Violation]:
    """The values from before the options were managed are still recorded, so that they can be restored."""
    for row in program.rows:
        known = decode(stack.state[row.name].outputs["previous"])
        for option in set(row.wanted) - unknown:
            allowed = {BEFORE[row.name][option], fleet.drift.get(row.name, {}).get(option, BEFORE[row.name][option])}
            if known.get(option) not in allowed:
                text = (
                    f"{row.name}: {option} was {BEFORE[row.name][option]} before, `previous` says {known.get(option)}"
                )
                yield Violation("lost", text)
