"""A page of the report in a real browser, which fails the test if it asks for anything or breaks its own policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.support.report_page import Pages
from tools import browser as browsers
from tools.engine.processes import SetUpError


def pytest_report_header() -> str:
    try:
        return f"browser: {browsers.find()}"
    except SetUpError as error:
        return f"browser: none; {error}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a module. While it is open, no test of this process can run an event loop."""
    found = browsers.find()
    with sync_playwright() as playwright:
        running = found.launch(playwright)
        yield running
        running.close()


@pytest.fixture
def pages(browser: Browser, tmp_path: Path) -> Iterator[Pages]:
    with Pages(browser, tmp_path) as opened:
        yield opened
    assert opened.problems == []
