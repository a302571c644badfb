"""What axe-core finds, and what can be done without a mouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from imds_components.report.posture import Instance, Record, Source
from tests.support.report_page import Pages, rows
from tools.posture_demo import MADE_AT, posture

Theme = Literal["light", "dark"]
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def findings(page: Page) -> list[str]:
    """What axe-core finds, with its best practices."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{each['id']}: {node['html']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(pages: Pages, theme: Theme, width: int) -> None:
    page = pages.open(theme=theme, width=width)
    page.locator("details > summary").first.click()
    assert findings(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("fragment", ["#status=exempt&sort=-calls", "#q=nothing-like-this"])
def test_axe_finds_nothing_while_the_table_is_filtered(pages: Pages, theme: Theme, fragment: str) -> None:
    assert findings(pages.open(theme=theme, fragment=fragment)) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "records",
    [
        pytest.param(list, id="nothing"),
        pytest.param(lambda: [Source("stack", "prod", "succeeded", at=MADE_AT)], id="a stack without instances"),
    ],
)
def test_axe_finds_nothing_in_an_empty_report(pages: Pages, theme: Theme, records: Callable[[], list[Record]]) -> None:
    assert findings(pages.open(records(), theme=theme)) == []


def test_axe_is_awake(pages: Pages) -> None:
    page = pages.open()
    page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert any(finding.startswith("image-alt") for finding in findings(page))


def test_the_table_is_sorted_filtered_and_turned_by_keys_alone(pages: Pages) -> None:
    page = pages.open()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the table")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#instances")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.type("spark")
    filtered = page.locator("#matches").inner_text()
    assert filtered.endswith("of 400 instances")
    header = page.locator("th[data-column=environment]")
    for _ in range(40):
        page.keyboard.press("Tab")
        if header.get_by_role("button").evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    page.keyboard.press("Space")
    expect(header).to_have_attribute("aria-sort", "descending")
    assert page.locator("[aria-sort]").count() == 1
    first = rows(page)
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    assert rows(page) != first


def test_the_focus_is_not_lost_on_the_last_page(pages: Pages) -> None:
    page = pages.open(fragment="#size=200")
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    expect(page.get_by_role("button", name="Previous")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Next")).to_be_focused()


def test_what_has_the_focus_is_visible(pages: Pages) -> None:
    page = pages.open()
    without = page.evaluate(
        """() => [...document.querySelectorAll('a, button:enabled, input, select, summary, [tabindex="0"]')]
          .filter((each) => each.checkVisibility())
          .filter((each) => {
            each.focus({focusVisible: true});
            return getComputedStyle(each).outlineStyle === 'none';
          })
          .map((each) => each.outerHTML)"""
    )
    assert without == []


def test_a_screen_reader_hears_how_many_match(pages: Pages) -> None:
    exempt = sum(isinstance(each, Instance) and each.status == "exempt" for each in posture())
    page = pages.open()
    page.get_by_label("Status", exact=True).select_option(label="Exempt")
    expect(page.get_by_role("status").filter(has_text="of 400 instances").first).to_have_text(
        f"{exempt} of 400 instances"
    )


def test_the_table_keeps_its_meaning_where_it_is_drawn_as_cards(pages: Pages) -> None:
    page = pages.open(width=390)
    table = page.get_by_role("table", name="All instances")
    assert table.get_by_role("columnheader").count() == 9
    assert table.get_by_role("rowheader").count() == 25
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_each_status_has_a_word_and_a_shape_of_its_own(pages: Pages) -> None:
    legend = pages.open().locator(".legend")
    shapes = legend.locator("use").evaluate_all("uses => uses.map((each) => each.getAttribute('href'))")
    assert len(set(shapes)) == len(shapes) == 5
    words = legend.locator(".status").all_inner_texts()
    assert words == ["Compliant", "Exempt", "Pending start", "Unknown", "Not compliant"]


def test_the_theme_can_be_switched_and_is_kept(pages: Pages) -> None:
    page = pages.open(theme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Dark theme").click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    page.get_by_role("button", name="Light theme").click()
    assert page.evaluate(ground) == light


def test_nothing_moves_for_those_who_want_it_still(pages: Pages) -> None:
    page = pages.open(list(posture(40)))
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert page.evaluate("getComputedStyle(document.querySelector('button')).transitionDuration") == "0s"


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_a_long_name_does_not_widen_the_page(pages: Pages, width: int) -> None:
    (first, *_) = (each for each in posture() if isinstance(each, Instance))
    long = replace(first, name="x" * 256, environment="y" * 200, exempt=None)
    page = pages.open([long], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
