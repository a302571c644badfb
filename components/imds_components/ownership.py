"""Which component of a program manages which instance, so that no two give it options of their own."""

from __future__ import annotations

from collections.abc import Iterable

from imds_provider.program.per_program import PerProgram


class Ownership:
    """The instances of one program's components.

    Several ``InstanceMetadata`` may share an instance, each with other options. A fleet shares its instances with no
    other component.
    """

    def __init__(self) -> None:
        self._fleets: dict[str, str] = {}
        self._attached: dict[str, str] = {}

    def select(self, fleet: str, ids: Iterable[str]) -> list[str]:
        """Enter the instances of a fleet. Returns one line per instance that another component manages."""
        problems = []
        for each in ids:
            if each in self._fleets:
                problems.append(
                    f"{each} is in the fleets {self._fleets[each]} and {fleet}: exclude it from all but one."
                )
            elif each in self._attached:
                problems.append(_both(each, self._attached[each], fleet))
            self._fleets[each] = fleet
        return problems

    def attach(self, component: str, ids: Iterable[str]) -> list[str]:
        """Enter the instances of an ``InstanceMetadata``. Returns one line per instance that is in a fleet."""
        given = list(ids)
        self._attached.update(dict.fromkeys(given, component))
        return [_both(each, component, self._fleets[each]) for each in given if each in self._fleets]


_ownership = PerProgram(Ownership)


def of_this_program() -> Ownership:
    """The ownership of the program that is running."""
    return _ownership.get()


def _both(instance_id: str, component: str, fleet: str) -> str:
    return (
        f"{instance_id} is managed by both InstanceMetadata {component} and fleet {fleet}: "
        f"exclude it from the fleet or remove it from {component}."
    )
