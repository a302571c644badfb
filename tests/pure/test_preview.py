from __future__ import annotations

import pytest

from imds_components.preview import Report, report
from imds_provider.rules.loosening import refusal
from imds_provider.rules.observation import gone_reason, missing_reason
from imds_provider.rules.options import Options
from tests.support.fakes import LAX, observe

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OLD = "i-1a2b3c4d"
WANTED: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
RIGHT: Options = {**LAX, **WANTED}


def test_each_instance_to_change_is_a_line_with_its_options_and_the_others_are_one_line() -> None:
    ids = {"web": WEB, "bastion": OLD, "api": API}
    seen = {
        WEB: observe(WEB, LAX),
        OLD: observe(OLD, {**LAX, "httpTokens": "required"}),
        API: observe(API, RIGHT),
    }
    assert report(ids, seen, WANTED, "eu-west-1") == Report(
        [
            "2 of 3 instances will change:",
            f"  web      {WEB}  httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2",
            f"  bastion  {OLD}  httpPutResponseHopLimit: 1 -> 2",
            "1 of 3 already have httpTokens=required httpPutResponseHopLimit=2: api",
        ],
        [],
    )


def test_where_nothing_differs_there_is_one_line() -> None:
    told = report({"web": WEB, "api": API}, {WEB: observe(WEB, RIGHT), API: observe(API, RIGHT)}, WANTED, "eu-west-1")
    assert told.lines == ["2 of 2 already have httpTokens=required httpPutResponseHopLimit=2: web, api"]


def test_instances_that_are_not_launched_yet_are_counted_and_named() -> None:
    told = report({"web": WEB}, {WEB: observe(WEB, RIGHT)}, WANTED, "eu-west-1", ["api", "bastion"])
    assert told.lines == [
        "1 of 3 already have httpTokens=required httpPutResponseHopLimit=2: web",
        "2 of 3 will get httpTokens=required httpPutResponseHopLimit=2 once launched: api, bastion",
    ]


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        ({"httpTokens": "required"}, "EC2 does not report httpPutResponseHopLimit there"),
        (
            {"httpPutResponseHopLimit": 1},
            "EC2 does not report httpTokens there; httpPutResponseHopLimit: 1 -> 2",
        ),
        (
            {"httpTokens": "perhaps", "httpPutResponseHopLimit": 2},
            "EC2 reports httpTokens=perhaps, which this version does not know",
        ),
        (
            {"httpTokens": "perhaps"},
            (
                "EC2 does not report httpPutResponseHopLimit there and EC2 reports httpTokens=perhaps, which this "
                "version does not know"
            ),
        ),
    ],
)
def test_instances_whose_options_ec2_does_not_report_are_a_group_of_their_own(observed: Options, reason: str) -> None:
    told = report(
        {"web": WEB, "api": API}, {WEB: observe(WEB, observed), API: observe(API, RIGHT)}, WANTED, "eu-west-1"
    )
    assert told == Report(
        [
            "1 of 2 are not known to comply:",
            f"  web  {WEB}  {reason}",
            "1 of 2 already have httpTokens=required httpPutResponseHopLimit=2: api",
        ],
        [],
    )


def test_an_instance_without_reported_options_cannot_be_changed() -> None:
    told = report({"web": WEB}, {WEB: observe(WEB, {})}, WANTED, "eu-west-1")
    assert told.problems == [
        f"web: {WEB}: EC2 in eu-west-1 reports no metadata options, so they cannot be compared or changed."
    ]


def test_loosening_without_a_reason_is_a_problem() -> None:
    seen = {WEB: observe(WEB, RIGHT), API: observe(API, LAX)}
    wanted: Options = {"httpTokens": "optional"}
    told = report({"web": WEB, "api": API}, seen, wanted, "eu-west-1")
    assert told.problems == [f"web: {refusal(WEB, RIGHT, wanted)}"]
    told = report({"web": WEB, "api": API}, seen, wanted, "eu-west-1", may_loosen=True)
    assert told.problems == []
    assert told.lines[1] == f"  web  {WEB}  httpTokens: required -> optional"


def test_enabling_an_endpoint_loosens_and_disabling_it_does_not() -> None:
    off: Options = {**LAX, "httpEndpoint": "disabled"}
    on: Options = {"httpEndpoint": "enabled"}
    assert report({"web": WEB}, {WEB: observe(WEB, off)}, on, "eu-west-1").problems == [f"web: {refusal(WEB, off, on)}"]
    told = report({"web": WEB}, {WEB: observe(WEB, LAX)}, {"httpEndpoint": "disabled"}, "eu-west-1")
    assert (told.problems, told.lines[1]) == ([], f"  web  {WEB}  httpEndpoint: enabled -> disabled")


@pytest.mark.parametrize("instance_state", ["stopped", "stopping"])
def test_a_stopped_instance_applies_the_change_at_its_next_start(instance_state: str) -> None:
    told = report({"web": WEB}, {WEB: observe(WEB, LAX, instance_state=instance_state)}, WANTED, "eu-west-1")
    assert told.lines[1].endswith("httpPutResponseHopLimit: 1 -> 2 (stopped: applies at the next start)")


def test_options_that_cannot_apply_while_the_endpoint_is_disabled_are_not_listed() -> None:
    off = {**LAX, "httpEndpoint": "disabled"}
    told = report({"web": WEB}, {WEB: observe(WEB, off)}, WANTED, "eu-west-1")
    assert told.lines[1].endswith("httpTokens: optional -> required")


@pytest.mark.parametrize("instance_state", ["shutting-down", "terminated"])
def test_an_instance_that_the_run_would_fail_on_is_a_problem_and_no_line(instance_state: str) -> None:
    gone = observe(API, LAX, instance_state=instance_state)
    told = report({"web": WEB, "api": API}, {API: gone}, WANTED, "eu-west-1")
    assert told == Report([], [f"web: {missing_reason(WEB, 'eu-west-1')}", f"api: {gone_reason(gone)}"])
