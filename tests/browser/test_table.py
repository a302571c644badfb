"""The table of instances: sorted, filtered, linked to and copied from."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from playwright.sync_api import expect

from imds_components.report.posture import Instance
from tests.support.report_page import Pages, column, rows, sort_button
from tools.posture_demo import posture

INSTANCES = [record for record in posture() if isinstance(record, Instance)]


def test_400_instances_are_sorted_by_one_click_on_any_column(pages: Pages) -> None:
    page = pages.open(fragment="#size=200")
    for label in ("Instance", "Environment", "Account", "Region"):
        ascending = sorted(getattr(each, label.lower()) for each in INSTANCES)
        sort_button(page, label)
        assert column(page, label) == ascending[:200]
        sort_button(page, label)
        assert column(page, label) == ascending[:199:-1]


def test_numbers_in_names_are_sorted_as_numbers_and_no_name_comes_last(pages: Pages) -> None:
    named = [replace(each, name=name) for each, name in zip(INSTANCES, ("web-10", "", "web-2", "Web-3"), strict=False)]
    page = pages.open(named)
    sort_button(page, "Name")
    assert column(page, "Name") == ["web-2", "Web-3", "web-10", ""]


def test_calls_are_sorted_as_numbers_the_most_first_and_what_is_not_known_last(pages: Pages) -> None:
    page = pages.open(fragment="#size=200")
    sort_button(page, "IMDSv1 calls")
    counts = sorted((each.calls.usage.count for each in INSTANCES if each.calls and each.calls.usage), reverse=True)
    shown = [text.split("\n")[0].replace(",", "") for text in column(page, "IMDSv1 calls")]
    assert shown == [f"{count:.0f}" for count in counts[:200]]
    page.get_by_role("button", name="Next").click()
    assert column(page, "IMDSv1 calls")[-1] == "not looked up"


def test_the_most_urgent_instances_come_first(pages: Pages) -> None:
    page = pages.open(fragment="#size=200")
    shown = column(page, "Status")
    assert list(dict.fromkeys(shown)) == ["Not compliant", "Unknown", "Pending start", "Exempt", "Compliant"]


def test_400_instances_are_filtered_by_each_key_that_is_typed(pages: Pages) -> None:
    page = pages.open()
    wanted = [each.instance for each in INSTANCES if "kafka" in each.fleet]
    page.get_by_label("Search", exact=True).press_sequentially("kafka")
    assert set(rows(page)) <= set(wanted)
    expect(page.locator("#matches")).to_have_text(f"{len(wanted)} of 400 instances")


def test_every_word_of_a_search_must_occur(pages: Pages) -> None:
    page = pages.open()
    one = next(each for each in INSTANCES if each.exempt)
    assert one.exempt
    page.get_by_label("Search", exact=True).fill(f"{one.exempt.reason.split()[0]} {one.instance[-6:].upper()}")
    assert rows(page) == [one.instance]


def test_filters_are_combined_and_cleared_together(pages: Pages) -> None:
    page = pages.open()
    page.get_by_label("Status", exact=True).select_option(label="Not compliant")
    page.get_by_label("Region", exact=True).select_option(label="us-west-2")
    wanted = {each.instance for each in INSTANCES if each.status == "not-compliant" and each.region == "us-west-2"}
    assert set(rows(page)) == wanted
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#matches")).to_have_text("400 instances")
    assert page.get_by_label("Status", exact=True).input_value() == ""


def test_instances_without_a_fleet_can_be_found(pages: Pages) -> None:
    page = pages.open(fragment="#size=200")
    page.get_by_label("Fleet", exact=True).select_option(label="no fleet")
    assert set(rows(page)) == {each.instance for each in INSTANCES if not each.fleet}


def test_instances_without_data_of_calls_are_told_from_those_without_calls(pages: Pages) -> None:
    page = pages.open(fragment="#calls=no-data&size=200")
    assert set(rows(page)) == {each.instance for each in INSTANCES if each.calls and each.calls.usage is None}
    assert set(column(page, "IMDSv1 calls")) == {"no data"}


def test_only_one_page_of_rows_is_in_the_document(pages: Pages) -> None:
    page = pages.open()
    assert len(rows(page)) == 25
    first = rows(page)
    page.get_by_role("button", name="Next").click()
    assert len(rows(page)) == 25
    assert not set(first) & set(rows(page))
    expect(page.locator("#page")).to_have_text("26 to 50 of 400")


def test_an_address_leads_to_the_same_rows(pages: Pages) -> None:
    page = pages.open()
    page.get_by_label("Environment", exact=True).select_option(label="data-prod")
    sort_button(page, "IMDSv1 calls")
    page.get_by_role("button", name="Next").click()
    shown = rows(page)
    fragment = page.evaluate("location.hash")
    again = pages.open(fragment=fragment)
    assert rows(again) == shown
    assert again.get_by_label("Environment", exact=True).input_value() == "=data-prod"


def test_a_bar_leads_to_its_instances_and_back_leads_to_all(pages: Pages) -> None:
    page = pages.open()
    page.locator(".by-region").get_by_role("link", name="us-east-1").click()
    expect(page.locator("#matches")).to_have_text("58 of 400 instances")
    expect(page.locator("#instances")).to_be_focused()
    page.go_back()
    expect(page.locator("#matches")).to_have_text("400 instances")


def test_an_address_that_means_nothing_shows_all(pages: Pages) -> None:
    page = pages.open(fragment="#sort=nonsense&page=-3&size=1e9&bogus=1")
    expect(page.locator("#matches")).to_have_text("400 instances")
    assert len(rows(page)) == 25


def test_a_page_behind_the_last_shows_the_last(pages: Pages) -> None:
    page = pages.open(fragment="#page=900")
    expect(page.locator("#page")).to_have_text("376 to 400 of 400")


def test_no_match_is_said(pages: Pages) -> None:
    page = pages.open()
    page.get_by_label("Search", exact=True).fill("nothing like this")
    expect(page.locator("#matches")).to_have_text("0 of 400 instances")
    expect(page.locator("#table tbody")).to_contain_text("No instance matches")


def test_one_click_copies_an_id(pages: Pages) -> None:
    page = pages.open()
    first = rows(page)[0]
    page.get_by_role("button", name=f"Copy {first}").click()
    expect(page.locator("#matches")).to_contain_text(f"Copied {first}.")
    assert page.evaluate("navigator.clipboard.readText()") == first


def test_all_matching_rows_are_copied_in_their_order(pages: Pages) -> None:
    page = pages.open(fragment="#environment=shop-prod&sort=-calls")
    page.get_by_role("button", name="Copy as CSV").click()
    expect(page.locator("#matches")).to_contain_text("Copied 84 rows.")
    copied = list(csv.DictReader(io.StringIO(page.evaluate("navigator.clipboard.readText()"))))
    assert len(copied) == 84
    assert [row["instance"] for row in copied][:25] == rows(page)
    page.get_by_role("button", name="Copy rows for a spreadsheet").click()
    expect(page.locator("#matches")).to_contain_text("Copied 84 rows.")
    tabbed = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert [line.split("\t")[1] for line in tabbed[1:]] == [row["instance"] for row in copied]


def test_where_the_clipboard_is_denied_copying_still_works(pages: Pages) -> None:
    page = pages.open()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    first = rows(page)[0]
    button = page.get_by_role("button", name=f"Copy {first}")
    button.click()
    expect(page.locator("#matches")).to_contain_text("Copied")
    expect(button).to_be_focused()
    assert page.evaluate("navigator.clipboard.readText()") == first
