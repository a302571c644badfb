"""Which browser the tests of the report's page take, and what they say without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.browser import Browser, first_of, on_path, started
from tools.engine.processes import SetUpError

CHROMIUM = Browser(Path("/opt/chromium"), "Chromium 156", "on PATH")


def program(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def missing() -> Browser:
    raise SetUpError("Playwright has downloaded none")


def test_the_first_way_that_has_a_browser_is_taken() -> None:
    assert first_of([missing, lambda: CHROMIUM, missing]) == CHROMIUM


def test_without_any_the_reasons_and_what_to_do_are_named() -> None:
    with pytest.raises(SetUpError) as failed:
        first_of([missing, missing])
    lines = str(failed.value).splitlines()
    assert "Install Chromium or Chrome and put it on PATH" in lines[0]
    assert lines[1:] == ["- Playwright has downloaded none"] * 2


def test_a_browser_on_path_that_does_not_start_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "chromium", "echo 'libnss3.so: cannot open shared object file' >&2; exit 127")
    chrome = program(tmp_path, "google-chrome", "echo Google Chrome 156.0.1 built on Debian")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert on_path() == Browser(chrome, "Google Chrome 156.0.1", "on PATH")


def test_a_browser_that_does_not_start_is_named_with_its_reason(tmp_path: Path) -> None:
    broken = program(tmp_path, "chromium", "echo 'libnss3.so: cannot open shared object file' >&2; exit 127")
    with pytest.raises(SetUpError, match=r"chromium failed with exit code 127:\n.*libnss3\.so"):
        started(broken, "on PATH")


def test_a_path_without_any_names_what_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetUpError, match="none of chromium, chromium-browser, google-chrome"):
        on_path()


def test_the_browser_says_what_it_is_and_where_it_came_from() -> None:
    assert str(CHROMIUM) == "Chromium 156, /opt/chromium, on PATH"
