from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imds_components.report.controls import KINDS
from imds_components.report.formats import sarif
from imds_components.report.posture import Imdsv1Calls, Instance, Record
from tests.support.posture import CALLS, EXEMPT, account, compliant, group, instance, live, stack, written

SCHEMA = Path(__file__).parents[1] / "support" / "schemas" / "sarif-2.1.0.json"
"""The schema that @microsoft/sarif-multitool 5.7.0 of npm has, whose source is OASIS."""

EVERYTHING: Sequence[Record] = (
    stack(),
    stack("failed", result="failed"),
    stack("never", result="never"),
    live(
        "audit", result="unreadable", account="222222222222", region="eu-north-1", problem="AccessDenied: no {0} [a](b)"
    ),
    instance(1, name='<script>alert("1")</script>', calls=CALLS, fleet="shop"),
    instance(2, options={}, status="unknown"),
    instance(3, options={"httpTokens": "optional"}, status="exempt", exempt=EXEMPT),
    instance(4, options={}, wanted={}, status="exempt", exempt=EXEMPT),
    instance(5, options={"httpTokens": "required"}, status="pending-start"),
    instance(6, wanted={**instance().wanted, "httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"}),
    instance(7, options={"httpTokens": "required"}, unfinished="EC2 throttled it"),
    instance(8, environment="audit", account="222222222222", calls=Imdsv1Calls(31, None)),
    instance(9, status="unknown", options={}, wanted={}),
    instance(11, status="exempt", wanted={}, operator="eks.amazonaws.com"),
    compliant(10),
    group(),
    group(launched_by="launch configuration web-lc", group="old", value=None),
    group(option="httpPutResponseHopLimit", value=4, wanted=1),
    account(defaults={"httpTokens": "no-preference"}),
    account(region="eu-west-2", defaults={}),
    account(region="eu-west-3", defaults={"httpTokens": "optional"}, wanted={}, environment="audit"),
)


@cache
def validator() -> Any:  # noqa: ANN401  jsonschema's classes are made at run time
    schema = json.loads(SCHEMA.read_text("utf-8"))
    checker = jsonschema.validators.validator_for(schema)
    checker.check_schema(schema)
    return checker(schema, format_checker=jsonschema.FormatChecker())


def run_of(*records: Record) -> Any:  # noqa: ANN401  JSON
    """The run in the log of these records, which the schema accepts."""
    log = json.loads(written(sarif.write, records))
    assert [error.message for error in validator().iter_errors(log)] == []
    (run,) = log["runs"]
    return run


def results(*records: Record) -> list[Any]:
    return list(run_of(*records)["results"])


def hashes(found: Iterable[Any]) -> list[str]:
    return [each["partialFingerprints"]["primaryLocationLineHash"] for each in found]


def test_the_schema_accepts_a_report_with_everything_and_refuses_one_with_a_misspelt_key() -> None:
    run = run_of(*EVERYTHING)
    assert {each["ruleId"] for each in run["results"]} >= {
        "imds-instance-tokens",
        "imds-instance-unknown",
        "imds-launch-template-tokens",
        "imds-account-default",
    }
    text = written(sarif.write, EVERYTHING)
    for key in ('"suppressions"', '"partialFingerprints"', '"toolExecutionNotifications"', '"logicalLocations"'):
        wrong = json.loads(text.replace(key, key.replace("s", "z", 1)))
        assert list(validator().iter_errors(wrong)), f"{key} is not checked"


def test_what_is_compliant_is_not_a_result() -> None:
    assert results(stack(), compliant(), account()) == []


def test_every_instance_that_is_not_compliant_is_a_result() -> None:
    found = {each["properties"]["account"] + each["message"]["text"].split()[0] for each in results(*EVERYTHING)}
    instances = [each for each in EVERYTHING if isinstance(each, Instance)]
    assert found >= {f"{each.account}{each.instance}" for each in instances if each.status != "compliant"}


