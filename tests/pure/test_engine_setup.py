import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.engine.cache import cache_root, locked, remove, remove_unfinished, unfinished_folder
from tools.engine.processes import SetUpError, run
from tools.engine.recipe import HERE, binaries, build_arguments, cache_key, current_key
from tools.engine.sources import Source, first_that_works
from tools.engine.versions import (
    OLDEST_ENGINE,
    Version,
    go_required_by,
    is_usable_engine,
    parse,
    version_required_by,
)

GO_MOD = """module example

go 1.25.11

require github.com/one/direct v3.259.0

require (
	github.com/two/other v1.2.3 // indirect
	github.com/two/other/v2 v2.0.0-rc.1 // indirect
)
"""


def _has(folder: str) -> Callable[[], Path]:
    return lambda: Path(folder)


def _has_not(reason: str) -> Callable[[], Path]:
    def refuse() -> Path:
        raise SetUpError(reason)

    return refuse


def _must_not_be_asked() -> Path:
    pytest.fail("a later source was asked although an earlier one has an engine")


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
def test_a_version_is_read_in_every_form_that_the_tools_print(text: str, version: tuple[int, int, int]) -> None:
    assert parse(text) == version


@pytest.mark.parametrize("text", ["", "devel", "pulumi: command not found"])
def test_text_without_a_version_has_none(text: str) -> None:
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
def test_an_engine_is_usable_from_the_oldest_on_within_the_same_major_version(
    version: Version, *, usable: bool
) -> None:
    assert is_usable_engine(version) is usable


def test_the_oldest_engine_is_the_oldest_sdk_of_the_distribution() -> None:
    bound = re.search(r'"pulumi>=([\d.]+),', (HERE.parents[1] / "pyproject.toml").read_text())
    assert bound
    assert parse(bound.group(1)) == OLDEST_ENGINE


def test_go_mod_tells_which_go_it_needs() -> None:
    assert go_required_by(GO_MOD) == (1, 25, 11)


def test_a_go_mod_without_its_go_line_is_refused() -> None:
    with pytest.raises(ValueError, match="no `go` line"):
        go_required_by("module example\n")


@pytest.mark.parametrize(
    ("module", "version"),
    [
        ("github.com/one/direct", "v3.259.0"),
        ("github.com/two/other", "v1.2.3"),
        ("github.com/two/other/v2", "v2.0.0-rc.1"),
    ],
)
def test_go_mod_tells_the_version_of_a_module(module: str, version: str) -> None:
    assert version_required_by(GO_MOD, module) == version


def test_a_module_that_go_mod_does_not_require_is_refused() -> None:
    with pytest.raises(ValueError, match=r"does not require github\.com/two"):
        version_required_by(GO_MOD, "github.com/two")


def test_the_engine_is_told_the_version_that_go_mod_pins() -> None:
    engine, host = binaries()
    assert engine.name == "pulumi"
    assert re.search(r"version\.Version=v3\.\d+\.\d+$", engine.link_flags)
    assert host.module != engine.module


def test_a_build_can_change_neither_go_mod_nor_go_sum() -> None:
    for binary in binaries():
        assert "-mod=readonly" in build_arguments(binary, Path("target"))


def test_the_cache_key_changes_with_each_thing_it_is_made_from() -> None:
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


def test_the_cache_key_is_the_same_for_the_same_things_in_another_order() -> None:
    one = cache_key({"go.mod": b"a", "go.sum": b"b"}, ["build"], "Linux-x86_64")
    other = cache_key({"go.sum": b"b", "go.mod": b"a"}, ["build"], "Linux-x86_64")
    assert one == other


def test_the_cache_key_of_this_checkout_is_a_plain_folder_name() -> None:
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
def test_the_cache_is_the_users_own(environment: dict[str, str], root: str) -> None:
    assert cache_root(environment, Path("/home/ada")) == Path(root)


def test_the_first_source_with_an_engine_is_taken_and_no_later_one_is_asked() -> None:
    said: list[str] = []
    sources = [
        Source("first", _has_not("not there")),
        Source("second", _has("/second")),
        Source("third", _must_not_be_asked),
    ]
    assert first_that_works(sources, said.append) == Path("/second")
    assert said == ["first: not there"]


def test_without_any_engine_every_reason_is_told_and_the_error_says_what_to_install() -> None:
    said: list[str] = []
    sources = [Source("first", _has_not("too old")), Source("second", _has_not("no internet"))]
    with pytest.raises(SetUpError, match=f"Install Pulumi {re.escape(str(OLDEST_ENGINE))} or newer"):
        first_that_works(sources, said.append)
    assert said == ["first: too old", "second: no internet"]


def test_an_unfinished_folder_is_removed_when_its_making_fails(tmp_path: Path) -> None:
    def fail_in_unfinished_folder() -> None:
        with unfinished_folder(tmp_path) as folder:
            (folder / "half").write_text("a")
            raise SetUpError("the build failed")

    with pytest.raises(SetUpError, match="the build failed"):
        fail_in_unfinished_folder()
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_folder_that_was_renamed_stays(tmp_path: Path) -> None:
    with unfinished_folder(tmp_path) as folder:
        (folder / "whole").write_text("a")
        folder.rename(tmp_path / "finished")
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["finished", "finished/whole"]


def test_what_a_killed_set_up_left_is_removed_and_what_is_finished_stays(tmp_path: Path) -> None:
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


def test_a_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tools.engine.cache import locked\n"
        "with locked(Path(sys.argv[1]), lambda: print('waiting', flush=True)): print('has it', flush=True)"
    )
    lock = tmp_path / "new" / "lock"
    with locked(lock, lambda: pytest.fail("nobody else has it")):
        second = subprocess.Popen(
            [sys.executable, "-c", program, str(lock)], stdout=subprocess.PIPE, text=True, cwd=HERE.parents[1]
        )
        assert second.stdout
        assert second.stdout.readline() == "waiting\n"
        assert second.poll() is None
    assert second.communicate(timeout=30)[0] == "has it\n"


def test_a_cache_that_cannot_be_written_is_told_with_what_to_set(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(SetUpError, match=r"cannot be written .* Set XDG_CACHE_HOME"),
        locked(tmp_path / "file" / "lock", lambda: None),
    ):
        pytest.fail("the lock was given")


def test_a_program_that_is_not_there_is_told_by_its_name() -> None:
    with pytest.raises(SetUpError, match="/no/such/program cannot be started: No such file"):
        run(["/no/such/program"], limit=10)


def test_a_program_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(SetUpError, match=r"(?s)sh failed with exit code 3:.*no space left"):
        run(["/bin/sh", "-c", "echo no space left >&2; exit 3"], limit=10)


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reading, True)
    started = time.monotonic()
    with os.fdopen(reading) as words:
        with pytest.raises(SetUpError, match="sh did not finish within 1 seconds and was stopped"):
            run(["/bin/sh", "-c", f"(echo started; sleep 60) > {fifo} & wait"], limit=1)
        assert words.read() == "started\n", "it ends when the last process that can write to it has ended"
    assert time.monotonic() - started < 30
