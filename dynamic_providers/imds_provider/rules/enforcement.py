"""Whether an account can enforce IMDSv2 in a region without breaking launches and ways back.

Once it is enforced, EC2 refuses launches whose tokens are not required, and changes of instances to optional tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .allowed_values import LAUNCH_SOURCES, UNKNOWN
from .launch_sources import LooserLaunch, UnusedTemplates, refused_lines
from .observation import Observation
from .validation import Key, field_violations, raise_for
from .wording import shorten

KEYS = (Key("instances", LAUNCH_SOURCES), Key("launchSources", LAUNCH_SOURCES), Key("unknown", UNKNOWN))
OPTIONAL_TOKENS = {"metadata-options.http-tokens": ["optional"]}
"""The filter of DescribeInstances that finds the instances that allow IMDSv1."""


@dataclass(frozen=True)
class EnforcementReadiness:
    """What must hold in a region before IMDSv2 is enforced there.

    ``instances`` is whether instances that would keep optional tokens, and resources of the program that want them,
    stop the run, are reported, or are not looked up; ``launch_sources`` is the same for autoscaling groups whose next
    launch would fail. ``unknown`` is what groups whose tokens are not known do, and lookups that AWS does not answer.

    Raises :class:`InvalidInputError`, a ``ValueError``, with one line per value that is not allowed.
    """

    instances: Literal["block", "warn", "off"] = "block"
    launch_sources: Literal["block", "warn", "off"] = "block"
    unknown: Literal["warn", "block", "ignore"] = "warn"

    def __post_init__(self) -> None:
        raise_for("EnforcementReadiness", field_violations(self, KEYS))


@dataclass(frozen=True)
class TokenWish:
    """What ``owner``, a resource of the program, wants of an instance's tokens.

    ``region`` is empty where it is not known before the run.
    """

    owner: str
    tokens: object
    region: str = ""


@dataclass
class Findings:
    """What enforcement would break: one line per finding, by whether it stops the run."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def add(self, how: str, lines: Iterable[str]) -> None:
        """Add lines that ``block`` or ``warn``; others (``off``, ``ignore``) are dropped."""
        if how == "block":
            self.problems.extend(lines)
        elif how == "warn":
            self.warnings.extend(lines)


def judge_instances(
    readiness: EnforcementReadiness, optional: Mapping[str, Observation], wishes: Mapping[str, TokenWish], region: str
) -> Findings:
    """Judge the instances of a region that have optional tokens, and what the program wants of the tokens of others.

    Those that the program brings to required tokens do not count. Those that an AWS service manages are only warned of,
    since nobody else can change them.
    """
    found = Findings()
    wanting = {each: wish for each, wish in wishes.items() if wish.tokens == "optional"}
    here = {each: wish for each, wish in wanting.items() if each in optional or wish.region == region}
    found.add(readiness.instances, (_wish_line(each, here[each], region) for each in sorted(here)))
    left = [seen for each, seen in sorted(optional.items()) if each not in wishes]
    alone = [each.instance_id for each in left if not each.operator]
    if alone:
        line = (
            f"{region}: {_instances(alone)} IMDSv1, and nothing in this program requires tokens there: "
            f"{shorten(alone)}. Bring them to httpTokens=required first, with a fleet or InstanceMetadata."
        )
        found.add(readiness.instances, [line])
    served = [f"{each.instance_id} ({each.operator})" for each in left if each.operator]
    if served and readiness.instances != "off":
        found.warnings.append(
            f"{region}: left out, since an AWS service manages them and alone can change them, though they allow "
            f"IMDSv1: {shorten(served)}."
        )
    return found


def judge_launches(readiness: EnforcementReadiness, refused: Iterable[LooserLaunch], region: str) -> Findings:
    """Judge the autoscaling groups of a region whose launches would be refused, or are not known not to be."""
    found, launches = Findings(), list(refused)
    known = {each.source.group for each in launches if each.decided.value is not None}
    for how, some in (
        (readiness.launch_sources, [each for each in launches if each.source.group in known]),
        (readiness.unknown, [each for each in launches if each.source.group not in known]),
    ):
        found.add(how, (f"{region}: {line}" for line in refused_lines(some)))
    return found


def unused_line(unused: UnusedTemplates, region: str) -> str | None:
    """The count of the launch templates that no group uses; None if EC2 would refuse none of them."""
    if not unused.refused:
        return None
    templates = "1 launch template is" if len(unused.names) == 1 else f"{len(unused.names)} launch templates are"
    return (
        f"{region}: {templates} used by no autoscaling group; launches from the default version of "
        f"{len(unused.refused)} would be refused, or are not known not to be."
    )


def _wish_line(instance_id: str, wish: TokenWish, region: str) -> str:
    return (
        f"{instance_id}: {wish.owner} wants httpTokens=optional, which EC2 refuses where IMDSv2 is enforced. Set it to "
        f"required (in an exemption too), or do not enforce IMDSv2 in {region} yet."
    )


def _instances(ids: list[str]) -> str:
    return "1 instance allows" if len(ids) == 1 else f"{len(ids)} instances allow"
