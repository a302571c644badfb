"""What a tool has made of a fleet, by what EC2 has before and after. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.bound import DESCRIBE, MODIFY
from benchmarks.comparison.fleets import WANTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from localcloud.ec2.instances import InstanceView
    from localcloud.http.journal import LoggedCall


@dataclass(frozen=True)
class Verdict:
    """Counts of instances.

    Attributes:
        size: all of the fleet.
        right: they have what is wanted, and nothing else about their options has changed.
        pending: they run, and their options are not applied yet.
        unasked: changes that nobody asked for, such as `HttpEndpoint: disabled -> enabled`.
    """

    size: int
    right: int
    pending: int
    unasked: Mapping[str, int]


def judge(before: Iterable[InstanceView], after: Iterable[InstanceView]) -> Verdict:
    """Compare the same instances before and after.

    A stopped instance counts as right with the wanted values: EC2 applies them when it starts. An instance whose
    endpoint is disabled counts as right with the wanted tokens: EC2 refuses to change its hop limit.
    """
    earlier = {each["id"]: each for each in before}
    views = list(after)
    unasked = {each["id"]: _unasked(earlier[each["id"]], each) for each in views}
    return Verdict(
        size=len(views),
        right=sum(_is_as_wanted(each) and not unasked[each["id"]] for each in views),
        pending=sum(each["state"] == "running" and each["metadata_state"] == "pending" for each in views),
        unasked=Counter(change for changes in unasked.values() for change in changes),
    )


def looked_again(log: Iterable[LoggedCall]) -> bool:
    """Whether a describe arrived after the last modification was answered, without which nobody can have waited."""
    calls = list(log)
    modified = max((each["time"] + each["seconds"] for each in calls if each["action"] == MODIFY), default=0.0)
    return any(each["action"] == DESCRIBE and each["time"] >= modified for each in calls)


def _is_as_wanted(view: InstanceView) -> bool:
    if view["options"].get("HttpEndpoint") == "disabled":
        return view["options"].get("HttpTokens") == WANTED["HttpTokens"]
    return dict(view["options"]).items() >= dict(WANTED).items()


def _unasked(before: InstanceView, after: InstanceView) -> list[str]:
    old, new, wanted = dict(before["options"]), dict(after["options"]), dict(WANTED)
    return [
        f"{name}: {old.get(name)} -> {value}"
        for name, value in new.items()
        if value not in (old.get(name), wanted.get(name))
    ]
