"""Find a Chromium for the tests and pictures of the report's page: `python -m tools.browser` says which.

In this order: Chromium or Chrome on PATH; what Playwright has downloaded, or can download; Debian's package, where this
process may install one.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser as RunningBrowser
from playwright.sync_api import Playwright, sync_playwright

from tools.engine.cache import cache_root, locked
from tools.engine.processes import SetUpError, run

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_DOWNLOAD_SECONDS = 300.0
_INSTALL_SECONDS = 900.0
_ADVICE = (
    "Install Chromium or Chrome and put it on PATH, or run `python -m playwright install chromium` on a machine with "
    "internet access."
)


@dataclass(frozen=True)
class Browser:
    """A Chromium on this machine, and where it came from."""

    executable: Path
    origin: str

    def __str__(self) -> str:
        return f"{self.executable} ({self.origin})"

    def launch(self, playwright: Playwright) -> RunningBrowser:
        """Start it without a window. Its sandbox does not work for root."""
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        return playwright.chromium.launch(executable_path=self.executable, args=arguments)


def main() -> int:
    """Print the browser; the exit code says whether there is one."""
    try:
        print(f"browser: {find()}")
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def find() -> Browser:
    """The first browser that this machine has or can get.

    Raises:
        SetUpError: there is none; the message says what was tried and what to do.
    """
    if found := on_path():
        return found
    with locked(cache_root(os.environ, Path.home()).parent / "browser.lock", lambda: None):
        return first_of((downloaded, download, debian_package))


def first_of(ways: Iterable[Callable[[], Browser | None]]) -> Browser:
    """The browser of the first way that has one.

    Raises:
        SetUpError: no way has one. The message has the reasons of those that failed.
    """
    failures: list[str] = []
    for way in ways:
        try:
            if found := way():
                return found
        except SetUpError as error:
            failures.append(str(error))
    raise SetUpError("\n".join([f"there is no browser for the report's page. {_ADVICE}", *failures]))


def on_path() -> Browser | None:
    """Chromium or Chrome as the user has installed it."""
    for name in ON_PATH:
        if executable := shutil.which(name):
            return Browser(Path(executable), "on PATH")
    return None


def downloaded() -> Browser | None:
    """What Playwright downloaded before."""
    with sync_playwright() as playwright:
        executable = Path(playwright.chromium.executable_path)
    return Browser(executable, "downloaded by Playwright") if executable.exists() else None


def download() -> Browser | None:
    """Let Playwright download its Chromium."""
    run([sys.executable, "-m", "playwright", "install", "chromium"], limit=_DOWNLOAD_SECONDS)
    return downloaded()


def debian_package() -> Browser | None:
    """Install Debian's package `chromium`, where apt-get is there and this process is root."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "--quiet"], limit=_INSTALL_SECONDS, env=environment)
    command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"]
    run(command, limit=_INSTALL_SECONDS, env=environment)
    executable = shutil.which("chromium")
    return Browser(Path(executable), "Debian's package, installed now") if executable else None


if __name__ == "__main__":
    sys.exit(main())
