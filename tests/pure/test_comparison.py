from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.comparison.fleets import alike, mixed
from benchmarks.comparison.judging import Verdict, described_after_changes, judge
from benchmarks.comparison.reported import by_custodian, by_exit_code, by_metabadger
from benchmarks.comparison.table import Result, table
from localcloud.api.metadata_options import DEFAULTS
from localcloud.ec2.instances import InstanceView, MetadataOptions, Seed
from localcloud.http.journal import LoggedCall

WEB, API, OLD = "i-0123456789abcdef0", "i-0fedcba9876543210", "i-1a2b3c4d"


def view(
    options: MetadataOptions, *, instance_id: str = WEB, state: str = "running", metadata_state: str = "applied"
) -> InstanceView:
    launched = MetadataOptions(
        HttpTokens="optional",
        HttpPutResponseHopLimit=1,
        HttpEndpoint="enabled",
        HttpProtocolIpv6="disabled",
        InstanceMetadataTags="disabled",
    )
    return InstanceView(
        id=instance_id,
        region="eu-west-1",
        account="123456789012",
        state=state,
        options={**launched, **options},
        metadata_state=metadata_state,
        tags={},
        pending=None,
    )


def views(seeds: Sequence[Seed]) -> list[InstanceView]:
    return [view(each["options"], instance_id=each["id"], state=each["state"]) for each in seeds]


BEFORE = view({})
RIGHT: MetadataOptions = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}


def test_the_launch_defaults_in_these_tests_are_those_of_ec2() -> None:
    assert {name: str(value) for name, value in BEFORE["options"].items()} == dict(DEFAULTS)


def test_instances_that_are_alike_lack_the_tokens_and_nothing_else() -> None:
    fleet = alike(10)
    assert (fleet.name, len({each["id"] for each in fleet.instances})) == ("10 alike", 10)
    before = views(fleet.instances)
    assert judge(before, before).compliant == 0
    after = [view({**each["options"], "HttpTokens": "required"}, instance_id=each["id"]) for each in before]
    assert judge(before, after).compliant == 10


