"""What the program saw of an instance before it registered the resource: what will change, or that nothing has to.

Both are inputs that are compared with nothing and recorded in no output. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .observation import GONE_STATES, Observation
from .options import Options, changes, decode, render, render_changes
from .target import parse_options

_PART = re.compile(r"(?P<name>\w+): \S+ -> (?P<value>\S+)")
_NOTHING = "-"


def change_line(seen: Observation, wanted: Options) -> str | None:
    """What will change on the instance: ``httpTokens: optional -> required``; None if nothing will."""
    if seen.instance_state in GONE_STATES:
        return seen.instance_state
    return render_changes(seen.options, wanted) or None


def asks_for_change(line: object, inputs: Mapping[str, object]) -> bool:
    """Whether a line of :func:`change_line` still holds for the inputs.

    An option that Pulumi was told to ignore has another value there than the program gave it.
    """
    if not isinstance(line, str):
        return False
    options = decode(inputs)
    parts = [_PART.fullmatch(part) for part in line.split(", ")]
    return any(part is None or str(options.get(part["name"])) == part["value"] for part in parts)


def found_line(seen: Observation, wanted: Options) -> str | None:
    """An instance that has what is wanted, on one line for :func:`found`; None for one that must be described."""
    if not seen.options or seen.is_pending or seen.instance_state in GONE_STATES or changes(seen.options, wanted):
        return None
    facts = (seen.instance_state, seen.state, seen.owner_id)
    return " ".join([*(each or _NOTHING for each in facts), render(seen.options)])


def found(instance_id: str, line: object, wanted: Options) -> Observation | None:
    """The instance on a line of :func:`found_line`, if it has what is wanted."""
    if not isinstance(line, str) or len(parts := line.split(" ")) < 4:
        return None
    instance_state, state, owner_id = ("" if each == _NOTHING else each for each in parts[:3])
    options = parse_options(parts[3:])
    if options is None or changes(options, wanted):
        return None
    return Observation(instance_id, instance_state, state, options, owner_id)
