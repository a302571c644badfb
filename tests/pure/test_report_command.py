"""`imds-report` as a command: what it writes where, what it says, and its exit status."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from imds_components.report.__main__ import main
from imds_components.report.output import ProgressLine, opened
from imds_components.report.pulumi_cli import PulumiError, pulumi_in
from tests.support.states import barrier, row, state, target

A, B = (f"i-{letter * 17}" for letter in "ab")


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """The state of a stack with a compliant instance and one that is not known to comply."""
    file = tmp_path / "state.json"
    file.write_text(json.dumps(state(row(A), row(B), barrier([target(A)]))))
    return file


def test_a_report_goes_to_standard_output_and_nothing_else_is_said(
    exported: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(exported), "--format", "json", "--title", "Mine"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["title"] == "Mine"
    assert json.loads(shown.out)["summary"]["unknown"] == 1
    assert shown.err == ""


def test_what_is_not_to_be_found_is_counted_and_1(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(exported), "--format", "csv", "--fail-on", "unknown,not-compliant,exempt"]) == 1
    assert capsys.readouterr().err == "imds-report: found 1 unknown.\n"
    assert main([str(exported), "--format", "csv", "--fail-on", "not-compliant,exempt,incomplete"]) == 0


def test_a_source_that_cannot_be_read_is_named_and_not_fatal(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(exported), str(tmp_path / "none.json"), "--format", "json"]
    assert main(given) == 0
    shown = capsys.readouterr()
    assert [each["result"] for each in json.loads(shown.out)["records"] if each["record"] == "source"] == [
        "read",
        "unreadable",
    ]
    assert main([*given, "--fail-on", "incomplete"]) == 1


def test_if_nothing_can_be_read_it_is_2_and_the_last_report_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    report.write_text("of yesterday")
    assert main([str(tmp_path / "none.json"), "--output", str(report)]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"imds-report: no source could be read. {tmp_path / 'none.json'} cannot be read: No such file or directory."
    )
    assert report.read_text() == "of yesterday"
    assert names_in(tmp_path) == ["report.json"], "nothing else is left"


def test_a_file_is_replaced_at_once_and_keeps_its_mode(exported: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert main([str(exported), "--output", str(report)]) == 0
    assert json.loads(report.read_text())["summary"]["instances"] == 2
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(report.stat().st_mode) == 0o666 & ~mask
    report.chmod(0o600)
    link = tmp_path / "link.json"
    link.symlink_to(report)
    assert main([str(exported), "--output", str(link), "--title", "Second"]) == 0
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert link.is_symlink()
    assert json.loads(report.read_text())["title"] == "Second"
    assert names_in(tmp_path) == ["link.json", "report.json", "state.json"]


def test_a_report_that_fails_half_way_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    report.write_text("of yesterday")

    def fail() -> None:
        with opened(report) as out:
            out.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert report.read_text() == "of yesterday"
    assert names_in(tmp_path) == ["report.csv"]


@pytest.mark.parametrize(("place", "reason"), [("none/report.csv", "No such file or directory"), ("", "directory")])
def test_a_file_that_cannot_be_written_is_one_line(
    place: str, reason: str, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(exported), "--format", "csv", "--output", str(tmp_path / place)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"imds-report: {tmp_path / place} cannot be written: ")
    assert reason in line


def test_a_tag_with_half_a_character_can_be_written(tmp_path: Path) -> None:
    broken = tmp_path / "state.json"
    broken.write_text(json.dumps(state(row(A, outputs={"unfinished": "\ud83d"}))))
    report = tmp_path / "report.csv"
    assert main([str(broken), "--output", str(report)]) == 0
    assert "\\ud83d" in report.read_text()


def test_a_device_takes_no_other_file_s_place(exported: Path) -> None:
    assert main([str(exported), "--format", "csv", "--output", os.devnull]) == 0
    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_that_is_rewritten_on_a_terminal(
    exported: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main([str(exported), "--format", "csv"]) == 0
    shown = terminal.getvalue()
    assert "1 of 1 stacks read, 2 instances" in shown
    assert "\n" not in shown
    assert shown.endswith("\r\x1b[K"), "nothing is left of it"
    assert "stacks read" not in capsys.readouterr().out


def test_elsewhere_only_lines_that_stay_are_written() -> None:
    log = io.StringIO()
    line = ProgressLine(log)
    line.show("1 of 2")
    line.keep("could not read prod")
    line.clear()
    assert log.getvalue() == "could not read prod\n"


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `pulumi` on PATH, a script that is to be written."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return folder / "pulumi"


def script(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_pulumi_is_run_in_the_folder_without_questions_colors_or_look_for_updates(pulumi: Path, tmp_path: Path) -> None:
    script(pulumi, 'echo "$PWD $@ $PULUMI_SKIP_UPDATE_CHECK"')
    folder = tmp_path / "project"
    folder.mkdir()
    shown = pulumi_in(folder)("stack", "ls", "--json")
    assert shown == f"{folder} stack ls --json --non-interactive --color never true\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("echo 'warning: old' >&2; echo 'error: no stack' >&2; echo '  named x' >&2; exit 255", "no stack named x"),
        ("echo 'panic: something' >&2; exit 1", "panic: something"),
        ("exit 1", "it gave no reason."),
    ],
)
def test_a_command_that_fails_is_one_line_with_its_reason(text: str, message: str, pulumi: Path) -> None:
    script(pulumi, text)
    with pytest.raises(PulumiError) as raised:
        pulumi_in(Path())("stack", "export")
    assert str(raised.value) == f"`pulumi stack export` failed: {message}"


def test_a_command_that_does_not_end_is_given_up(pulumi: Path) -> None:
    script(pulumi, "exec sleep 60")
    with pytest.raises(PulumiError, match=r"`pulumi stack ls` had not ended after 0\.2 s\."):
        pulumi_in(Path(), seconds=0.2)("stack", "ls")


@pytest.mark.usefixtures("pulumi")
def test_without_pulumi_or_its_folder_no_stack_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(PulumiError, match="there is no `pulumi` on PATH"):
        pulumi_in(Path())("stack", "ls")
    with pytest.raises(PulumiError, match="there is no folder"):
        pulumi_in(tmp_path / "none")("stack", "ls")