def test_an_instance_that_allows_imdsv1_is_an_error_with_the_controls_that_forbid_it() -> None:
    run = run_of(stack(), instance(name="web-1"))
    (result,) = run["results"]
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert (result["level"], result["ruleId"]) == ("error", rule["id"])
    assert result["message"]["text"] == "i-00000000000000001 (web-1) has httpTokens=optional instead of required."
    assert {
        "security",
        "security-hub/EC2.8",
        "aws-config/ec2-imdsv2-check",
        "cis-aws-foundations/5.0.0/5.7",
        "cis-aws-foundations/3.0.0/5.6",
    } <= set(rule["properties"]["tags"])
    page = "https://docs.aws.amazon.com/securityhub/latest/userguide/ec2-controls.html#ec2-8"
    assert f"[security-hub/EC2.8]({page})" in rule["help"]["markdown"]


def test_a_rule_has_no_more_tags_than_github_shows_and_its_index_is_that_of_the_list() -> None:
    run = run_of(*EVERYTHING)
    rules = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in rules] == [each.id for each in KINDS]
    assert max(len(each["properties"]["tags"]) for each in rules) <= 10
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


@pytest.mark.parametrize(
    ("launched_by", "option", "rule", "tags"),
    [
        (
            "launch template web-lt (lt-0a) version 3",
            "httpTokens",
            "imds-launch-template-tokens",
            {"security-hub/EC2.170", "aws-config/ec2-launch-template-imdsv2-check"},
        ),
        (
            "launch configuration web-lc",
            "httpTokens",
            "imds-launch-configuration-tokens",
            {"security-hub/AutoScaling.3", "aws-config/autoscaling-launchconfig-requires-imdsv2"},
        ),
        (
            "launch configuration web-lc",
            "httpPutResponseHopLimit",
            "imds-launch-configuration-hop-limit",
            {"aws-config/autoscaling-launch-config-hop-limit"},
        ),
        ("launch template web-lt (lt-0a) version 3", "httpEndpoint", "imds-launch-option", set()),
    ],
)
def test_a_group_is_a_result_of_what_it_launches_from(launched_by: str, option: str, rule: str, tags: set[str]) -> None:
    run = run_of(stack(), group(launched_by=launched_by, option=option))
    (result,) = run["results"]
    assert result["ruleId"] == rule
    assert tags <= set(run["tool"]["driver"]["rules"][result["ruleIndex"]]["properties"]["tags"])


def test_what_is_not_known_is_a_warning_and_never_left_out() -> None:
    unknown: list[Record] = [
        instance(1, status="unknown", options={}),
        instance(2, status="unknown", wanted={}),
        group(value=None),
        account(defaults={}),
    ]
    assert [each["level"] for each in results(stack(), *unknown)] == ["warning"] * 4


def test_an_exempt_instance_is_a_suppressed_result_with_its_reason_and_last_day() -> None:
    (result,) = results(stack(), instance(status="exempt", exempt=EXEMPT))
    assert result["ruleId"] == "imds-instance-tokens"
    (suppression,) = result["suppressions"]
    assert suppression["kind"] == "external"
    assert suppression["justification"] == "agent 1.2 calls IMDSv1 (until 2099-01-31)"
    (unobserved,) = results(stack(), instance(status="exempt", exempt=EXEMPT, options={}, wanted={}))
    assert unobserved["ruleId"] == "imds-instance-exempt"
    assert unobserved["suppressions"] == result["suppressions"]


def test_an_instance_that_an_aws_service_manages_is_suppressed_too() -> None:
    (result,) = results(live("prod"), instance(status="exempt", wanted={}, operator="eks.amazonaws.com"))
    assert result["ruleId"] == "imds-instance-exempt"
    assert result["suppressions"][0]["justification"] == "managed by eks.amazonaws.com"


