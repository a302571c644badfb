"""One file: no request leaves it, which all tests of this folder check, and its policy lets nothing else run."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser

from tests.support.report_page import Pages, write_page
from tools.posture_demo import posture


def test_the_file_names_no_address_to_load_from(tmp_path: Path) -> None:
    write_page(tmp_path / "report.html", posture())
    text = (tmp_path / "report.html").read_text("utf-8")
    namespaces = {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[^\s\"'<>]+", text)) <= namespaces
    assert re.findall(r"@import|url\((?!#)", text) == []


def test_the_policy_refuses_scripts_styles_and_images_of_others(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_page(file, posture(20))
    injected = (
        "<script>document.title = 'ran'</script><style>body { display: none }</style>"
        "<img src='https://192.0.2.1/x.png' onerror='document.title = \"ran\"'></body>"
    )
    file.write_text(file.read_text("utf-8").replace("</body>", injected), "utf-8")
    with Pages(browser, tmp_path) as pages:
        page = pages.open_file(file)
        assert page.title() != "ran"
        assert page.locator("body").is_visible()
    refused = {problem.split()[0] for problem in pages.problems}
    assert {"script-src-elem", "style-src-elem", "img-src", "script-src-attr"} <= refused
    assert not [problem for problem in pages.problems if problem.startswith("request")]


def test_a_string_becomes_no_html(browser: Browser, tmp_path: Path) -> None:
    with Pages(browser, tmp_path) as pages:
        page = pages.open(posture(20))
        refused = page.evaluate(
            "() => { try { document.body.innerHTML = '<b>x</b>'; } catch (error) { return error.name; } }"
        )
    assert refused == "TypeError"
