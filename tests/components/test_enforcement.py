"""What the enforcement of IMDSv2 would break: what is looked up, what stops the run, what is only warned of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from imds_components import (
    AccountMetadata,
    EnforcementReadiness,
    Exemption,
    FleetMetadata,
    InstanceMetadata,
    Readiness,
    Rollout,
)
from imds_provider import InstanceMetadataOptions
from imds_provider.errors import AwsError
from tests.support.fake_launches import template
from tests.support.fakes import LAX
from tests.support.mocked_programs import Programs, Run

ONE, TWO = "eu-west-1", "us-east-1"
WEB, API, OLD = "i-0123456789abcdef0", "i-0fedcba9876543210", "i-1a2b3c4d"
STRICT = {**LAX, "httpTokens": "required"}
How = Literal["block", "warn", "off"]
Unknown = Literal["warn", "block", "ignore"]
FIX = "Fix these first, or let readiness warn instead of block."


def account(readiness: EnforcementReadiness | None = None, **given: Any) -> AccountMetadata:  # noqa: ANN401  whatever a program passes
    wanted = {"http_tokens": "required", "http_tokens_enforced": "enabled", **given}
    return AccountMetadata("base", readiness=readiness, **wanted)


def fleet(*instances: str, **given: Any) -> FleetMetadata:  # noqa: ANN401  whatever a program passes
    options = {"http_tokens": "required", "readiness": Readiness("off"), "rollout": Rollout(["100%"]), **given}
    return FleetMetadata("web", instances=list(instances), **options)


def problems(run: Run, region: str = ONE) -> list[str]:
    """The lines that stop the change of a region."""
    forbidden = run.regions()[region].inputs.get("forbidden")
    if not forbidden:
        return []
    heading, *lines = str(forbidden).split("\n  ")
    assert heading == "AccountMetadata base cannot continue:"
    assert lines.pop() == FIX
    return lines


def warnings(run: Run) -> list[str]:
    return [
        line for each in run.log if each.startswith("warning: ") for line in each.removeprefix("warning: ").split("\n")
    ]


def alone(*ids: str, region: str = ONE) -> str:
    count = "1 instance allows" if len(ids) == 1 else f"{len(ids)} instances allow"
    return (
        f"{region}: {count} IMDSv1, and nothing in this program requires tokens there: {', '.join(ids)}. Bring them to "
        "httpTokens=required first, with a fleet or InstanceMetadata."
    )


def lax(programs: Programs, *ids: str, region: str = ONE) -> None:
    for each in ids:
        programs.aws.fleet(region).add(each)
        programs.ec2.add(each)


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])
def test_instances_that_allow_imdsv1_stop_the_run(programs: Programs, *, preview: bool) -> None:
    lax(programs, WEB, API)
    programs.aws.fleet(ONE).add(OLD, STRICT)
    run = programs.run(account, preview=preview)
    assert problems(run) == [alone(WEB, API)]
    assert warnings(run) == []


def test_without_findings_nothing_is_forbidden(programs: Programs) -> None:
    programs.aws.fleet(ONE).add(OLD, STRICT)
    run = programs.run(account, preview=True)
    assert (problems(run), warnings(run)) == ([], [])


@pytest.mark.parametrize(
    ("how", "stops", "warned"), [("block", True, False), ("warn", False, True), ("off", False, False)]
)
def test_instances_block_warn_or_are_not_looked_up(programs: Programs, how: How, *, stops: bool, warned: bool) -> None:
    lax(programs, WEB)
    run = programs.run(lambda: account(EnforcementReadiness(instances=how)))
    assert problems(run) == ([alone(WEB)] if stops else [])
    assert warnings(run) == ([alone(WEB)] if warned else [])


def in_a_fleet() -> None:
    fleet(WEB)


def attached() -> None:
    InstanceMetadata("web", instances=WEB, http_tokens="required")


def directly() -> None:
    InstanceMetadataOptions("web", instance_id=WEB, http_tokens="required")


@pytest.mark.parametrize("account_first", [True, False])
@pytest.mark.parametrize("manage", [in_a_fleet, attached, directly])
def test_instances_that_the_program_brings_to_required_do_not_count(
    programs: Programs, manage: Callable[[], None], *, account_first: bool
) -> None:
    lax(programs, WEB, API)

    def program() -> AccountMetadata:
        if account_first:
            component = account()
            manage()
            return component
        manage()
        return account()

    assert problems(programs.run(program, preview=True)) == [alone(API)]


def exempt() -> None:
    fleet(WEB, API, exemptions=[Exemption(API, "an old agent", "9999-01-01", http_tokens="optional")])


def attached_as_optional() -> None:
    InstanceMetadata("lab", instances=API, http_tokens="optional", allow_downgrade="a lab")


@pytest.mark.parametrize("account_first", [True, False])
@pytest.mark.parametrize(("manage", "owner"), [(exempt, "fleet web"), (attached_as_optional, "InstanceMetadata lab")])
@pytest.mark.parametrize("tokens", ["optional", "required"])
def test_what_wants_optional_tokens_stops_the_run(
    programs: Programs, manage: Callable[[], None], owner: str, tokens: str, *, account_first: bool
) -> None:
    programs.aws.fleet(ONE).add(WEB, STRICT)
    programs.aws.fleet(ONE).add(API, {**LAX, "httpTokens": tokens})
    programs.ec2.add(API, {**LAX, "httpTokens": tokens})

    def program() -> AccountMetadata:
        if account_first:
            component = account()
            manage()
            return component
        manage()
        return account()

    # A fleet may not be loosened without a reason, and is not part of this.
    if tokens == "required" and manage is exempt:
        return
    assert problems(programs.run(program)) == [
        (
            f"{API}: {owner} wants httpTokens=optional, which EC2 refuses where IMDSv2 is enforced. Set it to required "
            f"(in an exemption too), or do not enforce IMDSv2 in {ONE} yet."
        )
    ]


def test_what_wants_optional_tokens_in_another_region_is_allowed(programs: Programs) -> None:
    programs.ec2.add(API)

    def program() -> AccountMetadata:
        InstanceMetadata("lab", instances=API, http_tokens="optional", region=TWO)
        return account(regions=[ONE])

    assert problems(programs.run(program)) == []


def test_an_instance_of_a_fleet_that_is_exempt_from_everything_still_allows_imdsv1(programs: Programs) -> None:
    lax(programs, WEB)

    def program() -> AccountMetadata:
        fleet(WEB, exemptions=[Exemption(WEB, "an old agent", "9999-01-01")])
        return account()

    assert problems(programs.run(program)) == [alone(WEB)]


def test_instances_that_a_service_manages_are_only_warned_of(programs: Programs) -> None:
    programs.aws.fleet(ONE).add(WEB, operator="eks.amazonaws.com")
    run = programs.run(account)
    assert problems(run) == []
    assert warnings(run) == [
        (
            f"{ONE}: left out, since an AWS service manages them and alone can change them, though they allow IMDSv1: "
            f"{WEB} (eks.amazonaws.com)."
        )
    ]


def test_groups_whose_next_launch_would_fail_stop_the_run(programs: Programs) -> None:
    launches = programs.aws.launches(ONE)
    launches.add_template("lt-1", {"ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "optional"}})
    launches.add_template("lt-2", {"ImageId": "ami-1"})
    launches.add_group("shop", LaunchTemplate=template("lt-1"))
    launches.add_group("safe", LaunchTemplate=template("lt-2"))
    (line,) = problems(programs.run(account))
    assert line.startswith(
        f"{ONE}: autoscaling group shop could not launch instances any more, since EC2 refuses optional tokens where "
        "IMDSv2 is enforced: launch template "
    )


def test_groups_are_judged_with_the_defaults_that_the_run_sets(programs: Programs) -> None:
    launches = programs.aws.launches(ONE)
    launches.images = {"ami-1": ""}
    launches.add_template("lt-2", {"ImageId": "ami-1"})
    launches.add_group("shop", LaunchTemplate=template("lt-2"))
    assert problems(programs.run(account)) == []
    (line,) = problems(programs.run(lambda: account(http_tokens=None)))
    assert "autoscaling group shop could not launch instances any more" in line


@pytest.mark.parametrize(
    ("unknown", "stops", "warned"), [("warn", False, True), ("block", True, False), ("ignore", False, False)]
)
def test_groups_whose_tokens_are_not_known_do_what_is_set(
    programs: Programs,
    unknown: Unknown,
    *,
    stops: bool,
    warned: bool,
) -> None:
    launches = programs.aws.launches(ONE)
    launches.add_template("lt-2", {"ImageId": "ami-gone"})
    launches.add_group("shop", LaunchTemplate=template("lt-2"))
    readiness = EnforcementReadiness(unknown=unknown)
    run = programs.run(lambda: account(readiness, http_tokens=None))
    line = f"{ONE}: autoscaling group shop is not known to launch instances with required tokens, "
    assert [each.startswith(line) for each in problems(run)] == [True] * stops
    assert [each.startswith(line) for each in warnings(run)] == [True] * warned


@pytest.mark.parametrize(("how", "stops", "warned"), [("warn", 0, 1), ("off", 0, 0)])
def test_groups_warn_or_are_not_looked_up(programs: Programs, how: How, stops: int, warned: int) -> None:
    launches = programs.aws.launches(ONE)
    launches.add_template("lt-1", {"ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "optional"}})
    launches.add_group("shop", LaunchTemplate=template("lt-1"))
    run = programs.run(lambda: account(EnforcementReadiness(launch_sources=how)))
    assert (len(problems(run)), len(warnings(run))) == (stops, warned)
    assert ("DescribeAutoScalingGroups" in launches.calls) is (how != "off")


def test_templates_that_no_group_uses_are_counted(programs: Programs) -> None:
    launches = programs.aws.launches(ONE)
    launches.add_template("lt-1", {"ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "optional"}})
    launches.add_template("lt-2", {"ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "required"}})
    run = programs.run(account)
    assert problems(run) == []
    assert warnings(run) == [
        (
            f"{ONE}: 2 launch templates are used by no autoscaling group; launches from the default version of 1 would "
            "be refused, or are not known not to be."
        )
    ]


@pytest.mark.parametrize(("unknown", "stops", "warned"), [("warn", 0, 2), ("block", 2, 0), ("ignore", 0, 0)])
def test_what_aws_does_not_answer_is_unknown(programs: Programs, unknown: Unknown, stops: int, warned: int) -> None:
    programs.aws.fleet(ONE).select_error = AwsError("EC2 refused DescribeInstances.")
    programs.aws.launches(ONE).denied = {"DescribeAutoScalingGroups"}
    run = programs.run(lambda: account(EnforcementReadiness(unknown=unknown)))
    assert (len(problems(run)), len(warnings(run))) == (stops, warned)
    for line in [*problems(run), *warnings(run)]:
        assert line.startswith(
            (f"{ONE}: which instances allow IMDSv1 is not known: ", f"{ONE}: what launches instances")
        )


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"HttpTokensEnforced": "enabled"}, {}),
        ({}, {"http_tokens_enforced": "disabled"}),
        ({}, {"http_tokens_enforced": None}),
    ],
    ids=["enforced already", "not enforced", "not managed"],
)
def test_where_enforcement_is_not_switched_on_nothing_is_asked(
    programs: Programs, before: dict[str, str], wanted: dict[str, Any]
) -> None:
    lax(programs, WEB)
    launches = programs.aws.launches(ONE)
    launches.defaults.update(before)
    run = programs.run(lambda: account(**wanted), preview=True)
    assert problems(run) == []
    assert launches.calls == {"GetInstanceMetadataDefaults": 1}
    assert programs.aws.fleet(ONE).selected == []


def test_a_problem_of_one_region_stops_the_change_of_all(programs: Programs) -> None:
    lax(programs, WEB, region=TWO)
    run = programs.run(lambda: account(regions=[ONE, TWO]))
    assert problems(run, ONE) == problems(run, TWO) == [alone(WEB, region=TWO)]
