"""Which groups launch instances that are looser than wanted, and the line about each."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_provider.rules.account_defaults import DEFAULTS, AccountDefaults
from imds_provider.rules.launch_options import Image, resolve_launch
from imds_provider.rules.launch_sources import (
    ENFORCED,
    Candidate,
    LaunchSource,
    looser_launches,
    looser_lines,
    refused_lines,
    unused_templates,
)
from imds_provider.rules.loosening import loosened
from imds_provider.rules.options import OPTIONS, Options

NOTHING = AccountDefaults({default.name: default.cleared for default in DEFAULTS})
REQUIRED: Options = {"httpTokens": "required"}
LAUNCHER = "launch template web (lt-1) version 3 ($Default)"
IMDSV2, PLAIN, GONE = (
    Image("ami-2", requires_tokens=True),
    Image("ami-1", requires_tokens=False),
    Image("ami-0", unknown="EC2 does not list it"),
)
TEMPLATE = Candidate(LAUNCHER, image=PLAIN)
CONFIGURATION = Candidate("launch configuration old", image=PLAIN, is_template=False)
DELETED = Candidate("launch template gone (lt-9)", unknown="does not exist")

VALUES = {option.name: st.sampled_from(option.allowed) for option in OPTIONS}
SOME_OPTIONS = st.fixed_dictionaries({}, optional=VALUES)
ACCOUNTS = st.builds(
    lambda given: AccountDefaults({**NOTHING.values, **given}),
    st.fixed_dictionaries({}, optional={name: VALUES[name] for name in VALUES if name != "httpProtocolIpv6"}),
)


def lines(*candidates: Candidate, wanted: Options = REQUIRED, defaults: AccountDefaults = NOTHING) -> list[str]:
    return looser_lines(looser_launches([LaunchSource("web", candidates)], defaults, wanted))


def test_the_line_says_what_sets_a_looser_value_and_what_to_do() -> None:
    (line,) = lines(replace(TEMPLATE, options={"httpTokens": "optional"}))
    assert line == (
        f"autoscaling group web can launch instances without httpTokens=required: {LAUNCHER} sets httpTokens=optional. "
        "Set httpTokens=required in a version of the launch template that the group uses."
    )


def test_the_line_says_what_decides_where_the_template_does_not() -> None:
    (line,) = lines(TEMPLATE)
    assert line == (
        f"autoscaling group web can launch instances without httpTokens=required: {LAUNCHER} leaves httpTokens to "
        "EC2's default, which is optional. Set httpTokens=required in a version of the launch template that the group "
        "uses, or as the account's default."
    )


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (replace(TEMPLATE, image=GONE), f"{LAUNCHER} leaves httpTokens to image ami-0, which is not known: EC2 does "),
        (replace(TEMPLATE, image=None), f"{LAUNCHER} leaves httpTokens to the image, which the launch has to name. "),
        (DELETED, "launch template gone (lt-9) does not exist. Give the group a launch template that exists"),
        (replace(TEMPLATE, options={"httpTokens": "x"}), f"{LAUNCHER}, whose value x this version does not know. "),
    ],
    ids=["image", "no image", "template", "value"],
)
def test_what_is_not_known_is_never_compliant(candidate: Candidate, reason: str) -> None:
    (line,) = lines(candidate)
    prefix = "autoscaling group web is not known to launch instances with httpTokens=required: "
    assert line.startswith(f"{prefix}{reason}")


def test_a_launch_configuration_has_to_be_replaced() -> None:
    (line,) = lines(CONFIGURATION)
    assert line.endswith(
        "launch configuration old leaves httpTokens to EC2's default, which is optional. "
        "Give the group a launch template with httpTokens=required; a launch configuration cannot be changed."
    )


def test_a_group_that_launches_nothing_now_says_so() -> None:
    source = LaunchSource("web", [TEMPLATE], max_size=0)
    (line,) = looser_lines(looser_launches([source], NOTHING, REQUIRED))
    assert line.startswith("autoscaling group web (its maximum size is 0 now) can launch")


def test_a_group_has_one_line_with_everything_that_is_looser() -> None:
    other = replace(TEMPLATE, launcher="launch template arm (lt-2) version 1", options={"httpTokens": "optional"})
    (line,) = lines(TEMPLATE, other, wanted={**REQUIRED, "httpEndpoint": "disabled"})
    assert "without httpTokens=required httpEndpoint=disabled: " in line
    assert f"{LAUNCHER} leaves httpEndpoint to EC2's default, which is enabled" in line
    assert "launch template arm (lt-2) version 1 sets httpTokens=optional" in line


def test_overrides_that_differ_in_their_image_alone_count_once() -> None:
    candidates = [TEMPLATE, replace(TEMPLATE, image=Image("ami-7", requires_tokens=False))]
    assert len(looser_launches([LaunchSource("web", candidates)], NOTHING, REQUIRED)) == 1


def test_many_reasons_of_a_group_are_counted() -> None:
    candidates = [replace(TEMPLATE, launcher=f"launch template {number}") for number in range(5)]
    (line,) = lines(*candidates)
    assert "launch template 2 leaves httpTokens to EC2's default, which is optional; and 2 more. Set" in line


def test_groups_come_in_order_of_their_names() -> None:
    sources = [LaunchSource(name, [TEMPLATE]) for name in ("web", "api")]
    found = looser_launches(sources, NOTHING, REQUIRED)
    assert [each.source.group for each in found] == ["api", "web"]
    assert len(looser_lines(found)) == 2


def test_a_finding_in_an_output_has_its_value_and_what_decides() -> None:
    (known,) = looser_launches([LaunchSource("web", [TEMPLATE])], NOTHING, REQUIRED)
    assert known.as_output() == {
        "group": "web",
        "launchedBy": LAUNCHER,
        "option": "httpTokens",
        "value": "optional",
        "wanted": "required",
        "decidedBy": "EC2's default",
    }
    (unknown,) = looser_launches([LaunchSource("web", [DELETED])], NOTHING, REQUIRED)
    assert (unknown.as_output()["value"], unknown.as_output()["decidedBy"]) == (
        "unknown",
        "launch template gone (lt-9), which does not exist",
    )


def test_under_enforcement_the_line_says_that_launches_fail() -> None:
    known, unknown = refused_lines(
        looser_launches([LaunchSource("a", [TEMPLATE]), LaunchSource("b", [DELETED])], NOTHING, ENFORCED)
    )
    assert known.startswith("autoscaling group a could not launch instances any more, since EC2 refuses")
    assert unknown.startswith("autoscaling group b is not known to launch instances with required tokens")


def test_unused_templates_are_counted_and_those_that_would_be_refused_named() -> None:
    right = replace(TEMPLATE, launcher="launch template right (lt-2) version 1", options=REQUIRED)
    bare = replace(TEMPLATE, launcher="launch template bare (lt-3) version 1", image=None)
    found = unused_templates([TEMPLATE, right, bare], NOTHING)
    assert (len(found.names), found.refused) == (3, [LAUNCHER, bare.launcher])


@given(SOME_OPTIONS, ACCOUNTS, st.sampled_from([IMDSV2, PLAIN, GONE, None]), SOME_OPTIONS)
def test_an_option_is_reported_exactly_when_it_is_looser_or_not_known(
    options: Options, defaults: AccountDefaults, image: Image | None, wanted: Options
) -> None:
    candidate = replace(TEMPLATE, options=options, image=image)
    started = {name: each.value for name, each in resolve_launch(LAUNCHER, options, defaults, image).items()}
    known = {name: value for name, value in started.items() if value is not None and name in wanted}
    reported = {each.option for each in looser_launches([LaunchSource("web", [candidate])], defaults, wanted)}
    strict = {name for name in ("httpTokens",) if wanted.get(name) == "required"}
    unknown = {name for name in strict if started[name] is None}
    full = {**{name: value for name, value in started.items() if value is not None}, **wanted}
    assert reported == {*loosened(full, known), *unknown}


@given(SOME_OPTIONS, ACCOUNTS, st.sampled_from([IMDSV2, PLAIN, GONE, None]))
def test_required_tokens_as_the_account_default_leave_only_what_templates_set(
    options: Options, defaults: AccountDefaults, image: Image | None
) -> None:
    safe = AccountDefaults({**defaults.values, "httpTokens": "required"})
    candidate = replace(TEMPLATE, options=options, image=image)
    refused = looser_launches([LaunchSource("web", [candidate])], safe, ENFORCED)
    assert bool(refused) == (options.get("httpTokens") == "optional")


def test_where_nothing_strict_is_wanted_nothing_is_looser() -> None:
    for template, image in product(({}, {"httpTokens": "optional"}), (PLAIN, GONE, None)):
        assert lines(replace(TEMPLATE, options=template, image=image), wanted={"httpTokens": "optional"}) == []
