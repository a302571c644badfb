"""What the report's page says above its table, and what keeps its data inside its element."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from imds_components.report.formats.html import content_security_policy, json_for_html
from imds_components.report.page.bars import option_bar, percentage, status_bar
from imds_components.report.page.calls import Calls
from imds_components.report.page.exemptions import exemptions
from imds_components.report.page.sources import Sources
from imds_components.report.page.view import View, link, view_of
from imds_components.report.posture import AccountRegion, Exempt, Group, Imdsv1Calls, Instance, Record, Source, Status
from imds_components.report.tally import Tally
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from tools.posture_demo import SIZE, posture

TODAY = date(2026, 11, 26)
NOW = datetime(2026, 11, 26, 8, 30, tzinfo=timezone.utc)
REQUIRED = {"httpTokens": "required"}
WEB = Instance(
    "prod", "111122223333", "eu-west-1", "i-05a0000000000000a", "compliant", options=REQUIRED, wanted=REQUIRED
)


def view(*records: Record) -> View:
    tally = Tally()
    instances = [record for record in tally.watch(records) if isinstance(record, Instance)]
    return view_of(instances, tally, TODAY)


@pytest.mark.parametrize(
    ("part", "total", "shown"),
    [(0, 0, "0%"), (0, 4, "0%"), (1, 400, "<1%"), (312, 400, "78%"), (9_999, 10_000, "99%"), (400, 400, "100%")],
)
def test_only_all_is_100_percent_and_only_none_is_0(part: int, total: int, shown: str) -> None:
    assert percentage(part, total) == shown


def test_the_segments_of_a_bar_join_and_fill_it() -> None:
    statuses: list[Status] = [
        "compliant",
        "compliant",
        "compliant",
        "exempt",
        "unknown",
        "not-compliant",
        "pending-start",
    ]
    bar = status_bar(view(*(replace(WEB, status=status) for status in statuses)).tally.overall)
    assert (bar.right, bar.total) == (3, 7)
    edges = [(each.start, each.start + each.width) for each in bar.segments]
    assert edges[0][0] == 0
    assert edges[-1][1] == pytest.approx(100, abs=0.01)
    assert all(end == pytest.approx(start, abs=0.01) for (_, end), (start, _) in pairwise(edges))


def test_the_bar_of_an_option_tells_what_is_unknown_from_what_differs() -> None:
    bar = option_bar({"right": 2, "wrong": 1, "unknown": 1})
    assert [(each.label, each.count) for each in bar.segments] == [("As wanted", 2), ("Unknown", 1), ("Differs", 1)]


@pytest.mark.parametrize(
    ("instances", "statement"),
    [
        ([WEB], "require IMDSv2"),
        ([WEB, replace(WEB, status="exempt", wanted={"httpTokens": "optional"})], "require IMDSv2"),
        (
            [WEB, replace(WEB, wanted={**REQUIRED, "httpEndpoint": "enabled"})],
            "require IMDSv2 and have the other wanted options",
        ),
        ([WEB, replace(WEB, wanted={"httpEndpoint": "enabled"})], "have the metadata options that are wanted of them"),
        ([replace(WEB, wanted={})], "have the metadata options that are wanted of them"),
        ([replace(WEB, wanted={"httpTokens": "optional"})], "have the metadata options that are wanted of them"),
    ],
)
def test_the_answer_names_imdsv2_only_where_it_is_wanted_of_all(instances: list[Instance], statement: str) -> None:
    assert view(*instances).statement == statement


def test_different_wanted_values_are_all_named() -> None:
    found = view(*(replace(WEB, wanted={**REQUIRED, "httpPutResponseHopLimit": hops}) for hops in (2, 1)))
    assert found.wanted == ["httpTokens=required", "httpPutResponseHopLimit=1 or 2"]


def test_where_most_is_left_to_do_comes_first() -> None:
    behind = replace(WEB, status="not-compliant")
    records = [*[replace(WEB, environment="done")] * 9, replace(behind, environment="b")]
    records += [*[replace(WEB, environment="a")] * 5, *[replace(behind, environment="a")] * 2]
    (panel,) = (each for each in view(*records).panels if each.name == "environment")
    assert [row.label for row in panel.rows] == ["a", "b", "done"]


def test_instances_without_a_fleet_are_linked_to_as_such() -> None:
    (panel,) = (each for each in view(WEB).panels if each.name == "fleet")
    assert [(row.label, row.link) for row in panel.rows] == [("no fleet", "#fleet=")]


def test_a_link_keeps_the_characters_of_a_name() -> None:
    assert link(environment="a&b=c #+ü") == "#environment=a%26b%3Dc%20%23%2B%C3%BC"


@pytest.mark.parametrize(
    ("days", "when", "remaining"),
    [
        (-12, "ended", "ended 12 days ago"),
        (-1, "ended", "ended 1 day ago"),
        (0, "soon", "ends today"),
        (1, "soon", "ends in 1 day"),
        (30, "soon", "ends in 30 days"),
        (31, "later", "ends in 31 days"),
    ],
)
def test_an_exemption_holds_through_its_last_day(days: int, when: str, remaining: str) -> None:
    exempt = replace(WEB, status="exempt", exempt=Exempt("agent 1.2", TODAY + timedelta(days=days)))
    (found,) = exemptions([WEB, exempt], TODAY)
    assert (found.when, found.remaining) == (when, remaining)


def test_calls_that_are_not_known_are_not_zero() -> None:
    found = Calls.of(
        replace(WEB, instance=str(number), calls=calls)
        for number, calls in enumerate(
            [
                None,
                Imdsv1Calls(14, None),
                Imdsv1Calls(14, Imdsv1Usage(0)),
                Imdsv1Calls(14, Imdsv1Usage(3)),
                Imdsv1Calls(31, Imdsv1Usage(8)),
            ]
        )
    )
    assert [each.instance.instance for each in found.callers] == ["4", "3"]
    assert (found.none, found.no_data, found.not_looked_up, found.looked_up) == (1, 1, 1, 4)
    assert found.period == "the last 14 to 31 days"


def sources(kinds: Iterable[str]) -> Sources:
    return Sources([Source("live" if "live" in kind else "stack", "x", kind.split()[-1]) for kind in kinds])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kinds", "warning"),
    [
        (["succeeded"] * 37 + ["failed", "interrupted", "unreadable"], "3 of 40 stacks are not complete"),
        (["live read", "live unreadable"], "1 of 2 regions is not complete"),
        (["never"], "1 of 1 stack is not complete"),
        (["running", "live read"], "1 of 2 sources is not complete"),
    ],
)
def test_sources_that_are_not_complete_are_counted_by_what_they_are(kinds: list[str], warning: str) -> None:
    assert sources(kinds).warning == warning


def test_every_result_of_an_incomplete_source_is_explained() -> None:
    results = ["failed", "interrupted", "running", "never", "unreadable"]
    assert all(Sources.meaning(source) for source in sources(results).incomplete)
    assert len(sources(results).incomplete) == len(results)


def test_account_defaults_that_are_not_known_are_not_as_wanted_and_such_come_first() -> None:
    known = AccountRegion("prod", "1", "a", REQUIRED, REQUIRED, enforced=True)
    cleared = replace(known, region="b", defaults={"httpTokens": "no-preference", "httpPutResponseHopLimit": -1})
    found = view(known, cleared, replace(known, region="c", defaults={}, enforced=None))
    assert [(each.record.region, each.is_as_wanted) for each in found.accounts] == [
        ("b", False),
        ("c", False),
        ("a", True),
    ]
    assert [(each.value, each.wanted) for each in found.accounts[0].defaults] == [
        ("no-preference", "required"),
        ("no-preference", None),
    ]
    assert found.enforced_count == 2


def test_a_group_that_loosens_two_options_is_one_group() -> None:
    group = Group("prod", "1", "a", "web", "launch template", "httpTokens", "optional", "required", "account 1")
    assert view(group, replace(group, option="httpEndpoint"), replace(group, group="other")).groups_count == 2


@pytest.mark.parametrize("text", ["</script>", "<!-- <script>", "]]>", "a\u2028b\u2029", "&lt;", "\ud800", "\x00"])
def test_no_text_gets_out_of_the_element_that_holds_the_data(text: str) -> None:
    written = json_for_html({"name": text, text: 1})
    assert not set(written) & set("<>&\u2028\u2029\x00")
    assert written.isascii()
    assert json.loads(written) == {"name": text, text: 1}


def test_the_policy_allows_by_hash_alone() -> None:
    policy = content_security_policy(scripts=["a()"], styles=["b {}"])
    of_script = base64.b64encode(hashlib.sha256(b"a()").digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{of_script}';" in policy
    assert not [word for word in ("unsafe", "http", "*", "'self'") if word in policy]


def test_the_demo_has_every_kind_of_record_and_stays_the_same() -> None:
    records = list(posture())
    assert {type(each) for each in records} == {Source, Instance, Group, AccountRegion}
    assert sum(isinstance(each, Instance) for each in records) == SIZE
    assert len({each.status for each in records if isinstance(each, Instance)}) == 5
    assert records == list(posture())
