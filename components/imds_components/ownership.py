"""Which component of a program has which instance, so that no two bring it onto options of their own."""

from __future__ import annotations

from collections.abc import Iterable

from imds_provider.program.per_program import PerProgram


class Claims:
    """The instances that the components of one program have so far.

    Several ``InstanceMetadata`` may share an instance, each with other options. A fleet has its instances alone.
    """

    def __init__(self) -> None:
        self._fleets: dict[str, str] = {}
        self._attached: dict[str, str] = {}

    def select(self, fleet: str, ids: Iterable[str]) -> list[str]:
        """Take instances into a fleet. Gives a sentence for each that is in another one, or attached besides."""
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
        """Attach an ``InstanceMetadata`` to instances. Gives a sentence for each that is in a fleet."""
        given = list(ids)
        self._attached.update(dict.fromkeys(given, component))
        return [_both(each, component, self._fleets[each]) for each in given if each in self._fleets]


_claims = PerProgram(Claims)


def of_this_program() -> Claims:
    """The claims of the program that is running."""
    return _claims.get()


def _both(instance_id: str, component: str, fleet: str) -> str:
    return (
        f"{instance_id} is attached by InstanceMetadata {component} and selected by the fleet {fleet}: "
        "exclude it from the fleet, or attach it no more."
    )
