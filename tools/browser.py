"""Find a Chromium for the tests and pictures of the report's page: `python -m tools.browser` says which.

In this order: Chromium or Chrome on PATH; what Playwright has downloaded, or can download; Debian's package, where this
process may install one. A browser counts only if it starts.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser as RunningBrowser
from playwright.sync_api import Playwright, sync_playwright

from tools.engine.cache import cache_root, locked
from tools.engine.processes import SetUpError, run

ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_START_SECONDS = 60.0
_DOWNLOAD_SECONDS = 300.0
_INSTALL_SECONDS = 900.0
_ADVICE = (
    "Install Chromium or Chrome and put it on PATH, or run `python -m playwright install --with-deps chromium` with "
    "internet access."
)


@dataclass(frozen=True)
class Browser:
    """A Chromium that starts on this machine, and where it came from."""

    executable: Path
    version: str
    origin: str

    def __str__(self) -> str:
        return f"{self.version}, {self.executable}, {self.origin}"

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
    """The first browser that this machine has or can get. One process at a time gets one.

    Raises:
        SetUpError: there is none; the message says what was tried and what to do.
    """
    try:
        return first_of([on_path])
    except SetUpError:
        with locked(cache_root(os.environ, Path.home()).parent / "browser.lock", lambda: None):
            return first_of([on_path, downloaded, download, debian_package])


def first_of(ways: Iterable[Callable[[], Browser]]) -> Browser:
    """The browser of the first way that has one.

    Raises:
        SetUpError: no way has one. The message has the reason of each.
    """
    reasons = []
    for way in ways:
        try:
            return way()
        except SetUpError as error:
            reasons.append(f"- {error}")
    raise SetUpError("\n".join([f"no browser for the report's page. {_ADVICE} What was tried:", *reasons]))


def on_path() -> Browser:
    """Chromium or Chrome as the user has installed it."""
    found = [Path(executable) for name in ON_PATH if (executable := shutil.which(name))]
    if not found:
        raise SetUpError(f"none of {', '.join(ON_PATH)} is on PATH")
    return first_of([partial(started, executable, "on PATH") for executable in found])


def downloaded() -> Browser:
    """What Playwright downloaded before."""
    with sync_playwright() as playwright:
        executable = Path(playwright.chromium.executable_path)
    if not executable.exists():
        raise SetUpError("Playwright has downloaded none")
    return started(executable, "downloaded by Playwright")


def download() -> Browser:
    """Let Playwright download its Chromium."""
    run([sys.executable, "-m", "playwright", "install", "chromium"], limit=_DOWNLOAD_SECONDS)
    return downloaded()


def debian_package() -> Browser:
    """Install Debian's package `chromium`, where apt-get is there and this process is root."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SetUpError("Debian's package needs apt-get and root")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "--quiet"], limit=_INSTALL_SECONDS, env=environment)
    command = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"]
    run(command, limit=_INSTALL_SECONDS, env=environment)
    return on_path()


def started(executable: Path, origin: str) -> Browser:
    """A browser that prints its version. One whose libraries are missing does not.

    Raises:
        SetUpError: it does not start.
    """
    version = run([executable, "--version"], limit=_START_SECONDS).strip()
    return Browser(executable, version.partition(" built on ")[0], origin)


if __name__ == "__main__":
    sys.exit(main())
