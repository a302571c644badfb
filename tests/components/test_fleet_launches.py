"""What launches a fleet's instances, who else manages them, and what the account's enforcement refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imds_components import AccountMetadata, Exemption, FleetMetadata
from imds_provider.rules.options import Options
from tests.components.fleets import fleet
from tests.support.fake_fleets import FakeFleetCalls
from tests.support.fake_launches import FakeLaunchClient, template
from tests.support.fakes import LAX
from tests.support.mocked_programs import Programs, Run

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
REQUIRED: Options = {**LAX, "httpTokens": "required"}
LATER = "9999-12-31"
LAUNCHER = "launch template lt-1-name (lt-1) version 1 ($Default)"
LINE = (
    f"autoscaling group web can launch instances without httpTokens=required: {LAUNCHER} sets httpTokens=optional. "
    "Set httpTokens=required in a version of the launch template that the group uses."
)
ENFORCED = {"HttpTokensEnforced": "enabled"}
both = pytest.mark.parametrize("preview", [True, False], ids=["preview", "run"])


@pytest.fixture
def seen(programs: Programs) -> FakeFleetCalls:
    return programs.aws.fleet("eu-west-1")


@pytest.fixture
def launches(programs: Programs, seen: FakeFleetCalls) -> FakeLaunchClient:
    """A group whose template sets optional tokens, with an instance of the fleet."""
    found = programs.aws.launches("eu-west-1")
    found.add_template("lt-1", {"ImageId": "ami-1", "MetadataOptions": {"HttpTokens": "optional"}})
    found.add_group("web", WEB, LaunchTemplate=template("lt-1"))
    seen.add(WEB, REQUIRED, Team="web", group="web")
    return found


def warnings(run: Run) -> list[str]:
    """The lines that the fleet warns with."""
    logged = [each.removeprefix("warning: ") for each in run.log if each.startswith("warning: ")]
    return [line for each in logged for line in each.splitlines()]


def forbidden(run: Run) -> list[str]:
    """The problems that forbid the run."""
    (check,) = run.checks()
    assert run.rows() == {}
    return [line.strip() for line in check.inputs["forbidden"].splitlines()[1:]]


@pytest.fixture
def run(programs: Programs) -> Callable[..., Run]:
    def run(*, preview: bool = True, **given: Any) -> Run:  # noqa: ANN401  whatever a program passes
        return programs.run(lambda: fleet(**given), preview=preview)

    return run


@both
@pytest.mark.usefixtures("launches")
def test_a_group_that_launches_looser_instances_is_one_warning(run: Callable[..., Run], *, preview: bool) -> None:
    assert warnings(run(preview=preview)) == [LINE]


@pytest.mark.usefixtures("launches")
def test_the_report_lists_what_launches_looser_instances(run: Callable[..., Run]) -> None:
    assert run(preview=False).outputs["report"]["launchSources"] == [
        {
            "region": "eu-west-1",
            "group": "web",
            "launchedBy": LAUNCHER,
            "option": "httpTokens",
            "value": "optional",
            "wanted": "required",
            "decidedBy": LAUNCHER,
        }
    ]


@both
@pytest.mark.usefixtures("launches")
def test_with_block_such_a_group_forbids_the_run(run: Callable[..., Run], *, preview: bool) -> None:
    assert forbidden(run(preview=preview, launch_sources="block")) == [LINE]


def test_the_account_default_takes_part(run: Callable[..., Run], launches: FakeLaunchClient) -> None:
    launches.versions.clear()
    launches.add_template("lt-1", {"ImageId": "ami-1"})
    launches.defaults = {"HttpTokens": "required"}
    assert warnings(run()) == []
    assert launches.calls == {
        "GetInstanceMetadataDefaults": 1,
        "DescribeAutoScalingGroups": 1,
        "DescribeLaunchTemplateVersions": 1,
    }
    launches.defaults = {}
    (line,) = warnings(run())
    assert "leaves httpTokens to image ami-1, which is not known: EC2 does not list it" in line


@pytest.mark.parametrize("regions", [None, ["eu-west-1"], ["us-east-1"]])
def test_defaults_that_the_program_itself_sets_count_in_their_regions(
    programs: Programs, launches: FakeLaunchClient, regions: list[str] | None
) -> None:
    launches.versions.clear()
    launches.add_template("lt-1", {"ImageId": "ami-1"})
    launches.images = {"ami-1": ""}

    def program() -> FleetMetadata:
        AccountMetadata("account", http_tokens="required", regions=regions)
        return fleet()

    expected = 1 if regions == ["us-east-1"] else 0
    assert len(warnings(programs.run(program, preview=True))) == expected
    launches.defaults = {"ManagedBy": "declarative-policy"}
    assert any(
        "leaves httpTokens to EC2's default" in line for line in warnings(programs.run(program, preview=True))
    ), "the program cannot set what a policy decides"


def test_a_group_of_an_exempt_instance_launches_others_that_are_not(
    run: Callable[..., Run], launches: FakeLaunchClient
) -> None:
    exemption = Exemption(WEB, "old agent", LATER)
    assert warnings(run(exemptions=[exemption])) == [LINE]
    assert launches.calls["DescribeAutoScalingGroups"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"launch_sources": "off"},
        {"http_tokens": None, "http_put_response_hop_limit": 2},
        {"exclude": [WEB]},
    ],
    ids=["off", "nothing can be looser", "no instance of a group"],
)
def test_nothing_is_asked_where_no_group_can_matter(
    run: Callable[..., Run], launches: FakeLaunchClient, seen: FakeFleetCalls, given: dict[str, Any]
) -> None:
    seen.add(API, REQUIRED, Team="web")
    run(**given)
    assert launches.calls == {}


def test_groups_of_other_instances_are_not_mentioned(run: Callable[..., Run], launches: FakeLaunchClient) -> None:
    launches.add_group("other", API, LaunchTemplate=template("lt-9"))
    assert warnings(run()) == [LINE]


DENIALS = ["GetInstanceMetadataDefaults", "DescribeAutoScalingGroups", "DescribeLaunchTemplateVersions"]


@both
@pytest.mark.parametrize("action", DENIALS)
def test_what_may_not_be_read_is_one_warning_and_no_failure(
    run: Callable[..., Run], launches: FakeLaunchClient, action: str, *, preview: bool
) -> None:
    launches.denied = {action}
    done = run(preview=preview)
    (line,) = warnings(done)
    assert line.startswith("what launches instances is not known: ")
    assert f":{action}" in line
    assert line.endswith(" With launch_sources at off nothing is looked up.")
    assert list(done.rows()) == [f"web-{WEB}"]


@pytest.mark.parametrize("action", DENIALS)
def test_with_block_what_may_not_be_read_forbids_the_run(
    run: Callable[..., Run], launches: FakeLaunchClient, action: str
) -> None:
    launches.denied = {action}
    (line,) = forbidden(run(launch_sources="block"))
    assert line.startswith("what launches instances is not known: ")


@pytest.mark.usefixtures("launches")
def test_in_several_regions_the_line_names_the_region(programs: Programs, run: Callable[..., Run]) -> None:
    programs.aws.fleet("us-east-1").add(API, Team="web")
    assert warnings(run(regions=["us-east-1", "eu-west-1"])) == [f"eu-west-1: {LINE}"]
    assert programs.aws.launches("us-east-1").calls == {}


def test_an_instance_that_a_service_manages_is_left_out(run: Callable[..., Run], seen: FakeFleetCalls) -> None:
    seen.add(WEB, Team="web")
    seen.add(API, Team="web", operator="eks.amazonaws.com", group="nodes")
    preview = run()
    assert preview.log[0].splitlines() == [
        "info: fleet web: 1 selected",
        "  to change  1  httpTokens: optional -> required 1",
        f"  left out   1  managed by an AWS service: {API} (eks.amazonaws.com)",
        "  waves      1  1",
    ]
    assert (list(preview.rows()), warnings(preview)) == ([f"web-{WEB}"], [])
    assert seen.counted == [[WEB]]
    report = run(preview=False).outputs["report"]
    assert report["serviceManaged"] == [{"instance": API, "operator": "eks.amazonaws.com"}]
    assert (report["selected"], report["notCompliant"]) == (1, [])


@both
def test_naming_an_instance_that_a_service_manages_is_a_warning(
    run: Callable[..., Run], seen: FakeFleetCalls, *, preview: bool
) -> None:
    seen.add(WEB, Team="web")
    seen.add(API, operator="eks.amazonaws.com")
    exemption = Exemption(API, "nodes", LATER)
    assert warnings(run(preview=preview, instances=[WEB, API], exemptions=[exemption])) == [
        f"{API} is listed in instances, but left out: eks.amazonaws.com manages it, and alone can change its options.",
        f"the exemption of {API} (nodes) has no effect: eks.amazonaws.com manages the instance.",
    ]


def test_a_fleet_of_nothing_but_such_instances_says_so(run: Callable[..., Run], seen: FakeFleetCalls) -> None:
    seen.add(API, Team="web", operator="eks.amazonaws.com")
    assert warnings(run()) == ["selects only instances that an AWS service manages in eu-west-1, which are left out."]


OPTIONAL = Exemption(WEB, "old agent", LATER, http_tokens="optional")


def test_a_change_to_optional_tokens_stops_the_preview_where_the_account_enforces_imdsv2(
    programs: Programs, run: Callable[..., Run], seen: FakeFleetCalls
) -> None:
    seen.add(WEB, REQUIRED, Team="web")
    seen.add(API, REQUIRED, Team="web")
    launches = programs.aws.launches("eu-west-1")
    loosening = {"exemptions": [OPTIONAL], "allow_downgrade": "old agent"}
    assert run(**loosening).rows().keys() == {f"web-{API}", f"web-{WEB}"}
    launches.defaults = ENFORCED
    (line,) = forbidden(run(**loosening))
    assert line == (
        f"{WEB} cannot be changed to httpTokens=optional: the account enforces IMDSv2 in eu-west-1, so EC2 refuses "
        "that. Take httpTokens out of its exemption (old agent), or switch the account's httpTokensEnforced off."
    )
    lines = forbidden(run(http_tokens="optional", allow_downgrade="rollback"))
    assert [line.split()[0] for line in lines] == [WEB, API]
    assert lines[0].endswith("Set httpTokens to required, or switch the account's httpTokensEnforced off.")
    assert launches.calls == {"GetInstanceMetadataDefaults": 3}
    assert seen.dry_runs.count("ec2:ModifyInstanceMetadataOptions") == 1, "EC2 would refuse a dry run of the others too"


def test_a_run_does_not_ask_for_the_enforcement(
    programs: Programs, run: Callable[..., Run], seen: FakeFleetCalls
) -> None:
    seen.add(WEB, REQUIRED, Team="web")
    programs.aws.launches("eu-west-1").defaults = ENFORCED
    assert list(run(preview=False, exemptions=[OPTIONAL], allow_downgrade="old agent").rows()) == [f"web-{WEB}"]
    assert programs.aws.launches("eu-west-1").calls == {}


def test_the_declarative_policy_that_enforces_imdsv2_is_named_with_its_message(
    programs: Programs, run: Callable[..., Run], seen: FakeFleetCalls
) -> None:
    seen.add(WEB, REQUIRED, Team="web")
    programs.aws.launches("eu-west-1").defaults = {
        **ENFORCED,
        "ManagedBy": "declarative-policy",
        "ManagedExceptionMessage": "Ask the platform team",
    }
    (line,) = forbidden(run(exemptions=[OPTIONAL], allow_downgrade="old agent"))
    assert 'a declarative policy of the organization enforces IMDSv2 in eu-west-1 ("Ask the platform team")' in line
    assert line.endswith(", or have the policy changed.")


def test_exemptions_and_restores_that_enforcement_defeats_are_warned_of_in_a_preview(
    programs: Programs, run: Callable[..., Run], seen: FakeFleetCalls
) -> None:
    seen.add(WEB, Team="web")
    seen.add(API, Team="web")
    launches = programs.aws.launches("eu-west-1")
    returning = {"exemptions": [OPTIONAL], "on_destroy": "restore", "allow_downgrade": "rollback"}
    assert warnings(run(**returning)) == []
    launches.defaults = ENFORCED
    because = "the account enforces IMDSv2 in eu-west-1, so EC2 refuses"
    exempt, restored = warnings(run(**returning))
    assert exempt == (
        f"exempt with httpTokens=optional: {WEB}. There is no way back once tokens are required there: {because} to "
        "make them optional again."
    )
    assert restored == (
        f"on_destroy is restore, but cannot put httpTokens=optional back on {API}: {because} it. Before you release "
        "them, switch the account's httpTokensEnforced off."
    )
    assert warnings(run(preview=False, **returning)) == []


def test_nothing_is_asked_about_enforcement_where_nothing_depends_on_it(
    programs: Programs, run: Callable[..., Run], seen: FakeFleetCalls
) -> None:
    seen.add(WEB, Team="web")
    seen.add(API, REQUIRED, Team="web")
    run(on_destroy="restore", exemptions=[Exemption(API, "two hops", LATER, http_put_response_hop_limit=2)])
    assert programs.aws.launches("eu-west-1").calls == {}, "without a reason, restore never makes tokens optional"


def test_an_enforcement_that_may_not_be_read_is_one_warning(
    programs: Programs, run: Callable[..., Run], seen: FakeFleetCalls
) -> None:
    seen.add(WEB, Team="web")
    programs.aws.launches("eu-west-1").denied = {"GetInstanceMetadataDefaults"}
    (line,) = warnings(run(exemptions=[OPTIONAL]))
    assert line.startswith("whether IMDSv2 is enforced is not known: ")
    assert "ec2:GetInstanceMetadataDefaults" in line
