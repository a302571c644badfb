"""A report as a SARIF 2.1.0 log, for GitHub's code scanning and other viewers of findings.

What is compliant is not in it. GitHub closes an alert that the next upload lacks, so an upload of a report that is not
complete closes alerts that are still right: ``executionSuccessful`` is false for such a report.

Sources: SARIF 2.1.0 with Errata 01 (OASIS); GitHub Docs, "SARIF support for code scanning" and "SARIF results exceed
one or more limits".
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import TextIO
from urllib.parse import quote

from imds_provider.rules.target import render_time
from imds_provider.rules.wording import instances

from ..controls import KINDS, Kind, Level
from ..findings import Finding, findings_of
from ..page.sources import Sources
from ..plain_text import one_line
from ..posture import Record, Source
from ..tally import Tally
from . import Context

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""GitHub rejects a log with more results in a run. It shows the 5,000 most severe."""
STACK_FOLDER = "stacks"
"""Where the stack files are, from the root of the repository."""

_SEVERITIES = {"high": "8.0", "medium": "5.0", "low": "3.0"}
"""``security-severity``: GitHub calls 7.0 and more high, and 4.0 and more medium."""
_KINDS: Mapping[str, int] = {kind.id: index for index, kind in enumerate(KINDS)}
_INCOMPLETE, _LEFT_OUT, _NO_CALLS = "imds-source-incomplete", "imds-results-left-out", "imds-calls-not-known"
_NOTIFICATIONS = {
    _INCOMPLETE: "A source of the report does not show all that there is.",
    _LEFT_OUT: "There are more results than GitHub accepts.",
    _NO_CALLS: "CloudWatch has no data on the IMDSv1 calls of instances.",
}

_Json = Mapping[str, object]


def write(records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None:
    """Write the most urgent findings, and as notifications what the report lacks. Holds the findings that it writes."""
    found = _Counted(chain.from_iterable(map(findings_of, records)))
    shown = heapq.nsmallest(MOST_RESULTS, found, key=lambda each: each.urgency)
    stacks = {each.environment for each in tally.sources if each.kind == "stack"}
    notifications = [*_on_sources(tally.sources), *_on_numbers(found.count - len(shown), tally)]
    run = {
        "tool": {"driver": _driver(context)},
        "invocations": [
            {
                "executionSuccessful": all(each.is_complete for each in tally.sources),
                "endTimeUtc": render_time(context.made_at),
                "toolExecutionNotifications": notifications,
            }
        ],
        "results": [_result(each, is_stack=each.environment in stacks) for each in shown],
        "columnKind": "unicodeCodePoints",
        "properties": {"title": context.title},
    }
    json.dump({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, out)
    out.write("\n")


class _Counted:
    """Findings, counted as they are iterated over."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._findings = findings
        self.count = 0

    def __iter__(self) -> Iterator[Finding]:
        for each in self._findings:
            self.count += 1
            yield each


def _driver(context: Context) -> _Json:
    return {
        "name": "imds-report",
        "version": context.version,
        "rules": [_rule(kind) for kind in KINDS],
        # GitHub wants all three of each descriptor.
        "notifications": [
            {"id": each, **{name: {"text": says} for name in ("shortDescription", "fullDescription", "help")}}
            for each, says in _NOTIFICATIONS.items()
        ],
    }


def _rule(kind: Kind) -> _Json:
    controls = "".join(f"\n- [{each.tag}]({each.uri})" for each in kind.controls)
    asked = f"\n\nThe same is asked for by:\n{controls}" if controls else ""
    return {
        "id": kind.id,
        "name": "".join(word.capitalize() for word in kind.id.split("-")),
        "shortDescription": {"text": f"{kind.title}."},
        "fullDescription": {"text": kind.why},
        "defaultConfiguration": {"level": kind.level},
        **({"helpUri": kind.controls[0].uri} if kind.controls else {}),
        "help": {
            "text": f"{kind.why} {kind.action}",
            "markdown": f"{kind.why}\n\n**What to do**: {kind.action}{asked}",
        },
        "properties": {
            "tags": ["security", *(each.tag for each in kind.controls)],
            "security-severity": _SEVERITIES[kind.severity],
            "controls": [{"framework": each.framework, "id": each.id, "uri": each.uri} for each in kind.controls],
        },
    }


def _result(finding: Finding, *, is_stack: bool) -> _Json:
    result: dict[str, object] = {
        "ruleId": finding.kind.id,
        "ruleIndex": _KINDS[finding.kind.id],
        "level": finding.level,
        "message": {"text": _plain(finding.message)},
        "locations": [_location(finding, is_stack=is_stack)],
        "partialFingerprints": {
            # The only one that GitHub compares. It is of the finding, since the line in the file is always the first.
            "primaryLocationLineHash": sha256(f"{finding.kind.id}/{finding.identity}".encode()).hexdigest()[:32],
            "imdsFinding/v1": finding.identity,
        },
        "properties": {
            name: value
            for name, value in {
                "environment": finding.environment,
                "account": finding.account,
                "region": finding.region,
                "fleet": finding.fleet,
                "option": finding.option,
            }.items()
            if value
        },
    }
    if finding.accepted:
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": _plain(finding.accepted)}]
    return result


def _location(finding: Finding, *, is_stack: bool) -> _Json:
    """Where a finding is: in AWS, and for GitHub, which shows nothing without a file, in the stack file.

    A live result has no file. Its URI is the path of its resource, by which GitHub can filter.
    """
    place = [each for each in (finding.account, finding.region, finding.resource) if each]
    names = [STACK_FOLDER, f"Pulumi.{finding.environment.split('/')[-1]}.yaml"] if is_stack else ["aws", *place]
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": "/".join(quote(each, safe="") for each in names)},
            "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
        },
        "logicalLocations": [
            {
                "name": place[-1] if place else finding.environment,
                "fullyQualifiedName": "/".join(place),
                "kind": "resource",
            }
        ],
    }


def _on_sources(sources: Sequence[Source]) -> Iterable[_Json]:
    for each in Sources(sources).incomplete:
        place = "/".join(part for part in (each.environment, each.account, each.region) if part)
        said = f"{place}: {Sources.meaning(each)}"
        yield _notification(_INCOMPLETE, "error", f"{said}: {each.problem}" if each.problem else f"{said}.")


def _on_numbers(left_out: int, tally: Tally) -> Iterable[_Json]:
    if left_out:
        yield _notification(
            _LEFT_OUT,
            "warning",
            f"{left_out:,} less urgent results are left out, since GitHub accepts {MOST_RESULTS:,}. "
            "Write a report for each environment, or use --format json.",
        )
    if tally.calls_not_known:
        yield _notification(
            _NO_CALLS,
            "note",
            f"CloudWatch has no data on the IMDSv1 calls of {instances(tally.calls_not_known)}, which does not "
            "mean that there are none.",
        )


def _notification(identifier: str, level: Level, text: str) -> _Json:
    return {
        "descriptor": {"id": identifier, "index": list(_NOTIFICATIONS).index(identifier)},
        "level": level,
        "message": {"text": _plain(text)},
    }


def _plain(text: str) -> str:
    """Text on one line without an embedded link, which brackets before a parenthesis would make (SARIF, 3.11.6)."""
    return one_line(text).replace("](", "] (")