@pytest.mark.parametrize("size", [10, 20, 100, 400])
def test_seven_of_ten_comply_in_a_mixed_fleet(size: int) -> None:
    before = views(mixed(size).instances)
    assert judge(before, before) == Verdict(size=size, compliant=size * 7 // 10, pending=0, unrequested={})


def test_a_mixed_fleet_has_every_kind_among_those_that_comply_and_those_that_do_not() -> None:
    fleet = views(mixed(20).instances)
    for part in (fleet[:14], fleet[14:]):
        assert {each["state"] for each in part} == {"running", "stopped"}
        assert {each["options"]["HttpEndpoint"] for each in part} == {"enabled", "disabled"}
    only_the_hop_limit = view({"HttpTokens": "required"})["options"]
    assert only_the_hop_limit in [each["options"] for each in fleet[14:]]


@pytest.mark.parametrize("missing", [{"HttpTokens": "optional"}, {"HttpPutResponseHopLimit": 1}])
def test_an_instance_that_lacks_a_wanted_option_does_not_comply(missing: MetadataOptions) -> None:
    assert judge([BEFORE], [view({**RIGHT, **missing})]).compliant == 0
    assert judge([BEFORE], [view(RIGHT)]).compliant == 1


def test_an_instance_with_a_disabled_endpoint_complies_with_the_wanted_tokens_alone() -> None:
    off: MetadataOptions = {"HttpEndpoint": "disabled"}
    assert judge([view(off)], [view({**off, "HttpTokens": "required"})]).compliant == 1
    assert judge([view(off)], [view(off)]).compliant == 0


def test_an_unrequested_change_is_named_and_makes_the_instance_noncompliant() -> None:
    before = [view({"HttpEndpoint": "disabled"}), view({"InstanceMetadataTags": "enabled"}, instance_id=API)]
    after = [view(RIGHT), view(RIGHT, instance_id=API)]
    verdict = judge(before, after)
    assert verdict.compliant == 0
    assert verdict.unrequested == {
        "HttpEndpoint: disabled -> enabled": 1,
        "InstanceMetadataTags: enabled -> disabled": 1,
    }


def test_loosened_tokens_are_an_unrequested_change() -> None:
    assert judge([view(RIGHT)], [view({**RIGHT, "HttpTokens": "optional"})]).unrequested == {
        "HttpTokens: required -> optional": 1
    }


def test_only_running_instances_count_as_pending() -> None:
    after = [
        view(RIGHT, metadata_state="pending"),
        view(RIGHT, instance_id=API, state="stopped", metadata_state="pending"),
    ]
    assert judge([BEFORE, view({}, instance_id=API)], after) == Verdict(size=2, compliant=2, pending=1, unrequested={})


def call(action: str, time: float) -> LoggedCall:
    return LoggedCall(
        number=1,
        time=time,
        seconds=0.1,
        service="ec2",
        action=action,
        account="123456789012",
        region="eu-west-1",
        instance_ids=[],
        params={},
        code="OK",
    )


@pytest.mark.parametrize(("described_at", "counts"), [(0.0, False), (1.05, False), (1.2, True)])
def test_a_describe_counts_only_after_the_response_to_the_last_modification(
    *, described_at: float, counts: bool
) -> None:
    assert (
        described_after_changes([call("ModifyInstanceMetadataOptions", 1), call("DescribeInstances", described_at)])
        is counts
    )


def test_metabadger_reports_success_in_its_log() -> None:
    log = (
        f"2027-01-31T12:00:00,imds_updated,V2 Enforced,eu-west-1,{WEB},SUCCESS\n"
        f"2027-01-31T12:00:01,imds_updated,V2 Enforced,eu-west-1,{API},FAILED\n"
    )
    assert by_metabadger(log) == {WEB}


@pytest.mark.parametrize(("exit_code", "reported"), [(0, {WEB}), (255, set()), (None, set())])
def test_an_exit_code_reports_success_for_all_instances_or_none(exit_code: int | None, reported: set[str]) -> None:
    assert by_exit_code([WEB], exit_code) == reported


FAILED = "ERROR The following policies had errors while executing\n - hop-limit\n"


@pytest.mark.parametrize(
    ("exit_code", "output", "reported"),
    [
        (0, "", {WEB, API, OLD}),
        (2, FAILED, {WEB, OLD}),
        (2, FAILED.replace("hop-limit", "a-policy-that-matched-nothing-yet"), set()),
        (None, FAILED, set()),
    ],
)
def test_custodian_reports_success_for_all_but_the_matches_of_failed_policies(
    exit_code: int | None, output: str, reported: set[str]
) -> None:
    matched = {"require-imdsv2": [WEB], "hop-limit": [API]}
    assert by_custodian([WEB, API, OLD], exit_code, output, matched) == reported


def result(
    *,
    exit_code: int | None = 0,
    described_after_changes: bool = False,
    pending: int = 0,
    unrequested: dict[str, int] | None = None,
) -> Result:
    return Result(
        fleet="10 alike",
        tool="tool 1.2",
        seconds=12.34,
        exit_code=exit_code,
        counts={
            "ModifyInstanceMetadataOptions": {"calls": 12, "throttled": 2, "errors": 0},
            "DescribeInstances": {"calls": 1, "throttled": 1, "errors": 0},
        },
        described_after_changes=described_after_changes,
        reported=9,
        verdict=Verdict(size=10, compliant=8, pending=pending, unrequested=unrequested or {}),
    )


def cells(given: Result) -> dict[str, str]:
    header, _, line = (row.strip("| ").split(" | ") for row in table([given]).splitlines())
    return dict(zip(header, line, strict=True))


def test_a_result_is_a_line_of_a_markdown_table() -> None:
    assert table([result(pending=3)]).splitlines() == [
        (
            "| fleet | tool | wall time | calls | throttled | compliant | reported success | waited "
            "| unrequested changes |"
        ),
        "| --- | --- | ---: | --- | ---: | ---: | ---: | --- | --- |",
        (
            "| 10 alike | tool 1.2 | 12.3 s | 1 DescribeInstances, 12 ModifyInstanceMetadataOptions | 3 | 8 of 10 | 9 "
            "| no, 3 pending | none |"
        ),
    ]


@pytest.mark.parametrize(
    ("exit_code", "shown"), [(0, "12.3 s"), (2, "12.3 s, exit code 2"), (None, "killed after 12.3 s")]
)
def test_the_wall_time_shows_how_the_tool_ended(exit_code: int | None, shown: str) -> None:
    assert cells(result(exit_code=exit_code))["wall time"] == shown


@pytest.mark.parametrize(
    ("described_after_changes", "pending", "shown"), [(True, 0, "yes"), (False, 0, "no"), (True, 1, "no, 1 pending")]
)
def test_a_tool_has_waited_if_it_described_after_its_changes_and_nothing_is_pending(
    *, described_after_changes: bool, pending: int, shown: str
) -> None:
    assert cells(result(described_after_changes=described_after_changes, pending=pending))["waited"] == shown


def test_a_tool_that_was_killed_has_neither_waited_nor_not() -> None:
    assert cells(result(exit_code=None, described_after_changes=True))["waited"] == "killed"


def test_unrequested_changes_are_counted() -> None:
    unrequested = {"HttpEndpoint: disabled -> enabled": 4}
    assert cells(result(unrequested=unrequested))["unrequested changes"] == "4 HttpEndpoint: disabled -> enabled"
