"""What a program finds of a live instance before it registers the resource: what will change, or that nothing will.

Both are inputs of the resource that are not recorded.
"""

from __future__ import annotations

import re

from .observation import GONE_STATES, Observation
from .options import Options, changes, parse_options, render, render_changes

_PART = re.compile(r"(?P<name>\w+): \S+ -> (?P<value>\S+)")
_NOTHING = "-"


def change_line(seen: Observation, wanted: Options) -> str | None:
    """What will change on the instance, such as ``httpTokens: optional -> required``; None if nothing will."""
    if seen.instance_state in GONE_STATES:
        return seen.instance_state
    return render_changes(seen.options, wanted) or None


def asks_for_change(line: object, options: Options) -> bool:
    """Whether a :func:`change_line` still holds for the options in the inputs.

    An option in ``ignoreChanges`` has its recorded value there, not the program's.
    """
    if not isinstance(line, str):
        return False
    parts = [_PART.fullmatch(part) for part in line.split(", ")]
    return any(part is None or str(options.get(part["name"])) == part["value"] for part in parts)


def found_line(seen: Observation, wanted: Options) -> str | None:
    """An instance with the wanted options, as a line for :func:`parse_found_line`; None if it must be described."""
    if not seen.options or seen.is_pending or seen.instance_state in GONE_STATES or changes(seen.options, wanted):
        return None
    facts = (seen.instance_state, seen.state, seen.owner_id)
    return " ".join([*(each or _NOTHING for each in facts), render(seen.options)])


def parse_found_line(instance_id: str, line: object, wanted: Options) -> Observation | None:
    """The instance of a :func:`found_line`, if it has the wanted options."""
    if not isinstance(line, str) or len(parts := line.split(" ")) < 4:
        return None
    instance_state, state, owner_id = ("" if each == _NOTHING else each for each in parts[:3])
    options = parse_options(parts[3:])
    if options is None or changes(options, wanted):
        return None
    return Observation(instance_id, instance_state, state, options, owner_id)
