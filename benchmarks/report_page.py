"""`python -m benchmarks.report_page`: how long the report's page takes to write, to open, and to sort and filter."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from playwright.sync_api import Browser, sync_playwright

from imds_components.report.formats import html
from imds_components.report.tally import Tally
from tools import browser as browsers
from tools.engine.processes import SetUpError
from tools.posture_demo import CONTEXT, posture

SIZES = (400, 10_000, 50_000)
RUNS = 5
_OPENED = "performance.getEntriesByName('table-ready')[0].startTime"
_SORTED = """() => {
  const start = performance.now();
  document.querySelector("th[data-column=name] button").click();
  document.body.offsetHeight;  // lays the new rows out
  return performance.now() - start;
}"""
_FILTERED = """(text) => {
  const start = performance.now(), search = document.querySelector("#filters [name=q]");
  search.value = text;
  search.dispatchEvent(new Event("input", {bubbles: true}));
  document.body.offsetHeight;
  return performance.now() - start;
}"""


@dataclass(frozen=True)
class Measured:
    """One size: seconds to write, megabytes, and milliseconds in the browser, each the median of :data:`RUNS`."""

    size: int
    written: float
    megabytes: float
    opened: float
    sorted: float
    filtered: float

    def __str__(self) -> str:
        times = f"{self.opened:.0f} ms | {self.sorted:.0f} ms | {self.filtered:.0f} ms"
        return f"| {self.size:,} | {self.written:.1f} s | {self.megabytes:.1f} MB | {times} |"


def main() -> int:
    """Measure each size, and print the table of docs/performance.md as the last lines."""
    try:
        found = browsers.find()
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"browser: {found}")
    with tempfile.TemporaryDirectory(prefix="pulumi-imds-page-") as folder, sync_playwright() as playwright:
        running = found.launch(playwright)
        measured = [measure(running, Path(folder, "report.html"), size) for size in SIZES]
        running.close()
    print("| instances | written in | size | opened in | sorted in | filtered in |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    print("\n".join(map(str, measured)))
    return 0


def measure(browser: Browser, file: Path, size: int) -> Measured:
    """Write a page of so many instances, and open, sort and filter it."""
    records, tally = list(posture(size)), Tally()
    start = perf_counter()
    with file.open("w", encoding="utf-8") as out:
        html.write(tally.watch(records), tally, out, CONTEXT)
    written = perf_counter() - start
    opened, sorted_, filtered = [], [], []
    for _ in range(RUNS):
        page = browser.new_page()
        page.goto(file.as_uri())
        opened.append(page.evaluate(_OPENED))
        sorted_.append(page.evaluate(_SORTED))
        filtered.append(page.evaluate(_FILTERED, "kafka"))
        page.close()
    return Measured(size, written, file.stat().st_size / 1e6, median(opened), median(sorted_), median(filtered))


if __name__ == "__main__":
    sys.exit(main())
