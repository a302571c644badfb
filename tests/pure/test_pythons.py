"""Which Pythons the tests are run on, and what is said of each."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.pythons.__main__ import main
from tools.pythons.interpreters import interpreters

THIS = f"3.{sys.version_info.minor}"
ELSEWHERE = {"PATH": "", "PYENV_ROOT": "/nowhere", "UV_PYTHON_INSTALL_DIR": "/nowhere"}


def _python(folder: Path, version: str, *, says: str | None = None, code: int = 0) -> Path:
    folder.mkdir(parents=True)
    python = folder / f"python{version}"
    python.write_text(f"#!/bin/sh\necho {says or version}\nexit {code}\n")
    python.chmod(0o755)
    return python


def test_one_python_of_each_minor_version_is_found_on_path_then_with_pyenv_then_with_uv(tmp_path: Path) -> None:
    on_path = _python(tmp_path / "bin", "3.12")
    _python(tmp_path / "pyenv/versions/3.12.9/bin", "3.12")
    _python(tmp_path / "pyenv/versions/3.13.9/bin", "3.13")
    newest = _python(tmp_path / "pyenv/versions/3.13.10/bin", "3.13")
    _python(tmp_path / "pyenv/versions/3.9.18/bin", "3.9")
    uvs = _python(tmp_path / "uv/cpython-3.14.0-linux-x86_64-gnu/bin", "3.14")
    environment = {
        "PATH": str(on_path.parent),
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "uv"),
    }
    assert interpreters(environment, tmp_path) == {"3.12": on_path, "3.13": newest, "3.14": uvs}


def test_the_folders_of_pyenv_and_uv_are_in_the_home_folder_unless_named(tmp_path: Path) -> None:
    pyenvs = _python(tmp_path / ".pyenv/versions/3.10.1/bin", "3.10")
    uvs = _python(tmp_path / ".local/share/uv/python/cpython-3.11.1/bin", "3.11")
    assert interpreters({}, tmp_path) == {"3.10": pyenvs, "3.11": uvs}


def test_what_does_not_run_or_is_another_version_is_no_python(tmp_path: Path) -> None:
    shim = _python(tmp_path / "bin", "3.12", code=127)
    kept = _python(tmp_path / "pyenv/versions/3.12.1/bin", "3.12")
    _python(tmp_path / "pyenv/versions/3.13.1/bin", "3.13", says="3.10")
    environment = {"PATH": str(shim.parent), "PYENV_ROOT": str(tmp_path / "pyenv"), "UV_PYTHON_INSTALL_DIR": "/nowhere"}
    assert interpreters(environment, tmp_path) == {"3.12": kept}


def test_where_there_is_one_python_only_it_is_tested_in_the_environment_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    good, bad = tmp_path / "test_good.py", tmp_path / "test_bad.py"
    good.write_text("def test_it() -> None:\n    pass\n")
    bad.write_text("def test_it() -> None:\n    assert 'this' == 'that'\n")

    assert main([str(good)]) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Python {THIS}: passed (1 passed in ")
    assert (said.out.count("\n"), said.err) == (1, "")

    assert main([str(bad)]) == 1
    said = capsys.readouterr()
    assert said.out.startswith(f"Python {THIS}: FAILED with exit code 1 (1 failed in ")
    assert said.out.count("\n") == 1
    assert "assert 'this' == 'that'" in said.err


def test_a_python_that_no_environment_can_be_made_with_fails_and_the_others_are_tested_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = _python(tmp_path / "bin", "3.29")
    python.write_text('#!/bin/sh\n[ "$1" = -c ] && echo 3.29 && exit\necho "ensurepip is not available" >&2\nexit 1\n')
    for name, value in {**ELSEWHERE, "PATH": str(python.parent)}.items():
        monkeypatch.setenv(name, value)
    good = tmp_path / "test_good.py"
    good.write_text("def test_it() -> None:\n    pass\n")

    assert main([str(good)]) == 1
    said = capsys.readouterr()
    this, other = said.out.splitlines()
    assert this.startswith(f"Python {THIS}: passed")
    assert other == f"Python 3.29: no environment could be made with {python}"
    assert "ensurepip is not available" in said.err
