"""A report as a summary in Markdown, for the comment of a pull request, a step summary, or the terminal.

What others wrote is in code spans, in which nothing is a link, HTML or a mention. Sources: GitHub Flavored Markdown
spec, 4.10 (tables) and 6.3 (code spans); GitHub's API accepts a comment of up to 65,536 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TextIO

from imds_provider.rules.account_defaults import NO_PREFERENCE, in_words, render_default_changes, render_defaults
from imds_provider.rules.imdsv1_usage import Imdsv1Usage, render_minute
from imds_provider.rules.options import HTTP_TOKENS, OPTION_NAMES, render_changes, unknown_reason
from imds_provider.rules.wording import instances

from ..page.bars import LABELS, percentage
from ..page.sources import Sources
from ..plain_text import one_line
from ..posture import STATUSES, AccountRegion, Exempt, Group, Instance, Record, Source
from ..tally import Share, Tally
from . import Context

MOST_CHARACTERS = 65_000
"""A little less than what GitHub accepts."""
MOST_ROWS = 50
_CELL = 200
_RESERVE = 3_000
"""For what comes after the last row: every section gets its heading, and how many rows it has."""

_SHARES = ("Environment", "Instances", "Share", *(LABELS[each] for each in STATUSES))
_INSTANCE = ("Instance", "Name", "Environment", "Account", "Region")
_GROUP = ("Group", "Environment", "Account", "Region", "Option", "Next instance", "Wanted", "Decided by")
_ACCOUNT = ("Account", "Region", "Environment", "Defaults", "Enforced", "To change")

_Row = Sequence[str]


def write(records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None:
    """Write the summary. The sections that matter most come first, since the last are cut where it gets too long."""
    listed = [each for each in records if isinstance(each, Instance) and _is_listed(each)]
    page = _Page()
    page.add(f"# {_prose(context.title)}\n\n{_answer(tally)}\n")
    incomplete = Sources(tally.sources).incomplete
    page.table("Not complete", ("Source", "Account", "Region", "State", "Problem"), map(_incomplete, incomplete))
    page.table("Environments", _SHARES, (_share(name, each) for name, each in sorted(tally.by["environment"].items())))
    wrong = [each for each in listed if each.status in ("not-compliant", "unknown")]
    wrong.sort(key=lambda each: (STATUSES.index(each.status), each.environment, each.region, each.instance))
    page.table("Not compliant or not known", (*_INSTANCE, "What is wrong"), map(_wrong, wrong))
    callers = [(each, usage) for each in listed if (usage := _usage(each))]
    callers.sort(key=lambda each: (-each[1].count, each[0].instance))
    page.table("Callers of IMDSv1", (*_INSTANCE, "Calls", "First", "Last"), (_caller(*each) for each in callers))
    if tally.calls_not_known:
        page.add(
            f"\nCloudWatch has no data on the IMDSv1 calls of {instances(tally.calls_not_known)}, which does not mean "
            "that there are none.\n"
        )
    exempt = [(each, each.exempt) for each in listed if each.exempt]
    exempt.sort(key=lambda each: (each[1].until, each[0].instance))
    page.table("Exemptions", ("Until", *_INSTANCE, "Reason"), (_exempt(*each, context) for each in exempt))
    if services := tally.overall.by_status["exempt"] - len(exempt):
        page.add(f"\n{instances(services).capitalize()} managed by AWS services count as exempt.\n")
    page.table("Groups that would bring it back", _GROUP, map(_group, tally.groups))
    page.table("Account defaults", _ACCOUNT, map(_account, tally.accounts))
    page.add(f"\nMade on {render_minute(context.made_at)} by pulumi-imds {_code(context.version)}.\n")
    out.write(page.text)


class _Page:
    """Text that stays below the limit: a table ends with how many rows are left out."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, text: str) -> None:
        self.text += text

    def table(self, title: str, columns: _Row, rows: Iterable[_Row]) -> None:
        """Add a section with a table. Without rows, add nothing."""
        lines = [f"| {' | '.join(row)} |\n" for row in rows]
        if not lines:
            return
        self.add(f"\n## {title}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n")
        shown = 0
        for line in lines[:MOST_ROWS]:
            if len(self.text) + len(line) > MOST_CHARACTERS - _RESERVE:
                break
            self.add(line)
            shown += 1
        if shown < len(lines):
            self.add(f"\n… and {len(lines) - shown:,} more.\n")


