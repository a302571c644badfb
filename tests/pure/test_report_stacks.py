"""Stacks are read side by side, in order, and what cannot be read is named and stops nothing."""

from __future__ import annotations

import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imds_components.report.posture import Instance, Record, Source
from imds_components.report.progress import Progress, progress_line
from imds_components.report.pulumi_cli import PulumiError
from imds_components.report.stacks import stack_records
from tests.support.states import barrier, row, state, target

A, B = (f"i-{letter * 17}" for letter in "ab")
SUCCEEDED = json.dumps([{"result": "succeeded", "endTime": "2026-11-25T04:00:00.000Z"}])


@dataclass
class FakePulumi:
    """Stacks by name: an exported state, or an error. Counts how many are read at once."""

    stacks: dict[str, object]
    listing: object = None
    commands: list[tuple[str, ...]] = field(default_factory=list)
    most: int = 0
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, *arguments: str) -> str:
        with self._lock:
            self.commands.append(arguments)
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            return self._answer(arguments)
        finally:
            with self._lock:
                self._running -= 1

    def _answer(self, arguments: Sequence[str]) -> str:
        if arguments[:2] == ("stack", "ls"):
            listing = [{"name": each} for each in self.stacks] if self.listing is None else self.listing
            if isinstance(listing, Exception):
                raise listing
            return json.dumps(listing)
        found = self.stacks[arguments[-1]]
        if isinstance(found, Exception):
            raise found
        if arguments[1] == "history":
            return SUCCEEDED
        return found if isinstance(found, str) else json.dumps(found)


def compliant(instance: str) -> object:
    return state(row(instance), barrier([target(instance)]))


def shown(records: Iterator[Record]) -> list[tuple[str, str]]:
    """The instances and the results of sources, in order."""
    return [
        (each.environment, each.instance if isinstance(each, Instance) else each.result)
        for each in records
        if isinstance(each, Instance | Source)
    ]


def test_stacks_are_reported_in_order_with_their_instances() -> None:
    pulumi = FakePulumi({"dev": compliant(A), "prod": compliant(B)})
    assert shown(stack_records(stacks=["prod", "dev"], run=pulumi)) == [
        ("prod", B),
        ("prod", "succeeded"),
        ("dev", A),
        ("dev", "succeeded"),
    ]


def test_only_commands_that_read_are_run_and_no_secret_is_asked_for() -> None:
    pulumi = FakePulumi({"dev": compliant(A)})
    list(stack_records(all_stacks=True, run=pulumi))
    assert pulumi.commands == [
        ("stack", "ls", "--json"),
        ("stack", "history", "--json", "--page-size", "1", "--stack", "dev"),
        ("stack", "export", "--stack", "dev"),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (PulumiError("no stack named 'dev' found"), "no stack named 'dev' found"),
        ("not JSON", "`pulumi stack export` is not JSON."),
        ({}, "this is not what `pulumi stack export` writes: {}"),
    ],
)
def test_a_stack_that_cannot_be_read_is_named_and_the_others_are_read(content: object, problem: str) -> None:
    pulumi = FakePulumi({"dev": content, "prod": compliant(B)})
    records = list(stack_records(stacks=["dev", "prod"], run=pulumi))
    assert records[0] == Source(kind="stack", environment="dev", result="unreadable", problem=problem)
    assert shown(iter(records[1:])) == [("prod", B), ("prod", "succeeded")]


def test_all_stacks_come_after_those_that_are_named_and_each_comes_once() -> None:
    pulumi = FakePulumi({"dev": state(), "prod": state()})
    found = shown(stack_records(stacks=["prod"], all_stacks=True, run=pulumi))
    assert [name for name, _ in found] == ["prod", "dev"]


def test_a_stack_whose_update_is_in_progress_is_running() -> None:
    pulumi = FakePulumi({"dev": compliant(A)}, listing=[{"name": "dev", "updateInProgress": True}])
    assert shown(stack_records(all_stacks=True, run=pulumi))[-1] == ("dev", "running")


