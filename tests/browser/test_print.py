"""On paper: everything, up to a limit that the paper names."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.support.report_page import Pages, rows
from tools.posture_demo import posture

NOTE_PRINTED = """() => {
  addEventListener("beforeprint", () => {
    globalThis.printed = {
      rows: document.querySelectorAll("#table tbody tr").length,
      closed: document.querySelectorAll("details:not([open])").length,
      note: document.getElementById("printed").textContent,
    };
  });
}"""


def test_all_rows_that_match_are_printed_and_every_list_is_open(pages: Pages, tmp_path: Path) -> None:
    page = pages.open()
    page.evaluate(NOTE_PRINTED)
    page.pdf(path=tmp_path / "report.pdf")
    assert page.evaluate("printed") == {"rows": 400, "closed": 0, "note": ""}
    expect(page.locator("#table tbody tr")).to_have_count(25)
    assert page.locator("details[open]").count() == 0
    page.get_by_label("Environment", exact=True).select_option(label="shop-prod")
    page.pdf(path=tmp_path / "report.pdf")
    assert page.evaluate("printed.rows") == 84
    assert len(rows(page)) == 25


def test_the_paper_says_where_it_stops(pages: Pages, tmp_path: Path) -> None:
    page = pages.open(posture(2100))
    page.evaluate(NOTE_PRINTED)
    page.pdf(path=tmp_path / "report.pdf")
    assert page.evaluate("printed.rows") == 2000
    assert page.evaluate("printed.note").startswith("The first 2,000 of 2,100 rows are printed.")


def test_controls_are_not_printed_and_the_paper_is_light(pages: Pages) -> None:
    page = pages.open(theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for control in ("#filters", "#theme", "#copy-csv", "#pages", ".copy >> nth=0"):
        expect(page.locator(control)).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(23, 28, 33)"
