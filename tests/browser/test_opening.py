from __future__ import annotations

from tests.support.report_page import Pages, rows
from tools.posture_demo import posture


def test_10000_instances_open_in_under_two_seconds(pages: Pages) -> None:
    page = pages.open(posture(10_000))
    ready = "performance.getEntriesByName('table-ready')[0].startTime"
    milliseconds = [page.evaluate(ready)]
    for _ in range(2):
        page.reload()
        milliseconds.append(page.evaluate(ready))
    assert len(rows(page)) == 25
    # The other tests of this run share the processor, so that the quickest of three counts.
    assert min(milliseconds) < 2000