@pytest.mark.parametrize("place", ["", "stacks"])
def test_stacks_that_cannot_be_listed_are_found_by_their_files(place: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\n{f'stackConfigDir: {place}' if place else ''}")
    (tmp_path / place).mkdir(exist_ok=True)
    (tmp_path / place / "Pulumi.dev.yaml").touch()
    (tmp_path / "below").mkdir()
    pulumi = FakePulumi({"dev": compliant(A)}, listing=PulumiError("failed to load checkpoint: EOF"))
    first, *others = stack_records(all_stacks=True, folder=tmp_path / "below", run=pulumi)
    assert isinstance(first, Source)
    assert (first.environment, first.result) == ("all stacks", "unreadable")
    assert "cannot be listed: failed to load checkpoint: EOF" in first.problem
    assert shown(iter(others)) == [("dev", A), ("dev", "succeeded")]


@pytest.mark.parametrize("project", [None, "{", "- a list", "name: shop\nstackConfigDir: 3"])
def test_without_a_usable_project_file_no_stack_is_found(project: str | None, tmp_path: Path) -> None:
    if project is not None:
        (tmp_path / "Pulumi.yaml").write_text(project)
    pulumi = FakePulumi({}, listing=PulumiError("no project"))
    assert [name for name, _ in shown(stack_records(all_stacks=True, folder=tmp_path, run=pulumi))] == ["all stacks"]


def test_a_file_is_reported_by_the_name_of_its_stack(tmp_path: Path) -> None:
    good, empty, killed, bad, text = (tmp_path / f"{each}.json" for each in ("good", "empty", "killed", "bad", "text"))
    good.write_text(json.dumps(compliant(A)))
    empty.write_text(json.dumps({"deployment": {"manifest": {"time": "2026-11-25T04:00:00Z"}}}))
    killed.write_text(json.dumps(state(pending=[row(B)])))
    bad.write_text("[]")
    text.write_bytes(b"\xff\x00")
    files = [good, empty, killed, bad, text, tmp_path / "none.json", tmp_path]
    records = list(stack_records(files, run=FakePulumi({})))
    sources = [each for each in records if isinstance(each, Source)]
    assert [(each.environment, each.result) for each in sources] == [
        ("prod", "read"),
        ("empty", "read"),
        ("prod", "interrupted"),
        *((str(each), "unreadable") for each in files[3:]),
    ]
    assert sources[3].problem == f"{bad}: this is not what `pulumi stack export` writes: []"
    assert sources[4].problem == f"{text} is not JSON."
    assert sources[5].problem == f"{tmp_path / 'none.json'} cannot be read: No such file or directory."
    assert sources[6].problem == f"{tmp_path} cannot be read: Is a directory."


def test_no_more_stacks_are_read_than_a_few_at_a_time_and_progress_is_reported() -> None:
    pulumi = FakePulumi({f"stack-{number}": state() for number in range(20)})
    seen: list[Progress] = []
    records = stack_records(all_stacks=True, run=pulumi, at_a_time=3, progress=seen.append)
    next(records)
    assert len({each[-1] for each in pulumi.commands if each[1] == "history"}) <= 4, "the consumer is waited for"
    list(records)
    assert pulumi.most <= 3
    assert [(each.done, each.total) for each in seen] == [(0, 0), *((number, 20) for number in range(1, 21))]
    assert [progress_line(each) for each in (seen[0], seen[-1])] == [
        "looking up stacks",
        "20 of 20 stacks read, 0 instances",
    ]


def peak(work: Callable[[], object]) -> int:
    """The most memory that the work holds at a time, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_ten_times_the_stacks_need_no_more_memory() -> None:
    ids = [f"i-{number:017x}" for number in range(100)]
    exported = json.dumps(state(*map(row, ids), barrier([target(each) for each in ids])))

    def read(number: int) -> None:
        pulumi = FakePulumi({f"stack-{each:04}": exported for each in range(number)})
        for _ in stack_records(all_stacks=True, run=pulumi, at_a_time=2):
            pass

    read(1)
    few, many = peak(lambda: read(8)), peak(lambda: read(80))
    assert many < 1.3 * few, (few, many)
