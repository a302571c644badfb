from __future__ import annotations

from imds_components.fleet.member import Member
from imds_components.fleet.preview import fleet_lines
from imds_provider.rules.options import Options
from imds_provider.rules.wording import shorten
from tests.support.fakes import LAX, observe

WANTED: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}


def member(number: int, observed: Options = LAX, instance_state: str = "running") -> Member:
    return Member(observe(f"i-{number:08d}", observed, instance_state=instance_state), WANTED)


def test_a_fleet_is_a_heading_and_a_line_for_each_kind_of_instance() -> None:
    seen = observe("i-00000009")
    members = [
        *(member(number) for number in range(10, 20)),
        member(1, {**LAX, "httpTokens": "required"}, "stopped"),
        member(2, {**LAX, **WANTED}),
        Member(seen, {}, exempt=True),
        Member(observe("i-00000008"), WANTED, blocked=True),
    ]
    waves = {1: ["a"], 3: ["b", "c"]}
    assert fleet_lines("web", members, waves) == [
        "fleet web: 14 selected",
        "  already right   1",
        "  to change      12  httpTokens: optional -> required 11, httpPutResponseHopLimit: 1 -> 2 12",
        "  stopped         1  apply at the next start: i-00000001",
        "  exempt          1  i-00000009",
        "  blocked         1  i-00000008",
        "  waves           2  1 + 2",
    ]


def test_an_instance_whose_options_ec2_does_not_report_is_unknown_and_neither_compliant_nor_to_change() -> None:
    members = [
        member(1, {**LAX, **WANTED}),
        member(2, {}),
        member(3, {"httpTokens": "required"}),
        member(4, {**LAX, **WANTED, "httpTokens": "perhaps"}),
        Member(observe("i-00000005", {}), {}, exempt=True),
    ]
    assert fleet_lines("web", members, {1: ["a"]}) == [
        "fleet web: 5 selected",
        "  already right  1",
        "  unknown        3  EC2 does not report all wanted options: i-00000002, i-00000003, i-00000004",
        "  exempt         1  i-00000005",
        "  waves          1  1",
    ]


def test_a_partly_reported_instance_is_changed_as_far_as_it_is_known_and_stays_unknown() -> None:
    assert fleet_lines("web", [member(1, {"httpTokens": "optional"})], {1: ["a"]}) == [
        "fleet web: 1 selected",
        "  to change  1  httpTokens: optional -> required 1",
        "  unknown    1  EC2 does not report all wanted options: i-00000001",
        "  waves      1  1",
    ]


def test_a_fleet_without_instances_is_a_heading() -> None:
    assert fleet_lines("web", [], {}) == ["fleet web: 0 selected"]


def test_a_long_list_is_cut_unless_only_one_more_is_left() -> None:
    assert shorten(list("abcd")) == "a, b, c, d"
    assert shorten([str(number) for number in range(40)]) == "0, 1, 2 and 37 more"


def test_optional_tokens_or_an_enabled_endpoint_loosen_an_instance() -> None:
    strict: Options = {**LAX, "httpTokens": "required", "httpEndpoint": "disabled"}
    for wanted, expected in (
        ({"httpTokens": "optional"}, True),
        ({"httpEndpoint": "enabled"}, True),
        ({"httpTokens": "required", "httpEndpoint": "disabled"}, False),
        ({"httpTokens": "optional", "httpEndpoint": "disabled"}, True),
        ({"httpPutResponseHopLimit": 64}, False),
        ({}, False),
    ):
        assert Member(observe("i-00000001", strict), wanted).is_loosened is expected
