"""A fleet in a preview: what it logs, what it asks AWS, and what forbids the run or ends the program."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pulumi
import pytest

from imds_components import Exemption, FleetMetadata, Readiness, Rollout
from imds_provider.aws.error_advice import DENIED_CODES
from imds_provider.errors import AwsError, ConfigurationError
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.options import Options
from imds_provider.rules.readiness import ADVICE
from imds_provider.rules.wave_health import Impairment
from tests.support.fake_fleets import FakeFleetCalls
from tests.support.fakes import LAX
from tests.support.mocked_programs import Programs, Run

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
REQUIRED: Options = {**LAX, "httpTokens": "required"}
PERMISSIONS = ["ec2:ModifyInstanceMetadataOptions", "ec2:DescribeInstanceStatus", "cloudwatch:GetMetricData"]
LAST = "2026-11-20 13:00 UTC and 2026-11-20 15:00 UTC"
CALLS = Imdsv1Usage(1234, datetime(2026, 11, 20, 13, 0, tzinfo=timezone.utc))


@pytest.fixture
def seen(programs: Programs) -> FakeFleetCalls:
    """The region that the fleet is in, with one instance that is to change."""
    found = programs.aws.fleet("eu-west-1")
    found.add(WEB, Team="web")
    return found


def fleet(programs: Programs, *, preview: bool = True, **given: Any) -> Run:  # noqa: ANN401  whatever a program passes
    selection: dict[str, Any] = {} if "instances" in given else {"select": {"tag:Team": ["web"]}}
    return programs.run(
        lambda: FleetMetadata("web", **{**selection, "http_tokens": "required", **given}), preview=preview
    )


def program_error(programs: Programs, *, preview: bool = True, **given: Any) -> list[str]:  # noqa: ANN401  see above
    """The lines of the error that the program ends with, before it has registered anything for an instance."""
    with pytest.raises(pulumi.RunError) as caught:
        fleet(programs, preview=preview, **given)
    assert (programs.last.rows(), programs.last.barriers()) == ({}, [])
    return str(caught.value).splitlines()


def forbidden(programs: Programs, *, preview: bool = True, **given: Any) -> list[str]:  # noqa: ANN401  see above
    """The lines that forbid the run: a check fails with them, and nothing is registered for an instance."""
    run = fleet(programs, preview=preview, **given)
    (check,) = run.checks()
    assert (run.rows(), run.barriers()) == ({}, [])
    assert (check.name, check.inputs["targets"], check.inputs["region"]) == ("web", {}, "eu-west-1")
    lines: list[str] = check.inputs["forbidden"].splitlines()
    return lines


def test_a_preview_logs_a_summary_of_the_fleet(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.add(API, REQUIRED, Team="web")
    seen.add(OLD, Team="web", state="stopped")
    (summary,) = fleet(programs).log
    assert summary.splitlines() == [
        "info: fleet web: 3 selected",
        "  already right  1",
        "  to change      2  httpTokens: optional -> required 2",
        f"  stopped        1  apply at the next start: {OLD}",
        "  waves          2  1 + 1",
    ]


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_an_instance_whose_options_ec2_does_not_report_is_not_changed_and_unknown(
    programs: Programs, seen: FakeFleetCalls, *, preview: bool
) -> None:
    seen.add(OLD, {}, Team="web")
    run = fleet(programs, preview=preview)
    assert set(run.rows()) == {f"web-{WEB}"}
    assert seen.counted == [[WEB]], "nothing is asked about one that is not changed"
    (warning,) = (each for each in run.log if each.startswith("warning"))
    assert warning.startswith(f"warning: {OLD} is left as it is: EC2 does not report its metadata options")
    if preview:
        assert f"  unknown    1  EC2 does not report all wanted options: {OLD}" in run.log[0].splitlines()
    else:
        assert (run.outputs["report"]["unknown"], run.outputs["report"]["notCompliant"]) == ([OLD], [OLD])


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_notes_on_the_fleet_are_one_warning(programs: Programs, seen: FakeFleetCalls, *, preview: bool) -> None:
    seen.calls[WEB] = None
    run = fleet(programs, preview=preview, exclude=[OLD])
    (warning,) = (each for each in run.log if each.startswith("warning"))
    assert warning.splitlines() == [
        f"warning: {OLD} is excluded, but would not be selected.",
        f"CloudWatch has no data on IMDSv1 calls of {WEB} in the last 14 days: it may make some.",
    ]


def test_a_run_logs_no_summary(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.add(API, REQUIRED, Team="web")
    assert fleet(programs, preview=False).log == []


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_everything_that_forbids_the_run_is_listed_at_once(
    programs: Programs, seen: FakeFleetCalls, *, preview: bool
) -> None:
    seen.add(API, REQUIRED, Team="web")
    seen.calls[WEB] = CALLS
    exemptions = [
        Exemption(OLD, "gone", "2020-01-01"),
        Exemption(API, "old agent", "9999-12-31", http_tokens="optional"),
    ]
    heading, loosened, *others = forbidden(programs, preview=preview, exemptions=exemptions)
    assert heading == "FleetMetadata web cannot continue:"
    assert loosened.startswith(f"  {API} would be loosened (httpTokens: required -> optional): ")
    assert others == [
        f"  the exemption of {OLD} (gone) ended on 2020-01-01: remove it, or give it a later date.",
        f"  {WEB} made 1,234 IMDSv1 calls in the last 14 days, the last between {LAST}.",
        f"  {ADVICE}",
    ]


def test_the_summary_comes_before_what_forbids_the_run(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.calls[WEB] = CALLS
    forbidden(programs)
    assert f"  blocked    1  {WEB}" in programs.last.log[0].splitlines()


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"select": {"metadata-options.state": ["applied"]}}, 'select["metadata-options.state"] cannot select a fleet'),
        ({"select": None}, "select is missing, and so is instances"),
        ({"exclude": ["web"]}, "exclude[0] must be an instance ID"),
        ({"http_tokens": "on"}, 'http_tokens must be "optional" or "required", got "on".'),
        ({"http_tokens": None}, "set at least one option to manage: http_tokens,"),
        (
            {"exemptions": [Exemption(WEB, "why", "9999-12-31")] * 2},
            f"exemptions[1] is the second exemption of {WEB}; keep one.",
        ),
    ],
)
def test_a_bad_argument_ends_the_program_with_one_line(programs: Programs, given: dict[str, Any], problem: str) -> None:
    (line,) = program_error(programs, **given)
    assert line.startswith(f"FleetMetadata web: {problem}")


def test_an_option_that_is_an_output_is_an_error(programs: Programs) -> None:
    with pytest.raises(pulumi.RunError, match="the options of a fleet must be known when the program runs"):
        programs.run(
            lambda: FleetMetadata("web", instances=[WEB], http_tokens=pulumi.Output.from_input("required"))  # type: ignore[arg-type]  # what must fail
        )


def test_a_wrong_aws_configuration_ends_the_program(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.connects = True
    monkeypatch.setenv("PULUMI_CONFIG", '{"aws:endpoints": "[{\\"ec2\\": \\"http://203.0.113.7\\"}]"}')
    programs.connects = True
    (line,) = program_error(programs)
    assert line.startswith("FleetMetadata web: aws:endpoints: the URL of ec2 must be https")


def test_without_a_region_the_error_names_where_to_set_one(programs: Programs) -> None:
    programs.aws.region = None
    assert program_error(programs) == ["FleetMetadata web: no AWS region: set `regions`, aws:region or AWS_REGION."]


@pytest.mark.parametrize("error", [AwsError("EC2 refused.", "UnauthorizedOperation"), ConfigurationError("no such.")])
def test_an_error_of_aws_ends_the_program(programs: Programs, error: AwsError | ConfigurationError) -> None:
    programs.aws.error = error
    assert program_error(programs) == [f"FleetMetadata web: {error}"]


def test_imdsv1_usage_is_counted_for_instances_that_will_refuse_it(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.add(API, REQUIRED, Team="web")
    seen.add(OLD, Team="web")
    fleet(programs, exemptions=[Exemption(OLD, "old agent", "9999-12-31")], preflight="off")
    assert seen.counted == [[WEB]]


def test_imdsv1_usage_is_not_counted_where_legacy_calls_are_off(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.calls[WEB] = CALLS
    run = fleet(programs, readiness=Readiness("off"), preflight="off")
    assert (seen.counted, len(run.log)) == ([], 1)


def test_an_error_of_cloudwatch_forbids_the_run(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.error = AwsError("CloudWatch did not answer.", "")
    assert forbidden(programs) == [
        "FleetMetadata web cannot continue:",
        "  IMDSv1 usage is not known: CloudWatch did not answer.",
    ]


def test_a_preview_checks_the_permissions_that_the_run_needs(programs: Programs, seen: FakeFleetCalls) -> None:
    fleet(programs)
    assert seen.dry_runs == PERMISSIONS


@pytest.mark.parametrize("action", PERMISSIONS)
def test_a_missing_permission_forbids_the_run(programs: Programs, seen: FakeFleetCalls, action: str) -> None:
    seen.denied = {action}
    assert forbidden(programs) == [
        "FleetMetadata web cannot continue:",
        f"  {action} is denied.",
    ]


@pytest.mark.parametrize("code", sorted(DENIED_CODES))
def test_a_missing_permission_to_read_metrics_is_reported_once(
    programs: Programs, seen: FakeFleetCalls, code: str
) -> None:
    seen.denied, seen.error = {"cloudwatch:GetMetricData"}, AwsError("cloudwatch:GetMetricData is denied.", code)
    assert forbidden(programs) == [
        "FleetMetadata web cannot continue:",
        "  cloudwatch:GetMetricData is denied.",
    ]


def test_permissions_are_checked_in_each_region(programs: Programs, seen: FakeFleetCalls) -> None:
    there = programs.aws.fleet("us-east-1")
    there.add(API, Team="web")
    there.denied = {"ec2:DescribeInstanceStatus"}
    _, problem = forbidden(programs, regions=["eu-west-1", "us-east-1"])
    assert "ec2:DescribeInstanceStatus is denied." in problem
    assert seen.dry_runs == there.dry_runs == PERMISSIONS


def test_permission_to_read_metrics_is_needed_only_where_tokens_become_required(
    programs: Programs, seen: FakeFleetCalls
) -> None:
    fleet(programs, http_tokens=None, http_put_response_hop_limit=2)
    assert seen.dry_runs == PERMISSIONS[:2]


@pytest.mark.parametrize(
    ("preview", "given"),
    [(False, {}), (True, {"preflight": "off"}), (True, {"exclude": [WEB]})],
    ids=["run", "off", "nothing to change"],
)
def test_there_is_no_preflight_in_a_run_if_it_is_off_or_if_nothing_is_to_change(
    programs: Programs, seen: FakeFleetCalls, given: dict[str, Any], *, preview: bool
) -> None:
    fleet(programs, preview=preview, **given)
    assert (seen.dry_runs, seen.asked_status) == ([], [])


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_a_preview_warns_if_tokens_become_required_without_a_soak(
    programs: Programs, seen: FakeFleetCalls, *, preview: bool
) -> None:
    seen.add(API, REQUIRED, Team="web")
    (warning,) = warnings(fleet(programs, preview=preview, rollout=Rollout(soak_minutes=0)))
    assert warning.startswith(
        "warning: rollout.soak_minutes is 0, so 1 instance may refuse IMDSv1 calls before anybody notices"
    )
    assert warnings(fleet(programs, preview=preview)) == []
    hop_limit = {"http_tokens": None, "http_put_response_hop_limit": 2}
    assert warnings(fleet(programs, preview=preview, rollout=Rollout(soak_minutes=0), **hop_limit)) == []


def test_a_preview_warns_of_a_hop_limit_that_goes_down(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.add(API, {**LAX, "httpPutResponseHopLimit": 3}, Team="web")
    (warning,) = warnings(fleet(programs, http_put_response_hop_limit=2))
    assert warning == (
        f"warning: httpPutResponseHopLimit is lowered on {API} (3 -> 2): containers there may lose IMDSv2; they need 2."
    )


def test_a_preview_warns_of_an_endpoint_that_is_in_use_and_to_be_disabled(
    programs: Programs, seen: FakeFleetCalls
) -> None:
    seen.add(API, REQUIRED, Team="web")
    seen.calls[API] = CALLS
    (warning,) = warnings(fleet(programs, http_endpoint="disabled"))
    assert seen.counted == [sorted([WEB, API])]
    assert warning == (
        f"warning: {API} made 1,234 IMDSv1 calls in the last 14 days, the last between {LAST}: "
        "with httpEndpoint: disabled it has no metadata at all, and no credentials of its role."
    )


def test_a_preview_counts_the_instances_whose_calls_at_boot_are_not_known(
    programs: Programs, seen: FakeFleetCalls
) -> None:
    launched = seen.now() - timedelta(days=15)
    seen.add(WEB, launched_at=launched, Team="web")
    seen.add(API, launched_at=launched, Team="web")
    seen.add(OLD, launched_at=seen.now() - timedelta(days=13), Team="web")
    line = fleet(programs).log[0].splitlines()[-1]
    assert line.startswith("2 instances launched before 2026-11-11 12:01 UTC: ")
    assert "github.com/aws/aws-imds-packet-analyzer" in line
    assert fleet(programs, preview=False).log == []


def test_a_preview_warns_of_instances_that_are_impaired_before_their_change(
    programs: Programs, seen: FakeFleetCalls
) -> None:
    seen.add(API, REQUIRED, Team="web")
    since = datetime(2026, 11, 20, 13, tzinfo=timezone.utc)
    seen.impairments = {each: Impairment("system status impaired", since) for each in (WEB, API)}
    (warning,) = warnings(fleet(programs))
    assert warning == (
        f"warning: {WEB} already fails a status check (system status impaired since 2026-11-20 13:00 UTC), "
        "which does not stop the rollout."
    )
    assert seen.asked_status == [[WEB]]


def test_the_status_is_not_requested_without_permission(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.denied = {"ec2:DescribeInstanceStatus"}
    forbidden(programs)
    assert seen.asked_status == []


def test_days_are_counted_by_the_clock_of_aws(programs: Programs, seen: FakeFleetCalls) -> None:
    seen.clock = datetime(2031, 5, 1, tzinfo=timezone.utc)
    seen.add(WEB, launched_at=datetime(2031, 4, 1, tzinfo=timezone.utc), Team="web")
    run = fleet(programs, exemptions=[Exemption(OLD, "gone", "2031-04-30")], expired_exemptions="warn")
    assert "1 instance launched before 2031-04-17 00:01 UTC: " in run.log[0]
    assert any("(gone) ended on 2031-04-30" in line for line in warnings(run))


def warnings(run: Run) -> list[str]:
    return [each for each in run.log if each.startswith("warning")]
