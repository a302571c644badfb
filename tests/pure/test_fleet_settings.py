from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imds_components.fleet.exemptions import Exemption
from imds_components.fleet.settings import FleetSettings
from imds_components.fleet.waves import Rollout
from imds_components.stack_config import StackConfigError, parse
from imds_provider.rules.readiness import Readiness

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
OPTIONS = {"httpTokens": "required"}
SELECT = {"tag:Team": ["web"]}
INSTANCE = 'an instance ID ("i-" and 8 or 17 hexadecimal digits)'
EXEMPTION = {"instance": WEB, "reason": "old agent", "until": "2027-01-31"}
FULL: dict[str, object] = {
    "select": SELECT,
    "instances": [WEB],
    "exclude": [API],
    "options": {"httpPutResponseHopLimit": 3.0},
    "exemptions": [{**EXEMPTION, "options": {"httpTokens": "optional"}}],
    "readiness": {"legacyCalls": "warn", "days": 30, "unknown": "block"},
    "rollout": {"waves": [1, "50%"], "soakMinutes": 30, "alarms": ["checkout-5xx"], "insufficientData": "block"},
    "allowDowngrade": {WEB: "old agent"},
    "regions": ["eu-west-1", "us-gov-west-1"],
    "onDestroy": "restore",
    "timeoutSeconds": 300,
    "preflight": "off",
    "expiredExemptions": "warn",
    "launchSources": "block",
}


def config(fleet: object, options: object = OPTIONS) -> dict[str, str]:
    return {"imds:options": json.dumps(options), "imds:fleets": json.dumps({"web": fleet})}


def problems(fleet: object, options: object = OPTIONS) -> tuple[str, ...]:
    with pytest.raises(StackConfigError) as caught:
        parse(config(fleet, options))
    return caught.value.problems


def test_a_full_fleet_becomes_typed_settings() -> None:
    assert parse(config(FULL, {})).fleets == {
        "web": FleetSettings(
            select=SELECT,
            instances=[WEB],
            exclude=[API],
            options={"httpPutResponseHopLimit": 3},
            exemptions=[Exemption(WEB, "old agent", "2027-01-31", http_tokens="optional")],
            readiness=Readiness("warn", 30, "block"),
            rollout=Rollout([1, "50%"], 30, ["checkout-5xx"], "block"),
            allow_downgrade={WEB: "old agent"},
            regions=["eu-west-1", "us-gov-west-1"],
            on_destroy="restore",
            timeout_seconds=300,
            preflight="off",
            expired_exemptions="warn",
            launch_sources="block",
        )
    }


