"""The table for the README. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.comparison.judging import Verdict
    from localcloud.http.journal import Counts


@dataclass(frozen=True)
class Result:
    """What one tool did with one fleet.

    Attributes:
        seconds: wall time, from the start of its process to its end.
        exit_code: None if it reached the limit of time and was stopped.
        counts: its calls by action.
        looked_again: whether it asked for the instances after its last modification.
        said: of how many instances it said that it succeeded.
    """

    fleet: str
    tool: str
    seconds: float
    exit_code: int | None
    counts: Mapping[str, Counts]
    looked_again: bool
    said: int
    verdict: Verdict


_COLUMNS = (
    ("fleet", "---"),
    ("tool", "---"),
    ("wall time", "---:"),
    ("calls", "---"),
    ("throttled", "---:"),
    ("ended right", "---:"),
    ("said so", "---:"),
    ("waited", "---"),
    ("changed unasked", "---"),
)
LEGEND = """\
Ended right: EC2 has the wanted options, and no other option has changed.
Said so: for how many instances the tool's own exit code or report says that it succeeded.
Waited: it looked again, and no running instance had pending options when it ended."""


def table(results: Iterable[Result]) -> str:
    """In Markdown, a line for each result."""
    rows = ([name for name, _ in _COLUMNS], [rule for _, rule in _COLUMNS], *map(_cells, results))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(result: Result) -> list[str]:
    verdict = result.verdict
    return [
        result.fleet,
        result.tool,
        _time(result),
        _listed({action: counts["calls"] for action, counts in result.counts.items()}),
        str(sum(counts["throttled"] for counts in result.counts.values())),
        f"{verdict.right} of {verdict.size}",
        str(result.said),
        _waited(result),
        _listed(verdict.unasked) or "nothing",
    ]


def _time(result: Result) -> str:
    if result.exit_code is None:
        return f"stopped after {result.seconds:.1f} s"
    failed = f", exit code {result.exit_code}" if result.exit_code else ""
    return f"{result.seconds:.1f} s{failed}"


def _waited(result: Result) -> str:
    if result.exit_code is None:
        return "did not end"
    if result.verdict.pending:
        return f"no, {result.verdict.pending} pending"
    return "yes" if result.looked_again else "no"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
