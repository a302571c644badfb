from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timezone

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from imds_components.report.formats import markdown
from imds_components.report.posture import Exempt, Imdsv1Calls, Instance, Record
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from tests.support.posture import CALLS, CONTEXT, EXEMPT, account, compliant, group, instance, live, stack, written

HOSTILE = [
    "<script>alert(1)</script>",
    "[link](https://evil.example)",
    "![image](https://evil.example/x.png)",
    "@everyone #1 https://evil.example www.evil.example",
    "a|b||c",
    r"back\slash\|pipe\\|end\\",
    "`code` ``more`` `",
    "``",
    "line\n\n| new | row |\n# heading",
    "/close\r\n/assign me",
    "&lt;b&gt; <!-- -->",
    "\u202etxt.exe",
    "*bold* _italic_ ~~gone~~ :tada:",
]


def summary(*records: Record) -> str:
    return written(markdown.write, records)


def tokens(text: str) -> Iterator[Token]:
    """All that a parser with tables makes of the text."""
    for block in MarkdownIt("commonmark").enable("table").enable("strikethrough").parse(text):
        yield block
        yield from block.children or []


def tables(text: str) -> dict[str, list[list[str]]]:
    """The rows of each table as they are displayed, by the heading above it; the first row has the columns."""
    found: dict[str, list[list[str]]] = {}
    heading, previous, inside = "", "", False
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        inside = token.type == "table_open" or (inside and token.type != "table_close")
        if token.type == "inline" and previous == "heading_open":
            heading = token.content
        elif token.type == "tr_open":
            found.setdefault(heading, []).append([])
        elif token.type == "inline" and inside:
            found[heading][-1].append("".join(each.content for each in token.children or []).strip())
        previous = token.type
    return found


def test_the_answer_comes_first_and_all_are_counted() -> None:
    text = summary(
        stack(), compliant(1), compliant(2), instance(3), instance(4, status="unknown"), instance(5, status="exempt")
    )
    lines = text.splitlines()
    assert lines[0] == "# Instance metadata posture"
    assert lines[2] == "**2 of 5 instances comply (40%).** 1 not compliant, 1 unknown, 1 exempt."


@pytest.mark.parametrize("wrong", [1, 0])
def test_a_share_is_100_percent_only_if_all_comply(wrong: int) -> None:
    text = summary(stack(), *map(compliant, range(999)), *map(instance, range(wrong)))
    assert ("100%" in text) == (wrong == 0)


def test_a_report_that_is_not_complete_says_so_in_its_answer_and_names_the_source() -> None:
    text = summary(stack(), stack("dev", result="unreadable", problem="no such bucket"), compliant())
    assert "1 of 2 stacks is not complete: there may be more." in text.splitlines()[2]
    missing = "it could not be read, so what it holds is missing from this report"
    assert tables(text)["Not complete"][1] == ["dev", "", "", missing, "no such bucket"]
    assert "not complete" not in summary(stack(), compliant())


def test_without_instances_it_does_not_say_that_all_comply() -> None:
    text = summary(stack())
    assert "**No instances were found.**" in text
    assert "%" not in text


def test_each_environment_has_a_row() -> None:
    text = summary(stack(), stack("dev"), instance(1), compliant(2), compliant(3, environment="dev"))
    assert tables(text)["Environments"][1:] == [
        ["dev", "1", "100%", "0", "0", "0", "0", "1"],
        ["prod", "2", "50%", "1", "0", "0", "0", "1"],
    ]


def test_the_first_50_that_do_not_comply_are_listed_with_how_many_more_there_are() -> None:
    text = summary(stack(), instance(99, status="unknown", options={}), *map(instance, range(60)))
    (_, first, *others) = tables(text)["Not compliant or not known"]
    assert first == [
        "i-00000000000000000",
        "",
        "prod",
        "111111111111",
        "eu-west-1",
        "httpTokens: optional -> required",
    ]
    assert len(others) == 49
    assert "… and 11 more." in text


def test_callers_are_listed_with_the_most_calls_first() -> None:
    few = Imdsv1Calls(31, Imdsv1Usage(2, datetime(2026, 11, 18, 7, tzinfo=timezone.utc)))
    no_data = Imdsv1Calls(31, None)
    text = summary(live(), compliant(1, calls=few), compliant(2, calls=CALLS), compliant(3, calls=no_data))
    rows = tables(text)["Callers of IMDSv1"][1:]
    assert [(row[0], row[5], row[7]) for row in rows] == [
        ("i-00000000000000002", "1,234", "2026-11-19 13:00 UTC"),
        ("i-00000000000000001", "2", "2026-11-18 07:00 UTC"),
    ]
    assert "no data on the IMDSv1 calls of 1 instance, which does not mean that there are none" in text


