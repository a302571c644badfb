"""What the page says above its table."""

from __future__ import annotations

from dataclasses import replace

from playwright.sync_api import expect

from imds_components.report.posture import Instance, Source
from tests.support.report_page import Pages, rows
from tools.posture_demo import MADE_AT, posture

RECORDS = list(posture())
INSTANCES = [record for record in RECORDS if isinstance(record, Instance)]


def test_the_answer_comes_first_in_words_and_numbers(pages: Pages) -> None:
    page = pages.open()
    compliant = sum(each.status == "compliant" for each in INSTANCES)
    expect(page.locator("#answer")).to_have_text(
        f"{compliant} of 400 instances require IMDSv2 and have the other wanted options"
    )
    expect(page.locator(".big")).to_have_text(f"{compliant * 100 // 400}%")


def test_sources_that_are_not_complete_stand_before_everything_else(pages: Pages) -> None:
    page = pages.open()
    alert = page.locator("main > *").first
    expect(alert.locator("h2")).to_have_text("3 of 11 stacks are not complete")
    expect(alert.locator("li")).to_have_count(3)
    expect(alert).to_contain_text("legacy-erp")
    expect(alert).to_contain_text("passphrase must be set")


def test_a_report_of_complete_sources_warns_of_nothing(pages: Pages) -> None:
    page = pages.open([Source("stack", "prod", "succeeded", at=MADE_AT), INSTANCES[0]])
    expect(page.locator(".alert")).to_have_count(0)


def test_callers_are_listed_the_most_calls_first(pages: Pages) -> None:
    section = pages.open().locator("section:has(> #calls)")
    callers = sorted(
        (each for each in INSTANCES if each.calls and each.calls.usage and each.calls.usage.count),
        key=lambda each: -each.calls.usage.count if each.calls and each.calls.usage else 0,
    )
    assert section.locator("tbody .id").all_inner_texts() == [each.instance for each in callers[:10]]
    expect(section).to_contain_text(f"All {len(callers)} in the table")
    expect(section).to_contain_text("CloudWatch has no data, which is not zero")


def test_an_instance_of_a_list_leads_to_its_row(pages: Pages) -> None:
    page = pages.open()
    link = page.locator("section:has(> #exemptions) tbody .id").first
    instance = link.inner_text()
    link.click()
    expect(page.locator("#matches")).to_have_text("1 of 400 instances")
    assert rows(page) == [instance]


def test_where_nobody_looked_up_calls_none_are_claimed(pages: Pages) -> None:
    page = pages.open([replace(each, calls=None) for each in INSTANCES[:5]])
    expect(page.locator("section:has(> #calls)")).to_contain_text("Nobody looked")
    expect(page.locator(".facts a").first).to_contain_text("IMDSv1 calls were not looked up")


def test_nothing_in_the_report_does_not_look_like_all_is_well(pages: Pages) -> None:
    page = pages.open([])
    expect(page.locator("main h2")).to_have_text("There are no instances in this report")
    expect(page.locator("main")).to_contain_text("does not show that all instances are compliant")
    expect(page.locator("#theme")).to_be_visible()


def test_instances_that_an_aws_service_manages_are_no_exemptions_with_a_last_day(pages: Pages) -> None:
    managed = replace(INSTANCES[0], status="exempt", exempt=None, operator="eks.amazonaws.com")
    section = pages.open([managed]).locator("section:has(> #exemptions)")
    expect(section).to_contain_text("No instance is exempt until a last day.")
    expect(section).to_contain_text("1 exempt instance is managed by an AWS service")