def _answer(tally: Tally) -> str:
    share = tally.overall
    parts = [f"{share.by_status[each]:,} {LABELS[each].lower()}" for each in STATUSES[:-1] if share.by_status[each]]
    if not share.total:
        answer = "**No instances were found.**"
    else:
        answer = f"**{share.right:,} of {instances(share.total)} comply ({percentage(share.right, share.total)}).**"
        answer += f" {', '.join(parts)}." if parts else ""
    sources = Sources(tally.sources)
    if sources.incomplete:
        answer += f" {sources.warning}: there may be more."
    return answer


def _is_listed(record: Instance) -> bool:
    return record.status in ("not-compliant", "unknown") or record.exempt is not None or bool(_usage(record))


def _usage(record: Instance) -> Imdsv1Usage | None:
    usage = record.calls.usage if record.calls else None
    return usage if usage and usage.count else None


def _incomplete(source: Source) -> _Row:
    return (
        *map(_code, (source.environment, source.account, source.region)),
        Sources.meaning(source),
        _code(source.problem),
    )


def _share(name: str, share: Share) -> _Row:
    return (
        _code(name),
        f"{share.total:,}",
        percentage(share.right, share.total),
        *(f"{share.by_status[each]:,}" for each in STATUSES),
    )


def _instance(record: Instance) -> _Row:
    return tuple(map(_code, (record.instance, record.name, record.environment, record.account, record.region)))


def _wrong(record: Instance) -> _Row:
    reasons = [render_changes(record.options, record.wanted)]
    if record.not_known:
        reasons.append(unknown_reason(record.options, record.not_known))
    reasons.append(record.unfinished)
    said = "; ".join(each for each in reasons if each)
    return (*_instance(record), _code(said) if said else _without_reason(record))


def _without_reason(record: Instance) -> str:
    if record.status == "not-compliant":
        return "EC2 has not applied an accepted change yet"
    return "not observed" if record.wanted else "nothing is wanted of it"


def _caller(record: Instance, usage: Imdsv1Usage) -> _Row:
    seen = (render_minute(each) if each else "" for each in (usage.first_seen, usage.last_seen))
    return (*_instance(record), f"{usage.count:,.0f}", *seen)


def _exempt(record: Instance, exempt: Exempt, context: Context) -> _Row:
    ended = " (ended)" if exempt.until < context.made_at.date() else ""
    return (f"{exempt.until}{ended}", *_instance(record), _code(exempt.reason))


def _group(record: Group) -> _Row:
    value = "not known" if record.value is None else _code(str(record.value))
    place = map(_code, (record.group, record.environment, record.account, record.region, record.option))
    return (*place, value, _code(str(record.wanted)), _code(record.decided_by or record.launched_by))


def _account(record: AccountRegion) -> _Row:
    seen = in_words(record.defaults)
    shown = [name for name in OPTION_NAMES if name == HTTP_TOKENS or seen.get(name) != NO_PREFERENCE]
    enforced = {None: "not known", True: "yes", False: "no"}[record.enforced]
    return (
        *map(_code, (record.account, record.region, record.environment)),
        _code(render_defaults(seen, shown)) or "not known",
        enforced,
        _code(render_default_changes(record.defaults, record.wanted) or record.unfinished),
    )


def _code(text: str) -> str:
    """Text of others as a code span of a table's cell, or nothing."""
    line = one_line(text, _CELL)
    if not line:
        return ""
    fence = "`" * (max((len(each) for each in re.findall("`+", line)), default=0) + 1)
    # A pipe ends a cell in code, too, unless it is escaped; so do backslashes count before one, and only there.
    line = re.sub(r"(\\*)\|", r"\1\1\\|", line)
    return f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}"


def _prose(text: str) -> str:
    """Text outside of code, with all that could be markup escaped, and no mention."""
    escaped = re.sub(r"([!-/:-?\[-`{-~])", r"\\\1", one_line(text, _CELL))
    return escaped.replace("@", "@<!-- -->")
