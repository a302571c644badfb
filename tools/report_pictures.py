"""`python -m tools.report_pictures`: render docs/report-light.png and docs/report-dark.png from the demo's posture."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from imds_components.report.formats import html
from imds_components.report.tally import Tally
from tools import browser as browsers
from tools.engine.processes import SetUpError
from tools.posture_demo import CONTEXT, posture
from tools.sandbox import ROOT

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZE = (1280, 1240)
_COLORS = 128


def main() -> int:
    """Write both pictures."""
    try:
        found = browsers.find()
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="pulumi-imds-pictures-") as folder, sync_playwright() as playwright:
        page, tally = Path(folder, "report.html"), Tally()
        with page.open("w", encoding="utf-8") as out:
            html.write(tally.watch(posture()), tally, out, CONTEXT)
        running = found.launch(playwright)
        for theme in THEMES:
            picture = ROOT / "docs" / f"report-{theme}.png"
            picture.write_bytes(small_png(screenshot(running, page, theme)))
            print(f"wrote {picture.relative_to(ROOT)}")
        running.close()
    return 0


def screenshot(browser: Browser, page: Path, theme: Literal["light", "dark"]) -> bytes:
    """The top of a page in one theme, as PNG."""
    width, height = SIZE
    opened = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    opened.goto(page.as_uri())
    taken = opened.screenshot()
    opened.close()
    return taken


def small_png(png: bytes) -> bytes:
    """The same picture in few colors. Without dithering, so that areas of one color stay that."""
    with Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
