"""Pages of the report in a browser without a network, and what they did that they must not do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Route

from imds_components.report.formats import Context, html
from imds_components.report.posture import Record
from imds_components.report.tally import Tally
from tools.posture_demo import CONTEXT, posture

_NOTE_VIOLATIONS = """
globalThis.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(
  `${event.violatedDirective} ${event.blockedURI}`));
"""


def write_page(file: Path, records: Iterable[Record], context: Context = CONTEXT) -> None:
    tally = Tally()
    with file.open("w", encoding="utf-8") as out:
        html.write(tally.watch(records), tally, out, context)


class Pages:
    """Opens reports, each in a browser context of its own. ``problems`` has what a page must not do.

    That is: a request for anything but itself, a violation of its content security policy, an error, and a dialog.
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self._folder = folder
        self._contexts: list[BrowserContext] = []

    def __enter__(self) -> Pages:  # noqa: PYI034 - Self is not in Python 3.10
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for context in self._contexts:
            for page in context.pages:
                self.problems += page.evaluate("globalThis.violations ?? []")
            context.close()

    def open(
        self,
        records: Iterable[Record] | None = None,
        *,
        fragment: str = "",
        theme: Literal["light", "dark"] = "light",
        width: int = 1280,
        context: Context = CONTEXT,
    ) -> Page:
        """Write the report of these records, or of the demo's 400 instances, and open it."""
        file = self._folder / f"report-{len(self._contexts)}.html"
        write_page(file, posture() if records is None else records, context)
        return self.open_file(file, fragment=fragment, theme=theme, width=width)

    def open_file(
        self, file: Path, *, fragment: str = "", theme: Literal["light", "dark"] = "light", width: int = 1280
    ) -> Page:
        """Open a page that was written before."""
        opened = self._browser.new_context(
            color_scheme=theme,
            viewport={"width": width, "height": 900},
            offline=True,
            permissions=["clipboard-read", "clipboard-write"],
        )
        opened.set_default_timeout(10_000)
        self._contexts.append(opened)
        opened.add_init_script(_NOTE_VIOLATIONS)
        page = opened.new_page()
        page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("dialog", self._refuse)

        def only_itself(route: Route) -> None:
            if route.request.url.split("#")[0] == file.as_uri():
                route.continue_()
            else:
                self.problems.append(f"request {route.request.url}")
                route.abort()

        opened.route("**/*", only_itself)
        page.goto(file.as_uri() + fragment)
        return page

    def _refuse(self, dialog: Dialog) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def rows(page: Page) -> list[str]:
    """The IDs of the instances that the table shows, from top to bottom."""
    return page.locator("#table tbody .id").all_inner_texts()


def column(page: Page, label: str) -> Sequence[str]:
    """What a column shows, from top to bottom."""
    return page.locator(f'#table tbody [data-label="{label}"]').all_inner_texts()


def sort_button(page: Page, label: str) -> None:
    page.locator("#table thead").get_by_role("button", name=label, exact=True).click()
