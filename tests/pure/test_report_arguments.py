"""The command line of `imds-report`."""

from __future__ import annotations

from pathlib import Path

import pytest

from imds_components.report.arguments import parse
from imds_components.report.failing import FAIL_ON
from imds_components.report.live import Access


def test_without_anything_else_a_file_is_reported_as_markdown() -> None:
    found = parse(["state.json"])
    assert (found.files, found.format, found.output) == ([Path("state.json")], "markdown", None)
    assert (found.accesses, found.has_stacks, found.fail_on) == ((), True, frozenset())
    assert found.title == "Instance metadata posture"


def test_options_take_several_values_by_repetition_or_with_commas() -> None:
    found = parse(["--stack", "dev,prod", "--stack", "test", "--fail-on", "unknown,exempt", "--fail-on", "groups"])
    assert found.stacks == ["dev", "prod", "test"]
    assert found.fail_on == {"unknown", "exempt", "groups"}
    live = parse(
        ["--live", "--region", "eu-west-1, us-east-1", "--region", "all", "--instance", "i-0123abcd,i-0123abce"]
    )
    assert live.regions == ["eu-west-1", "us-east-1", "all"]
    assert live.instances == ["i-0123abcd", "i-0123abce"]
    assert live.selects


def test_a_live_report_uses_the_environment_and_requires_tokens_unless_it_is_told_otherwise() -> None:
    plain = parse(["--live"])
    assert (plain.accesses, plain.wanted, plain.days) == ([Access()], {"httpTokens": "required"}, 14)
    assert (plain.regions, plain.filters, plain.selects, plain.has_stacks) == ([], {}, False, False)
    told = parse(["--live", "--require", "httpTokens=required", "--require", "httpPutResponseHopLimit=1", "--days=30"])
    assert (told.wanted, told.days) == ({"httpTokens": "required", "httpPutResponseHopLimit": 1}, 30)
    assert parse(["--live", "--no-calls"]).days is None


def test_profiles_and_roles_are_accounts_to_read() -> None:
    role = "arn:aws:iam::123456789012:role/a,b"
    assert parse(["--live", "--profile", "a", "--profile", "b"]).accesses == [Access("a"), Access("b")]
    assert parse(["--live", "--role-arn", role, "--profile", "hub"]).accesses == [Access("hub", role)]


def test_filters_are_those_of_describe_instances() -> None:
    found = parse(["--live", "--filter", "tag:Team=web,shop", "--filter", "tag:Team=db", "--filter", "vpc-id=vpc-1"])
    assert found.filters == {"tag:Team": ["web", "shop", "db"], "vpc-id": ["vpc-1"]}


def test_the_format_follows_the_file_unless_it_is_given() -> None:
    assert parse(["state.json", "--output", "report.html"]).format == "html"
    assert parse(["state.json", "--output", "report.txt", "--format", "csv"]).format == "csv"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "give the file of a state, --stack, --all-stacks or --live."),
        (["x.json", "--region", "eu-west-1"], "--region needs --live."),
        (["x.json", "--role-arn", "arn"], "--role-arn needs --live."),
        (["x.json", "--no-calls"], "--no-calls needs --live."),
        (["x.json", "--output", "a.txt"], "--format is missing: a.txt ends with none of"),
        (["x.json", "--fail-on", "unknwon"], "--fail-on unknwon is not a known key; did you mean unknown?"),
        (
            ["--live", "--region", "europe"],
            '--region must be the name of an AWS region such as "eu-west-1", got "europe".',
        ),
        (["--live", "--instance", "web"], "--instance must be an instance ID"),
        (["--live", "--filter", "tag:Team"], '--filter must be like tag:Team=web,shop, got "tag:Team".'),
        (["--live", "--require", "http_tokens=required"], "did you mean httpTokens?"),
        (
            ["--live", "--require", "httpTokens=yes"],
            '--require httpTokens must be "optional" or "required", got "yes".',
        ),
        (["--live", "--require", "httpTokens"], '--require httpTokens must be "optional" or "required", got "".'),
        (["--live", "--days", "0"], "--days must be a whole number of days from 1 to 455, got 0."),
        (["--live", "--days", "many"], '--days must be a whole number of days from 1 to 455, got "many".'),
        (
            ["--live", "--profile", "a", "--profile", "b", "--role-arn", "arn"],
            "--role-arn takes one --profile at most.",
        ),
        (["--live", "--format", "xml"], "argument --format: invalid choice: 'xml'"),
        (["--lives"], "unrecognized arguments: --lives"),
    ],
)
def test_wrong_usage_is_one_line_and_2(given: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(given)
    shown = capsys.readouterr().err
    assert ended.value.code == 2
    assert shown.startswith("imds-report: ")
    assert message in shown
    assert shown.count("\n") == 1


def test_help_names_everything_that_a_report_can_fail_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert all(each in shown for each in FAIL_ON)
