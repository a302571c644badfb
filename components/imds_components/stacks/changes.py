"""What imds-stacks would write, as changes of files by name. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from imds_provider.errors import InvalidInputError
from imds_provider.rules.validation import quote

from . import template
from .stack_file import Origin, origin, render
from .template import Target

_STACK_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", re.ASCII)
"""Pulumi's own rule (``tokens.ParseStackName``), without names that a shell takes for an option or hides."""


@dataclass(frozen=True)
class Change:
    """A file to write. ``before`` is None for a new one; equal to ``after``, there is nothing to do."""

    file: str
    before: str | None
    after: str

    @property
    def diff(self) -> str:
        """A unified diff, or an empty string."""
        lines = difflib.unified_diff(
            (self.before or "").splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            "/dev/null" if self.before is None else self.file,
            self.file,
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Left:
    """A stack file, written earlier, of an account or region that is not selected any more."""

    file: str
    origin: Origin

    @property
    def stack(self) -> str:
        return stack_of(self.file)


def file_of(stack: str) -> str:
    """Return the name of the file of a stack."""
    return f"Pulumi.{stack}.yaml"


def stack_of(file: str) -> str:
    """Return the name of the stack of a file."""
    return file.removeprefix("Pulumi.").removesuffix(".yaml")


def stack_names(targets: Iterable[Target], pattern: str) -> dict[str, Target]:
    """Return the targets by the name of their stack.

    Raises :class:`InvalidInputError` for a name that Pulumi does not take, and one that two targets would have, also if
    they differ only in case: on some file systems that is one file.
    """
    named: dict[str, Target] = {}
    folded: dict[str, Target] = {}
    for target in targets:
        stack = template.fill_name(pattern, target)
        if not _STACK_NAME.fullmatch(stack):
            raise InvalidInputError(
                f"{target}: {quote(stack)} is not a valid stack name (letters, digits, _, - and ., 100 at most, not "
                "first - or .); use {account_id} in --name."
            )
        other = folded.setdefault(stack.casefold(), target)
        if other is not target:
            raise InvalidInputError(
                f"{target} and {other} would both have the stack {stack}; use {{account_id}} and {{region}} in --name."
            )
        named[stack] = target
    return named


def plan(
    name: str, content: Mapping[str, object], named: Mapping[str, Target], existing: Mapping[str, str]
) -> list[Change]:
    """Return one change for each stack, in the order of their names.

    ``name`` and ``content`` are those of the template, ``existing`` the stack files of the folder. Raises
    :class:`InvalidInputError` for a file that somebody else wrote, and for one of another account or region: its stack
    has the state of what is there.
    """
    changes = []
    for stack, target in sorted(named.items()):
        file = file_of(stack)
        before = existing.get(file)
        if before is not None:
            _check_owner(file, before, target)
        changes.append(Change(file, before, render(name, content, target, before)))
    return changes


def _check_owner(file: str, text: str, target: Target) -> None:
    found = origin(text)
    if found is None:
        raise InvalidInputError(
            f"{file} was not written by imds-stacks, which does not overwrite it: move it away, or change --name."
        )
    if (found.account, found.region) != (target.account.id, target.region):
        raise InvalidInputError(
            f"{file} is that of account {found.account} in {found.region}, and so is the state of its stack; for "
            f"{target} use another name: {{account_id}} and {{region}} in --name."
        )


def left(name: str, named: Mapping[str, Target], existing: Mapping[str, str]) -> Iterator[Left]:
    """The files that the template ``name`` made earlier, and would not make now."""
    wanted = {file_of(stack) for stack in named}
    for file, text in sorted(existing.items()):
        found = origin(text)
        if file not in wanted and found is not None and found.template == name:
            yield Left(file, found)