def test_exemptions_are_listed_by_when_they_end() -> None:
    ended = Exempt("vendor", date(2026, 11, 19))
    text = summary(stack(), instance(1, status="exempt", exempt=EXEMPT), instance(2, status="exempt", exempt=ended))
    rows = tables(text)["Exemptions"][1:]
    assert [(row[0], row[-1]) for row in rows] == [
        ("2026-11-19 (ended)", "vendor"),
        ("2099-01-31", "agent 1.2 calls IMDSv1"),
    ]


def test_instances_of_aws_services_are_counted_apart_from_exemptions() -> None:
    eks = [instance(n, status="exempt", wanted={}, operator="eks.amazonaws.com") for n in range(2)]
    assert "2 instances managed by AWS services count as exempt." in summary(live(), *eks)


def test_groups_and_account_defaults_are_listed() -> None:
    found = tables(summary(stack(), group(), group(value=None), account(defaults={"httpTokens": "no-preference"})))
    assert [row[5] for row in found["Groups that would bring it back"][1:]] == ["optional", "not known"]
    assert found["Account defaults"][1][3:] == [
        "httpTokens=no-preference",
        "no",
        "httpTokens: no-preference -> required",
    ]


def test_a_default_that_an_account_does_not_have_is_left_out_unless_it_is_that_of_tokens() -> None:
    cleared = {"httpTokens": "no-preference", "httpPutResponseHopLimit": -1, "httpEndpoint": "no-preference"}
    found = tables(summary(live(), account(defaults=cleared, wanted={}), account(defaults={}, enforced=None)))
    assert [row[3:5] for row in found["Account defaults"][1:]] == [
        ["httpTokens=no-preference", "no"],
        ["not known", "not known"],
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_is_neither_markup_nor_a_mention_nor_a_row(text: str) -> None:
    written_by_others = summary(
        stack(text, result="failed", problem=text, account=text, region=text),
        instance(1, name=text, environment=text, calls=CALLS, unfinished=text),
        instance(2, name=text, status="exempt", exempt=Exempt(text, date(2099, 1, 31))),
        group(group=text, decided_by=text),
        account(account=text, unfinished=text),
    )
    kinds = {token.type for token in tokens(written_by_others)}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "em_open", "s_open"}
    outside = "".join(token.content for token in tokens(written_by_others) if token.type == "text")
    assert "@" not in outside
    assert "evil" not in outside
    for rows in tables(written_by_others).values():
        assert {len(row) for row in rows} == {len(rows[0])}, "a row has another number of cells"
    assert written_by_others.count("\n#") == len(tables(written_by_others)), "a heading is not ours"
    assert "\u202e" not in written_by_others


@pytest.mark.parametrize("text", ["a|b||c", "`code` ``more`` `", "<b>", "[x](y)", "back\\slash"])
def test_what_others_wrote_is_displayed_as_it_is(text: str) -> None:
    assert tables(summary(stack(), instance(name=text)))["Not compliant or not known"][1][1] == text


def test_the_title_is_displayed_as_it_is() -> None:
    title = "IMDS @team <b> [x](y) *now*"
    text = written(markdown.write, [stack()], replace(CONTEXT, title=title))
    assert "@team" not in text
    assert not {token.type for token in tokens(text)} & {"em_open", "link_open"}
    displayed = "".join(token.content for token in tokens(text) if token.type == "text")
    assert displayed.startswith(title), "without the comment that keeps the mention apart"


def test_it_is_never_longer_than_a_comment_may_be() -> None:
    long = "`|" * 1000
    many: list[Instance] = [
        instance(
            n, name=long, environment=long + str(n), calls=CALLS, status="exempt", exempt=Exempt(long, date(2099, 1, 1))
        )
        for n in range(300)
    ]
    wrong = [replace(each, status="not-compliant") for each in many]
    groups = [group(group=long, decided_by=long) for _ in range(300)]
    accounts = [account(unfinished=long, account=long) for _ in range(300)]
    sources = [stack(long, result="unreadable", problem=long) for _ in range(300)]
    text = summary(*sources, *many, *wrong, *groups, *accounts)
    assert len(text) < 65_536
    assert "Account defaults" in text
    assert text.count(" more.") >= 7
