"""Values that are HTML, script or formulas stay text, in the page and in what is copied from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from playwright.sync_api import expect

from imds_components.report.formats import Context
from imds_components.report.posture import AccountRegion, Exempt, Group, Imdsv1Calls, Instance, Record, Source
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from tests.support.report_page import Pages
from tools.posture_demo import MADE_AT

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\"' onmouseover=alert(1) x='",
    "{{ 7 * 7 }}{% raw %}",
    "\u2028\u2029alert(1)//",
    "javascript:alert(1)",
    "\\u003cb\\u003e &lt;b&gt; &amp;",
)


def report(value: str) -> list[Record]:
    """A report in which everything that people or AWS name has this name."""
    instance = Instance(
        environment=value,
        account=value,
        region=value,
        instance=value,
        status="exempt",
        fleet=value,
        name=value,
        instance_state=value,
        options={"httpTokens": value},
        wanted={"httpTokens": "required"},
        exempt=Exempt(value, date(2026, 12, 1)),
        calls=Imdsv1Calls(14, Imdsv1Usage(5, MADE_AT, MADE_AT)),
        autoscaling_group=value,
        operator=value,
        unfinished=value,
    )
    return [
        Source("stack", value, "unreadable", value, value, problem=value),
        instance,
        Group(value, value, value, value, value, value, value, value, value, value),
        AccountRegion(value, value, value, instance.options, instance.wanted, managed_by=value),
    ]


def test_what_is_named_like_a_script_never_runs_and_shows_as_it_is(pages: Pages) -> None:
    for value in HOSTILE:
        page = pages.open(report(value), context=Context(MADE_AT, "0.4.0", title=value))
        assert page.locator("#table tbody .id").text_content() == value
        assert page.locator("#table tbody [data-label=Name]").text_content() == value
        assert page.locator("h1").text_content() == value
        assert page.locator("#filter-fleet option").nth(1).text_content() == value
        # The page's own: the theme, the data and the rest. pages fails on an error, a dialog or a violation.
        assert page.locator("script").count() == 3
        assert page.locator("img, [onerror], [onmouseover]").count() == 0
        assert page.locator('[href^="javascript"]').count() == 0


def test_an_instance_is_found_by_what_is_named_like_a_script(pages: Pages) -> None:
    page = pages.open(report(SCRIPT))
    page.locator(".by-fleet a").click()
    expect(page.locator("#matches")).to_have_text("1 instance")
    page.get_by_label("Search", exact=True).fill(SCRIPT)
    expect(page.locator("#matches")).to_have_text("1 instance")


def test_a_fragment_is_text_too(pages: Pages) -> None:
    page = pages.open(fragment="#q=%3Cimg%20src=x%20onerror=alert(1)%3E&fleet=%3Cscript%3E")
    expect(page.locator("#matches")).to_have_text("0 of 400 instances")


def test_a_copied_cell_is_no_formula(pages: Pages) -> None:
    (instance,) = (each for each in report("=1+1") if isinstance(each, Instance))
    page = pages.open([replace(instance, environment='a\tb,\n"c"')])
    page.get_by_role("button", name="Copy rows for a spreadsheet").click()
    expect(page.locator("#matches")).to_contain_text("Copied 1 row.")
    lines = page.evaluate("navigator.clipboard.readText()").splitlines()
    cells = lines[1].split("\t")
    assert len(lines) == 2
    assert cells[1] == "'=1+1"
    assert cells[3] == 'a b, "c"'
