"""What launches instances, and whether the next one starts looser than wanted.

A group launches from a launch template or a launch configuration; each override of a mixed policy may have a template,
or an image, of its own. Source: EC2 Auto Scaling API reference, ``AutoScalingGroup`` and ``LaunchTemplateOverrides``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from .account_defaults import AccountDefaults
from .launch_options import Decided, Image, image_decides, resolve_launch
from .loosening import can_be_loosened, loosened
from .options import HTTP_TOKENS, Options, OptionValue

ENFORCED: Options = {HTTP_TOKENS: "required"}
"""What every launch needs once IMDSv2 is enforced. A launch with other tokens fails."""
_SHOWN = 3


@dataclass(frozen=True)
class Candidate:
    """What a group may launch its next instance from.

    ``launcher`` names it: ``launch template web-lt (lt-0…) version 3 ($Default)``. ``options`` are those that it sets.
    ``unknown`` says why they are not known, if they are not: ``does not exist``. An image of None is not named.
    """

    launcher: str
    options: Options = field(default_factory=dict)
    image: Image | None = None
    is_template: bool = True
    unknown: str = ""

    def needs_image(self, defaults: AccountDefaults) -> bool:
        """Whether the image decides the tokens of an instance."""
        return self.image is not None and not self.unknown and image_decides(self.options, defaults)


@dataclass(frozen=True)
class LaunchSource:
    """An autoscaling group."""

    group: str
    candidates: Sequence[Candidate]
    max_size: int = 1

    def with_candidates(self, change: Callable[[Candidate], Candidate]) -> LaunchSource:
        return replace(self, candidates=[change(each) for each in self.candidates])


@dataclass(frozen=True)
class LooserLaunch:
    """An option that the next instance of a group may start looser than wanted with; ``source`` is the group.

    A value of None is not known, which never counts as compliant.
    """

    source: LaunchSource
    candidate: Candidate
    option: str
    decided: Decided
    wanted: OptionValue

    @property
    def reason(self) -> str:
        """What decides the option, as a clause."""
        launcher, decided = self.candidate.launcher, self.decided
        if self.candidate.unknown:
            return f"{launcher} {self.candidate.unknown}"
        if decided.by != launcher:
            value = decided.unknown or f"which is {decided.value}"
            return f"{launcher} leaves {self.option} to {decided.by}, {value}"
        return f"{launcher}, {decided.unknown}" if decided.unknown else f"{launcher} sets {self.option}={decided.value}"

    def as_output(self) -> dict[str, str | int]:
        """The entry of a stack output. Its keys are a contract."""
        decided = self.decided
        return {
            "group": self.source.group,
            "launchedBy": self.candidate.launcher,
            "option": self.option,
            "value": "unknown" if decided.value is None else decided.value,
            "wanted": self.wanted,
            "decidedBy": f"{decided.by}, {decided.unknown}" if decided.unknown else decided.by,
        }


def looser_launches(sources: Iterable[LaunchSource], defaults: AccountDefaults, wanted: Options) -> list[LooserLaunch]:
    """The options that the next instances of the groups may start looser than wanted with, or are not known to have.

    With :data:`ENFORCED` these are the launches that fail once IMDSv2 is enforced. In order of the groups' names.
    """
    strict = can_be_loosened(wanted)
    found = [
        LooserLaunch(source, candidate, name, decided[name], wanted[name])
        for source in sorted(sources, key=lambda each: each.group)
        for candidate in source.candidates
        for decided in [_decided(candidate, defaults)]
        for name in strict
        if _is_looser(name, decided[name].value, wanted)
    ]
    # Overrides of a group that differ in their image alone.
    return list({(each.source.group, each.option, each.reason): each for each in found}.values())


def _decided(candidate: Candidate, defaults: AccountDefaults) -> dict[str, Decided]:
    resolved = resolve_launch(candidate.launcher, candidate.options, defaults, candidate.image)
    if not candidate.unknown:
        return dict(resolved)
    return {name: Decided(None, candidate.launcher, f"which {candidate.unknown}") for name in resolved}


def _is_looser(name: str, value: OptionValue | None, wanted: Options) -> bool:
    return value is None or bool(loosened({name: wanted[name]}, {name: value}))


def looser_lines(found: Iterable[LooserLaunch]) -> list[str]:
    """One line per group for :func:`looser_launches`: what is looser, what decides it, what to do."""
    return [
        _line(
            some,
            f"can launch instances without {_wanted(some)}"
            if _is_known(some)
            else f"is not known to launch instances with {_wanted(some)}",
        )
        for some in _by_group(found)
    ]


def refused_lines(found: Iterable[LooserLaunch]) -> list[str]:
    """One line per group for :func:`looser_launches` with :data:`ENFORCED`: its launches would fail."""
    return [
        _line(
            some,
            "could not launch instances any more, since EC2 refuses optional tokens where IMDSv2 is enforced"
            if _is_known(some)
            else "is not known to launch instances with required tokens, and EC2 refuses others where it is enforced",
        )
        for some in _by_group(found)
    ]


def unread_line(reason: object) -> str:
    """Report that AWS did not answer what launches instances."""
    return f"what launches instances is not known: {reason}"


def _by_group(found: Iterable[LooserLaunch]) -> list[list[LooserLaunch]]:
    return [list(some) for _, some in groupby(found, key=lambda each: each.source.group)]


def _is_known(found: Iterable[LooserLaunch]) -> bool:
    return any(each.decided.value is not None for each in found)


def _wanted(found: Iterable[LooserLaunch]) -> str:
    return " ".join(dict.fromkeys(f"{each.option}={each.wanted}" for each in found))


def _line(found: Sequence[LooserLaunch], what: str) -> str:
    source = found[0].source
    size = " (its maximum size is 0 now)" if source.max_size == 0 else ""
    reasons = list(dict.fromkeys(each.reason for each in found))
    more = [f"and {len(reasons) - _SHOWN} more"] if len(reasons) > _SHOWN else []
    return f"autoscaling group {source.group}{size} {what}: {'; '.join([*reasons[:_SHOWN], *more])}. {_advice(found)}"


def _advice(found: Sequence[LooserLaunch]) -> str:
    wanted = _wanted(found)
    if not all(each.candidate.is_template for each in found):
        return f"Give the group a launch template with {wanted}; a launch configuration cannot be changed."
    if all(each.candidate.unknown for each in found):
        return f"Give the group a launch template that exists, with {wanted}."
    if all(each.decided.by != each.candidate.launcher for each in found):
        return f"Set {wanted} in a version of the launch template that the group uses, or as the account's default."
    return f"Set {wanted} in a version of the launch template that the group uses."


@dataclass(frozen=True)
class UnusedTemplates:
    """The launch templates of a region that no group uses, and those of which a launch would fail once enforced.

    What counts is the default version. One whose tokens are not known, since the launch names the image, is among the
    latter.
    """

    names: Sequence[str] = ()
    refused: Sequence[str] = ()


def unused_templates(candidates: Iterable[Candidate], defaults: AccountDefaults) -> UnusedTemplates:
    """Judge launch templates that no group uses."""
    every = list(candidates)
    refused = [each for each in every if _is_looser(HTTP_TOKENS, _decided(each, defaults)[HTTP_TOKENS].value, ENFORCED)]
    return UnusedTemplates([each.launcher for each in every], [each.launcher for each in refused])