def test_calls_of_imdsv1_are_a_result_of_their_own_even_of_a_compliant_instance() -> None:
    (result,) = results(stack(), compliant(calls=CALLS))
    assert (result["ruleId"], result["level"]) == ("imds-imdsv1-calls", "warning")
    assert "1,234 IMDSv1 calls in the last 31 days, the last at 2026-11-19 13:00 UTC" in result["message"]["text"]


def test_an_account_default_that_is_not_as_wanted_is_an_error_and_without_a_wanted_one_a_note() -> None:
    loose = {"httpTokens": "no-preference"}
    assert [each["level"] for each in results(stack(), account(defaults=loose))] == ["error"]
    assert [each["level"] for each in results(live(), account(defaults=loose, wanted={}))] == ["note"]


def test_the_same_finding_has_the_same_fingerprint_in_each_report_and_no_other_finding_has_it() -> None:
    first = hashes(results(*EVERYTHING))
    assert len(set(first)) == len(first)
    assert hashes(results(*reversed(EVERYTHING))) == first
    renamed = [replace(each, name="other") if isinstance(each, Instance) else each for each in EVERYTHING]
    assert hashes(results(*renamed)) == first
    moved = instance(1, region="eu-west-2")
    assert hashes(results(stack(), moved)) != hashes(results(stack(), instance(1)))


def test_a_result_of_a_stack_points_to_its_file_and_a_live_one_to_its_resource() -> None:
    in_stack, alive = results(
        stack("my-org/shop/prod eu"),
        live("audit"),
        instance(1, environment="my-org/shop/prod eu"),
        instance(2, environment="audit"),
    )
    places = [each["locations"][0]["physicalLocation"] for each in (in_stack, alive)]
    assert [each["artifactLocation"]["uri"] for each in places] == [
        "stacks/Pulumi.prod%20eu.yaml",
        "aws/111111111111/eu-west-1/i-00000000000000002",
    ]
    assert [each["region"]["startLine"] for each in places] == [1, 1], "GitHub shows no result without it"
    (logical,) = in_stack["locations"][0]["logicalLocations"]
    assert logical["fullyQualifiedName"] == "111111111111/eu-west-1/i-00000000000000001"


def test_a_source_that_is_not_complete_is_a_notification_and_the_run_is_not_successful() -> None:
    (whole,) = run_of(stack(), compliant())["invocations"]
    assert (whole["executionSuccessful"], whole["toolExecutionNotifications"]) == (True, [])
    (partial,) = run_of(stack(), stack("dev", result="unreadable", problem="no such bucket"))["invocations"]
    assert not partial["executionSuccessful"]
    (notification,) = partial["toolExecutionNotifications"]
    assert notification["level"] == "error"
    assert "dev: it could not be read" in notification["message"]["text"]
    assert "no such bucket" in notification["message"]["text"]


def test_calls_that_cloudwatch_has_no_data_of_are_a_notification() -> None:
    (invocation,) = run_of(stack(), compliant(calls=Imdsv1Calls(31, None)))["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert "no data on the IMDSv1 calls of 1 instance," in notification["message"]["text"]


def test_no_more_results_than_github_accepts_the_most_urgent_first_and_how_many_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sarif, "MOST_RESULTS", 3)
    exempt = instance(1, status="exempt", exempt=EXEMPT)
    waiting = instance(2, options={"httpTokens": "required"}, status="pending-start")
    run = run_of(stack(), exempt, waiting, instance(3, status="unknown", options={}), instance(4), instance(5))
    assert [each["level"] for each in run["results"]] == ["error", "error", "warning"]
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("2 less urgent results are left out")


def test_text_of_others_makes_neither_a_link_nor_a_line() -> None:
    (result,) = results(stack(), instance(name="[click](https://evil.example)\nnext\u202eline"))
    assert result["message"]["text"] == (
        "i-00000000000000001 ([click] (https://evil.example) next line) has httpTokens=optional instead of required."
    )