def test_a_key_that_is_not_set_has_its_default() -> None:
    assert parse(config({"select": SELECT})).fleets == {
        "web": FleetSettings(select=SELECT, options={"httpTokens": "required"})
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"exclud": []}, ".exclud is not a known key; did you mean exclude?"),
        (
            {"select": ["web"]},
            '.select must be an object of filters such as {"tag:Team": ["web"]}, at least one, got ["web"].',
        ),
        ({"select": {"vpc-id": "x"}}, '.select.vpc-id must be a list of at least one string, got "x".'),
        ({"instances": [1]}, f".instances[0] must be {INSTANCE}, got 1."),
        ({"exclude": "x"}, '.exclude must be a list of instance IDs, got "x".'),
        ({"options": {"httpToken": "x"}}, ".options.httpToken is not a known key; did you mean httpTokens?"),
        ({"options": []}, ".options must be an object, got []."),
        ({"exemptions": {}}, ".exemptions must be a list of objects, got {}."),
        ({"exemptions": ["x"]}, '.exemptions[0] must be an object, got "x".'),
        (
            {"exemptions": [{**EXEMPTION, "until": "soon"}]},
            '.exemptions[0].until must be a day such as 2027-01-31, got "soon".',
        ),
        (
            {"exemptions": [{**EXEMPTION, "options": {"httpTokens": 1}}]},
            '.exemptions[0].options.httpTokens must be "optional" or "required", got 1.',
        ),
        ({"exemptions": [EXEMPTION] * 2}, f".exemptions[1] is the second exemption of {WEB}; keep one."),
        ({"readiness": {"day": 1}}, ".readiness.day is not a known key; did you mean days?"),
        ({"readiness": {"days": 456}}, ".readiness.days must be a whole number of days from 1 to 455, got 456."),
        ({"readiness": {"legacyCalls": "on"}}, '.readiness.legacyCalls must be "block", "warn" or "off", got "on".'),
        ({"rollout": {"soakMinutes": -1}}, ".rollout.soakMinutes must be a number of minutes from 0 to 1440, got -1."),
        (
            {"rollout": {"alarms": ["x", 5]}},
            ".rollout.alarms[1] must be the name of a CloudWatch alarm, 1 to 255 characters, got 5.",
        ),
        (
            {"rollout": {"insufficientData": "off"}},
            '.rollout.insufficientData must be "warn", "block" or "ignore", got "off".',
        ),
        (
            {"rollout": {"waves": ["0%"]}},
            '.rollout.waves[0] must be a whole number from 1, or a string from "1%" to "100%", got "0%".',
        ),
        (
            {"rollout": {"waves": ["20%", "10%"]}},
            '.rollout.waves must ascend, since sizes are cumulative: "10%" cannot come after "20%".',
        ),
        (
            {"allowDowngrade": ""},
            '.allowDowngrade must be a reason, or an object from instance IDs to reasons, got "".',
        ),
        ({"regions": ["eu"]}, '.regions[0] must be the name of an AWS region such as "eu-west-1", got "eu".'),
        ({"onDestroy": "keep"}, '.onDestroy must be "retain" or "restore", got "keep".'),
        ({"timeoutSeconds": 0}, ".timeoutSeconds must be a number of seconds from 1 to 3600, got 0."),
        ({"preflight": True}, '.preflight must be "on" or "off", got true.'),
        ({"expiredExemptions": "x"}, '.expiredExemptions must be "fail" or "warn", got "x".'),
        ({"launchSources": "x"}, '.launchSources must be "warn", "block" or "off", got "x".'),
    ],
)
def test_a_wrong_key_of_a_fleet_is_refused(change: dict[str, object], problem: str) -> None:
    assert problems({"select": SELECT, **change}) == (f"imds:fleets.web{problem}",)


def test_every_problem_of_a_fleet_is_reported_at_once() -> None:
    found = problems({"select": {"vpc-id": []}, "preflight": 1, "exemptions": [{}]})
    assert [problem.split(" ")[0] for problem in found] == [
        f"imds:fleets.web.{place}"
        for place in (
            "select.vpc-id",
            "preflight",
            "exemptions[0].instance",
            "exemptions[0].reason",
            "exemptions[0].until",
        )
    ]


def test_a_fleet_without_a_selection_is_refused() -> None:
    assert problems({}) == ("imds:fleets.web.select is missing, and so is instances: set one of them.",)


def test_a_fleet_without_any_option_is_refused() -> None:
    (problem,) = problems({"select": SELECT}, {})
    assert problem.startswith("imds:fleets.web.options or imds:options must set at least one option to manage: ")


def test_a_fleet_that_is_not_an_object_is_refused() -> None:
    assert problems([WEB]) == (f'imds:fleets.web must be an object, got ["{WEB}"].',)


def test_the_documentation_names_every_key_of_a_fleet() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    inner = ("instance", "reason", "until", "legacyCalls", "days", "unknown")
    of_rollout = ("waves", "soakMinutes", "alarms", "insufficientData")
    assert [key for key in (*FULL, *inner, *of_rollout) if f"| `{key}` |" not in documented] == []


