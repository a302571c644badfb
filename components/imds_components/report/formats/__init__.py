"""The formats of a posture report. Each module has one function ``write`` of the type :class:`Write`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, TextIO, get_args

from imds_provider.errors import ImdsError, InvalidInputError

from ..posture import Record
from ..tally import Tally


@dataclass(frozen=True)
class Context:
    """What a report says of itself: when it was made, by which version, and its title."""

    made_at: datetime
    version: str
    title: str = "Instance metadata posture"


class Write(Protocol):
    """Write a report. ``tally`` counts the records as they are iterated over, so it is complete only after the last.

    Formats that stream (csv, json) hold no instance; the others hold all.
    """

    def __call__(self, records: Iterable[Record], tally: Tally, out: TextIO, context: Context) -> None: ...


Format = Literal["html", "json", "csv", "sarif", "markdown"]
FORMATS: tuple[Format, ...] = get_args(Format)
_ENDINGS: dict[str, Format] = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".csv": "csv",
    ".sarif": "sarif",
    ".sarif.json": "sarif",
    ".md": "markdown",
    ".markdown": "markdown",
}
_MODULES: dict[Format, str] = {"json": "json_", "csv": "csv_"}
"""Those that cannot be named like their format, which a module of Python's is."""


def format_of(output: Path | None) -> Format:
    """The format of a file by its ending, and that of a terminal without one. Raises :class:`InvalidInputError`."""
    if output is None:
        return "markdown"
    name = output.name.lower()
    found = next((_ENDINGS[each] for each in sorted(_ENDINGS, key=len, reverse=True) if name.endswith(each)), None)
    if found is None:
        raise InvalidInputError(f"--format is missing: {output} ends with none of {', '.join(_ENDINGS)}.")
    return found


def _load(module: str) -> Write:
    write: Write = import_module(f".{module}", __name__).write
    return write


def writer(name: Format, load: Callable[[str], Write] = _load) -> Write:
    """What writes the format. Its module is loaded here, since one format needs more than is installed by default.

    Raises:
        ImdsError: what the format needs is not installed; the message says what to install.
    """
    try:
        return load(_MODULES.get(name, name))
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in ("", "imds_components", "imds_provider"):
            raise
        raise ImdsError(
            f"--format {name} needs {library}, which is not installed: run `pip install 'pulumi-imds[report]'`."
        ) from None
