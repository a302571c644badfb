"""The source of a report that reads stacks: states in files, or stacks by the `pulumi` command. No AWS call is made."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from imds_provider.errors import ImdsError

from .last_update import LastUpdate, judge_update
from .posture import Instance, Record, Source
from .progress import Progress
from .pulumi_cli import PulumiError, Run, pulumi_in, stack_files
from .stack_state import records_of
from .state import NotAStateError, State, mapping, sequence, text

AT_A_TIME = 8
"""How many stacks are read at a time. Each has a process of `pulumi`, which mostly waits for its backend."""

_Job = Callable[[], Sequence[Record]]


def stack_records(
    files: Iterable[Path] = (),
    stacks: Iterable[str] = (),
    *,
    all_stacks: bool = False,
    folder: Path = Path(),
    run: Run | None = None,
    progress: Callable[[Progress], object] = lambda _: None,
    at_a_time: int = AT_A_TIME,
) -> Iterator[Record]:
    """The records of states in files, and of stacks by name, in their order.

    ``all_stacks`` adds all stacks of the project in ``folder``, where `pulumi` runs. The records of a stack end with
    its :class:`Source`. What cannot be read is a source that is ``unreadable``; nothing else is the worse for it.
    ``progress`` is called in the thread of the consumer. At most ``at_a_time`` stacks are held in memory.
    """
    run = run or pulumi_in(folder)
    names = dict.fromkeys(stacks)
    in_progress: set[str] = set()
    so_far = Progress(what="stacks")
    progress(so_far)
    jobs: list[_Job] = [partial(_read_file, each) for each in files]
    if all_stacks:
        try:
            listed = _list_stacks(run)
        except ImdsError as error:
            # `pulumi stack ls` opens every stack, and fails as a whole where it cannot open one.
            problem = f"Only stacks with a file in the project are read, since they cannot be listed: {error}"
            jobs.append(partial(_unreadable, "all stacks", problem))
            names.update(dict.fromkeys(stack_files(folder)))
        else:
            names.update(dict.fromkeys(listed))
            in_progress.update(name for name, is_running in listed.items() if is_running)
    jobs += [partial(_read_stack, run, each, in_progress=each in in_progress) for each in names]
    for done, records in enumerate(_side_by_side(jobs, at_a_time), 1):
        instances = so_far.instances + sum(isinstance(each, Instance) for each in records)
        ended = next((each for each in records if isinstance(each, Source)), None)
        so_far = replace(so_far, done=done, total=len(jobs), instances=instances, ended=ended)
        progress(so_far)
        yield from records


def _side_by_side(jobs: Iterable[_Job], at_a_time: int) -> Iterator[Sequence[Record]]:
    """The results of the jobs in their order, of which no more than ``at_a_time`` are under way or not yet taken."""
    running: deque[Future[Sequence[Record]]] = deque()
    with ThreadPoolExecutor(at_a_time) as executor:
        for job in jobs:
            if len(running) == at_a_time:
                yield running.popleft().result()
            running.append(executor.submit(job))
        while running:
            yield running.popleft().result()


def _list_stacks(run: Run) -> dict[str, bool]:
    """The names of all stacks, and whether an update of each is in progress, as far as the backend knows."""
    listed = _parse(run("stack", "ls", "--json"), "`pulumi stack ls --json`")
    stacks = map(mapping, sequence(listed))
    return {text(each.get("name")): each.get("updateInProgress") is True for each in stacks}


def _read_stack(run: Run, name: str, *, in_progress: bool) -> Sequence[Record]:
    try:
        # The history first: an update that ends in between makes the state look too new, never too good.
        history = _parse(
            run("stack", "history", "--json", "--page-size", "1", "--stack", name), "`pulumi stack history --json`"
        )
        exported = _parse(run("stack", "export", "--stack", name), "`pulumi stack export`")
        state = State.parse(exported)
    except ImdsError as error:
        return _unreadable(name, str(error))
    return list(records_of(state, name, judge_update(state, sequence(history), in_progress=in_progress)))


def _read_file(file: Path) -> Sequence[Record]:
    try:
        state = State.parse(_parse(file.read_bytes(), str(file)))
    except OSError as error:
        return _unreadable(str(file), f"{file} cannot be read: {error.strerror}.")
    except NotAStateError as error:
        return _unreadable(str(file), f"{file}: {error}")
    except ImdsError as error:
        return _unreadable(str(file), str(error))
    update = judge_update(state, ()) if state.pending else LastUpdate("read", state.written_at)
    return list(records_of(state, state.stack or file.stem, update))


def _unreadable(name: str, problem: str) -> Sequence[Record]:
    return [Source(kind="stack", environment=name, result="unreadable", problem=problem)]


def _parse(content: str | bytes, what: str) -> object:
    try:
        parsed: object = json.loads(content)
    except (ValueError, RecursionError):
        raise PulumiError(f"{what} is not JSON.") from None
    return parsed