def test_the_options_of_a_fleet_take_precedence_over_those_of_the_stack() -> None:
    (fleet,) = parse(config(FULL, {"httpTokens": "optional", "httpPutResponseHopLimit": 1})).fleets.values()
    assert fleet.options == {"httpTokens": "optional", "httpPutResponseHopLimit": 3}


def test_a_key_is_spelled_as_the_person_wrote_it() -> None:
    (fleet,) = parse(config(FULL)).fleets.values()
    assert fleet.spelled("rollout", "soakMinutes") == "imds:fleets.web.rollout.soakMinutes"
    assert FleetSettings(select=SELECT).spelled("rollout", "soakMinutes") == "rollout.soak_minutes"


@pytest.mark.parametrize(
    "given",
    [
        {"select": SELECT},
        {"instances": [WEB]},
        {"select": SELECT, "instances": [WEB], "exclude": [API], "regions": ("eu-west-1", "us-east-1")},
        {"select": {"vpc-id": ("vpc-1",)}, "timeout_seconds": 3600, "allow_downgrade": {WEB: "rollback"}},
    ],
)
def test_allowed_settings_are_accepted(given: dict[str, Any]) -> None:
    settings = FleetSettings(**given)
    assert {name: getattr(settings, name) for name in given} == given


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"select": None}, "select is missing, and so is instances: set one of them."),
        ({"select": {}}, 'select must be an object of filters such as {"tag:Team": ["web"]}, at least one, got {}.'),
        ({"select": {"vpc-id": "x"}}, 'select.vpc-id must be a list of at least one string, got "x".'),
        ({"instances": ["web"]}, f'instances[0] must be {INSTANCE}, got "web".'),
        ({"exclude": [WEB, 7]}, f"exclude[1] must be {INSTANCE}, got 7."),
        ({"regions": []}, "regions must be a list of different regions, at least one, got []."),
        ({"regions": ["eu-west-1"] * 2}, "regions must be a list of different regions, at least one, got "),
        ({"regions": ["here"]}, 'regions[0] must be the name of an AWS region such as "eu-west-1", got "here".'),
        ({"timeout_seconds": "120"}, 'timeout_seconds must be a number of seconds from 1 to 3600, got "120".'),
        ({"timeout_seconds": None}, "timeout_seconds must be a number of seconds from 1 to 3600, got null."),
        (
            {"allow_downgrade": ""},
            'allow_downgrade must be a reason, or an object from instance IDs to reasons, got "".',
        ),
        (
            {"allow_downgrade": {WEB: 1}},
            f"allow_downgrade.{WEB} must be the reason why the options may be loosened, got 1.",
        ),
        ({"allow_downgrade": {"web": "old"}}, f"allow_downgrade.web must be named by {INSTANCE}."),
        ({"on_destroy": "keep"}, 'on_destroy must be "retain" or "restore", got "keep".'),
        ({"preflight": True}, 'preflight must be "on" or "off", got true.'),
        ({"expired_exemptions": "x"}, 'expired_exemptions must be "fail" or "warn", got "x".'),
        ({"launch_sources": "x"}, 'launch_sources must be "warn", "block" or "off", got "x".'),
        (
            {"exemptions": [Exemption(WEB, "a", "2027-01-31"), Exemption(WEB, "b", "2027-01-31")]},
            f"exemptions[1] is the second exemption of {WEB}; keep one.",
        ),
    ],
)
def test_wrong_settings_of_a_program_are_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        FleetSettings(**{"select": SELECT, **change})
    assert str(caught.value).startswith(problem)
    assert len(str(caught.value).splitlines()) == 1


def test_everything_wrong_with_the_settings_of_a_program_is_reported_at_once() -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        FleetSettings(exclude=["x"], regions=[], timeout_seconds=-1, preflight="?")  # type: ignore[arg-type]  # what must fail
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == [
        "exclude[0]",
        "regions",
        "timeout_seconds",
        "preflight",
        "select",
    ]
