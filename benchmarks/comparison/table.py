"""The table of docs/compared.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmarks.comparison.judging import Verdict
    from localcloud.http.journal import Counts


@dataclass(frozen=True)
class Result:
    """The result of one tool on one fleet.

    Attributes:
        seconds: wall time, from the start of the process to its end.
        exit_code: None if it was killed at the time limit.
        counts: its API calls by action.
        described_after_changes: whether it described the instances after its last modification.
        reported: the number of instances for which it reported success.
    """

    fleet: str
    tool: str
    seconds: float
    exit_code: int | None
    counts: Mapping[str, Counts]
    described_after_changes: bool
    reported: int
    verdict: Verdict


_COLUMNS = (
    ("fleet", "---"),
    ("tool", "---"),
    ("wall time", "---:"),
    ("calls", "---"),
    ("throttled", "---:"),
    ("compliant", "---:"),
    ("reported success", "---:"),
    ("waited", "---"),
    ("unrequested changes", "---"),
)
LEGEND = """\
compliant: instances with the wanted options, of which no other option has changed
reported success: instances for which the tool's own exit code or report claims success
waited: it described the instances after its last change, and no running instance was pending when it exited"""


def table(results: Iterable[Result]) -> str:
    """Format the results as a Markdown table."""
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
        f"{verdict.compliant} of {verdict.size}",
        str(result.reported),
        _waited(result),
        _listed(verdict.unrequested) or "none",
    ]


def _time(result: Result) -> str:
    if result.exit_code is None:
        return f"killed after {result.seconds:.1f} s"
    failed = f", exit code {result.exit_code}" if result.exit_code else ""
    return f"{result.seconds:.1f} s{failed}"


def _waited(result: Result) -> str:
    if result.exit_code is None:
        return "killed"
    if result.verdict.pending:
        return f"no, {result.verdict.pending} pending"
    return "yes" if result.described_after_changes else "no"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
