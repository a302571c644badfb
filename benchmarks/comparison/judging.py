"""The result of a run, from the instances before and after it."""

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
        size: all instances of the fleet.
        compliant: instances with the wanted options, of which no other option has changed.
        pending: running instances whose options are not applied yet.
        unrequested: changes of other options, such as `HttpEndpoint: disabled -> enabled`.
    """

    size: int
    compliant: int
    pending: int
    unrequested: Mapping[str, int]


def judge(before: Iterable[InstanceView], after: Iterable[InstanceView]) -> Verdict:
    """Compare the same instances before and after.

    A stopped instance with the wanted values counts as compliant: EC2 applies them when it starts. An instance whose
    endpoint is disabled counts as compliant with the wanted tokens: EC2 rejects a change of its hop limit.
    """
    earlier = {each["id"]: each for each in before}
    views = list(after)
    unrequested = {each["id"]: _unrequested(earlier[each["id"]], each) for each in views}
    return Verdict(
        size=len(views),
        compliant=sum(_complies(each) and not unrequested[each["id"]] for each in views),
        pending=sum(each["state"] == "running" and each["metadata_state"] == "pending" for each in views),
        unrequested=Counter(change for changes in unrequested.values() for change in changes),
    )


def described_after_changes(log: Iterable[LoggedCall]) -> bool:
    """Whether a describe followed the response to the last modification, without which a tool cannot have waited."""
    calls = list(log)
    modified = max((each["time"] + each["seconds"] for each in calls if each["action"] == MODIFY), default=0.0)
    return any(each["action"] == DESCRIBE and each["time"] >= modified for each in calls)


def _complies(view: InstanceView) -> bool:
    if view["options"].get("HttpEndpoint") == "disabled":
        return view["options"].get("HttpTokens") == WANTED["HttpTokens"]
    return dict(view["options"]).items() >= dict(WANTED).items()


def _unrequested(before: InstanceView, after: InstanceView) -> list[str]:
    old, new, wanted = dict(before["options"]), dict(after["options"]), dict(WANTED)
    return [
        f"{name}: {old.get(name)} -> {value}"
        for name, value in new.items()
        if value not in (old.get(name), wanted.get(name))
    ]
