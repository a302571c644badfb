"""`imds-report`: write a posture report from stacks, from live instances, or both."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from imds_provider.errors import ImdsError

from .arguments import Arguments, parse
from .failing import found
from .formats import Context, writer
from .join import join
from .live import live_records
from .output import ProgressLine, opened
from .posture import Record
from .progress import Progress, lines_to_keep, progress_line
from .stacks import stack_records
from .tally import Tally

_DONE, _FOUND, _FAILED = 0, 1, 2


class _NothingReadError(ImdsError):
    """No source could be read."""


def main(given: Sequence[str] | None = None) -> int:
    """Write the report that the command line asks for, and return the exit status."""
    arguments = parse(given)
    progress = ProgressLine(sys.stderr)
    tally = Tally()
    try:
        _write(arguments, tally, progress)
    except ImdsError as error:
        return _fail(progress, str(error))
    except BrokenPipeError:
        # Whoever read standard output has seen enough; Python would complain once more when it flushes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    except OSError as error:
        return _fail(progress, f"{arguments.output or 'the report'} cannot be written: {error.strerror}.")
    except KeyboardInterrupt:
        return _fail(progress, "interrupted.", 130)
    progress.clear()
    if failed := found(tally, arguments.fail_on):
        _complain(f"found {', '.join(f'{count} {name}' for name, count in failed.items())}.")
        return _FOUND
    return _DONE


def _write(arguments: Arguments, tally: Tally, progress: ProgressLine) -> None:
    """Write the report. Nothing takes the place of a file if no source could be read."""
    write = writer(arguments.format)
    context = Context(datetime.now(timezone.utc), _version(), arguments.title)
    with opened(arguments.output) as out:
        write(tally.watch(_records(arguments, progress)), tally, out, context)
        if all(each.result == "unreadable" for each in tally.sources):
            problems = [each.problem for each in tally.sources]
            raise _NothingReadError(f"no source could be read. {problems[0] if problems else 'There are no stacks.'}")


def _records(arguments: Arguments, progress: ProgressLine) -> Iterator[Record]:
    stacks = stack_records(
        arguments.files,
        arguments.stacks,
        all_stacks=arguments.all_stacks,
        folder=arguments.folder,
        progress=partial(_show, progress),
    )
    if not arguments.accesses:
        return stacks
    live = live_records(
        arguments.accesses,
        arguments.regions,
        wanted=arguments.wanted,
        filters=arguments.filters or None,
        instance_ids=arguments.instances,
        days=arguments.days,
        progress=partial(_show, progress),
    )
    if not arguments.has_stacks:
        return live
    return join(live, stacks, wanted=arguments.wanted, whole=not arguments.selects)


def _show(line: ProgressLine, progress: Progress) -> None:
    for each in lines_to_keep(progress):
        line.keep(each)
    line.show(progress_line(progress))


def _fail(progress: ProgressLine, message: str, status: int = _FAILED) -> int:
    progress.clear()
    _complain(message)
    return status


def _complain(message: str) -> None:
    print(f"imds-report: {message}", file=sys.stderr)  # noqa: T201  a program for the terminal


def _version() -> str:
    try:
        return version("pulumi-imds")
    except PackageNotFoundError:
        return "from source"


if __name__ == "__main__":
    sys.exit(main())
