"""Property bags as Pulumi passes them: unknown values, and the two spellings of a property's name."""

from __future__ import annotations

from collections.abc import Iterable

from pulumi.output import Unknown


def is_known(value: object) -> bool:
    """Whether the value is known; in a preview an output of a resource that does not exist yet is not."""
    return not isinstance(value, Unknown)


class Spelling:
    """How Python and Pulumi spell the properties of one resource: ``http_tokens`` and ``httpTokens``.

    Pulumi translates the keys of nested mappings too. Those are names that people gave to their instances, so any name
    that is not a property of the resource stays as it is.
    """

    def __init__(self, properties: Iterable[str]) -> None:
        self._in_pulumi = {name: _camel_case(name) for name in properties}
        self._in_python = {camel: name for name, camel in self._in_pulumi.items()}

    def in_pulumi(self, name: str) -> str:
        return self._in_pulumi.get(name, name)

    def in_python(self, name: str) -> str:
        return self._in_python.get(name, name)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)
