"""Where an engine can come from, and in which order that is tried."""

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
_REACHING_SECONDS = 4.0
_INSTALLING_SECONDS = 600.0
_ANSWERING_SECONDS = 60.0


@dataclass(frozen=True)
class Source:
    """One way to an engine: `folder` returns the folder of a usable one, or raises `SetUpError` with the reason."""

    name: str
    folder: Callable[[], Path]


def first_that_works(sources: Iterable[Source], say: Callable[[str], None]) -> Path:
    """The folder that the first of `sources` to have one gives; the later ones are not tried.

    Args:
        sources: in the order of preference.
        say: told why each of the others could not.

    Raises:
        SetUpError: none has one.
    """
    for source in sources:
        try:
            return source.folder()
        except SetUpError as error:
            say(f"{source.name}: {error}")
    raise SetUpError(
        "there is no Pulumi engine, and none could be made; the reasons stand above. "
        f"Install Pulumi {OLDEST_ENGINE} or newer (https://www.pulumi.com/docs/install/) or a current Go, "
        "and run this again."
    )


def engine_folder() -> Path:
    """The folder of a usable engine: of one that is there, else of one that is made now.

    Raises:
        SetUpError: there is none.
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
        with locked(root / "lock", lambda: _say("waiting for another set-up of the engine to end ...")):
            remove_unfinished(root)
            return first_that_works((*ready, *made), _say)


def _on_path() -> Path:
    found = shutil.which("pulumi")
    if found is None:
        raise SetUpError("not there")
    return _usable(Path(found).parent)


def _usable(folder: Path) -> Path:
    """`folder`, if it has an engine that runs, is new enough and finds its Python language host."""
    command = folder / "pulumi"
    if not command.exists():
        raise SetUpError("not there")
    said = run([command, "version"], limit=_ANSWERING_SECONDS, env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"})
    version = parse(said)
    if version is None or not is_usable_engine(version):
        raise SetUpError(
            f"{command} is {said.strip()}; {OLDEST_ENGINE} or newer is needed, below {OLDEST_ENGINE.major + 1}.0"
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
        raise SetUpError("the internet cannot be reached")
    _say("downloading the Pulumi engine ...")
    run(
        [sys.executable, "-c", "from pulumi.automation import PulumiCommand; PulumiCommand.install()"],
        limit=_INSTALLING_SECONDS,
    )
    return _installed_by_sdk()


def _can_reach(address: str) -> bool:
    """Whether `address` answers soon; the look-up of its name, which Python cannot bound, is within the limit."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(address, timeout=_REACHING_SECONDS):  # noqa: S310  # a constant, and https
                answers.append(True)
        except OSError:
            answers.append(False)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_REACHING_SECONDS)
    return answers == [True]


def _build(target: Path) -> Path:
    _say("building the Pulumi engine from Go modules, once, about 4 minutes on 2 cores ...")
    own = go_on_path(_say)
    with unfinished_folder(target.parent) as unfinished:
        if own:
            build(own, unfinished, _say)
        else:
            with go_from_pypi(target.parent, _say) as go:
                build(go, unfinished, _say)
        _usable(unfinished)
        remove(target)
        unfinished.rename(target)
    return target


def _say(line: str) -> None:
    print(f"engine: {line}", file=sys.stderr, flush=True)
