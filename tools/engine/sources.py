"""The sources of an engine, in the order in which they are tried."""

import os
import platform
import shutil
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path

from tools.engine.build import build, go_from_pypi, go_on_path
from tools.engine.cache import cache_root, locked, remove, remove_unfinished, unfinished_folder
from tools.engine.processes import SetUpError, run
from tools.engine.recipe import current_key
from tools.engine.versions import OLDEST_ENGINE, is_usable_engine, parse

_INSTALLER = "https://get.pulumi.com/install.sh"
_REACH_SECONDS = 4.0
_INSTALL_SECONDS = 600.0
_VERSION_SECONDS = 60.0


@dataclass(frozen=True)
class Source:
    """A source of engines: `folder` returns the folder of a usable engine or raises `SetUpError` with the reason."""

    name: str
    folder: Callable[[], Path]


def first_that_works(sources: Iterable[Source], report: Callable[[str], None]) -> Path:
    """The engine folder of the first of `sources` that has one; later sources are not tried.

    Args:
        sources: in order of preference.
        report: called with one line for each source that failed.

    Raises:
        SetUpError: all of them failed.
    """
    for source in sources:
        try:
            return source.folder()
        except SetUpError as error:
            report(f"{source.name}: {error}")
    raise SetUpError(
        "no Pulumi engine was found and none could be built, for the reasons above. "
        f"Install Pulumi {OLDEST_ENGINE} or newer (https://www.pulumi.com/docs/install/) or a current Go, then retry."
    )


def engine_folder() -> Path:
    """The folder of a usable engine, which is downloaded or built if the machine has none.

    Raises:
        SetUpError: no source has one.
    """
    root = cache_root(os.environ, Path.home())
    built = root / current_key(f"{platform.system()}-{platform.machine()}")
    ready = (
        Source("pulumi on PATH", _on_path),
        Source("an earlier download by the Pulumi SDK", _installed_by_sdk),
        Source("an earlier build", lambda: _usable(built)),
    )
    made = (
        Source("download by the Pulumi SDK", _install_by_sdk),
        Source("build from Go modules", lambda: _build(built)),
    )
    try:
        return first_that_works(ready, lambda _: None)
    except SetUpError:
        with locked(root / "lock", lambda: _report("waiting for another engine setup to finish ...")):
            remove_unfinished(root)
            return first_that_works((*ready, *made), _report)


def _on_path() -> Path:
    found = shutil.which("pulumi")
    if found is None:
        raise SetUpError("not found")
    return _usable(Path(found).parent)


def _usable(folder: Path) -> Path:
    """`folder`, if its engine runs, is new enough and finds its Python language host."""
    command = folder / "pulumi"
    if not command.exists():
        raise SetUpError("not found")
    output = run([command, "version"], limit=_VERSION_SECONDS, env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"})
    version = parse(output)
    if version is None or not is_usable_engine(version):
        raise SetUpError(
            f"{command} is {output.strip()}; needed is {OLDEST_ENGINE} or newer, below {OLDEST_ENGINE.major + 1}.0"
        )
    beside = (folder, command.resolve().parent)
    host = "pulumi-language-python"
    if shutil.which(host) is None and not any((place / host).exists() for place in beside):
        raise SetUpError(f"{command} has no {host} beside it or on PATH")
    return folder


def _installed_by_sdk() -> Path:
    return _usable(Path.home() / ".pulumi" / "versions" / installed_version("pulumi") / "bin")


def _install_by_sdk() -> Path:
    if not _can_reach(_INSTALLER):
        raise SetUpError("the internet is not reachable")
    _report("downloading the Pulumi engine ...")
    run(
        [sys.executable, "-c", "from pulumi.automation import PulumiCommand; PulumiCommand.install()"],
        limit=_INSTALL_SECONDS,
    )
    return _installed_by_sdk()


def _can_reach(address: str) -> bool:
    """Whether `address` answers in time. A thread also bounds the DNS lookup, which urlopen's timeout does not."""
    answers: list[bool] = []

    def request() -> None:
        try:
            with urllib.request.urlopen(address, timeout=_REACH_SECONDS):  # noqa: S310  # a constant https URL
                answers.append(True)
        except OSError:
            answers.append(False)

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(_REACH_SECONDS)
    return answers == [True]


def _build(target: Path) -> Path:
    _report("building the Pulumi engine from Go modules, once, about 5 minutes on 2 cores ...")
    own = go_on_path(_report)
    with unfinished_folder(target.parent) as unfinished:
        if own:
            build(own, unfinished, _report)
        else:
            with go_from_pypi(target.parent, _report) as go:
                build(go, unfinished, _report)
        _usable(unfinished)
        remove(target)
        unfinished.rename(target)
    return target


def _report(line: str) -> None:
    print(f"engine: {line}", file=sys.stderr, flush=True)
