"""``imds:accountDefaults``: what is valid, and the settings that it becomes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imds_components.account.settings import KEYS, AccountSettings
from imds_components.stack_config import StackConfigError, parse
from imds_provider.errors import InvalidInputError
from imds_provider.rules.enforcement import EnforcementReadiness

FULL: dict[str, object] = {
    "httpTokens": "required",
    "httpPutResponseHopLimit": 2,
    "httpEndpoint": "enabled",
    "instanceMetadataTags": "no-preference",
    "httpTokensEnforced": "enabled",
    "regions": ["eu-west-1", "us-east-1"],
    "onDestroy": "restore",
    "allowDowngrade": "a lab",
    "timeoutSeconds": 60,
    "readiness": {"instances": "warn", "launchSources": "off", "unknown": "block"},
}
HOPS = " must be a whole number from 1 to 64, or -1 for no preference, got "


def config(given: object) -> dict[str, str]:
    return {"imds:accountDefaults": json.dumps(given)}


def problems(given: object) -> tuple[str, ...]:
    with pytest.raises(StackConfigError) as caught:
        parse(config(given))
    return caught.value.problems


def test_every_key_becomes_a_setting() -> None:
    assert parse(config(FULL)).account_defaults == AccountSettings(
        {
            "httpTokens": "required",
            "httpPutResponseHopLimit": 2,
            "httpEndpoint": "enabled",
            "instanceMetadataTags": "no-preference",
            "httpTokensEnforced": "enabled",
        },
        regions=["eu-west-1", "us-east-1"],
        on_destroy="restore",
        allow_downgrade="a lab",
        timeout_seconds=60,
        readiness=EnforcementReadiness("warn", "off", "block"),
    )


def test_without_other_keys_the_settings_are_those_of_the_component() -> None:
    assert parse(config({"httpTokens": "required"})).account_defaults == AccountSettings({"httpTokens": "required"})


@pytest.mark.parametrize("given", [{}, {"imds:accountDefaults": "{}"}])
def test_without_the_key_no_defaults_are_managed(given: dict[str, str]) -> None:
    assert parse(given).account_defaults is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"httpTokens": "on"}, '.httpTokens must be "optional", "required" or "no-preference", got "on".'),
        ({"httpPutResponseHopLimit": 0}, f".httpPutResponseHopLimit{HOPS}0."),
        ({"httpPutResponseHopLimit": 65}, f".httpPutResponseHopLimit{HOPS}65."),
        ({"httpPutResponseHopLimit": -2}, f".httpPutResponseHopLimit{HOPS}-2."),
        ({"httpEndpoint": 1}, '.httpEndpoint must be "disabled", "enabled" or "no-preference", got 1.'),
        ({"instanceMetadataTags": "x"}, '.instanceMetadataTags must be "disabled", "enabled" or "no-preference", got'),
        ({"httpTokensEnforced": True}, '.httpTokensEnforced must be "disabled", "enabled" or "no-preference", got '),
        (
            {"httpTokens": "optional", "httpTokensEnforced": "enabled"},
            '.httpTokensEnforced must not be "enabled" together with a default of "optional" tokens, ',
        ),
        ({"httpProtocolIpv6": "enabled"}, ".httpProtocolIpv6 is not a known key; "),
        ({"regions": ["eu-west-1"] * 2}, ".regions must be a list of different regions, at least one, got "),
        ({"regions": ["mars"]}, '.regions[0] must be the name of an AWS region such as "eu-west-1", got "mars".'),
        ({"onDestroy": "keep"}, '.onDestroy must be "retain" or "restore", got "keep".'),
        ({"allowDowngrade": ""}, ".allowDowngrade must be the reason why the options may be loosened, "),
        ({"timeoutSeconds": 3601}, ".timeoutSeconds must be a number of seconds from 1 to 3600, got 3601."),
        ({"readiness": {"instances": "on"}}, '.readiness.instances must be "warn", "block" or "off", got "on".'),
        ({"readiness": {"launchSources": 1}}, '.readiness.launchSources must be "warn", "block" or "off", got 1.'),
        ({"readiness": {"unknown": "off"}}, '.readiness.unknown must be "warn", "block" or "ignore", got "off".'),
        ({"readiness": {"groups": "off"}}, ".readiness.groups is not a known key; "),
    ],
)
def test_a_wrong_key_is_refused(change: dict[str, object], problem: str) -> None:
    (found,) = problems({"httpTokens": "required", **change})
    assert found.startswith(f"imds:accountDefaults{problem}")


def test_a_section_without_any_default_is_refused() -> None:
    (found,) = problems({"regions": ["eu-west-1"]})
    assert found.startswith("imds:accountDefaults must set at least one option to manage: httpTokens, ")


def test_every_problem_is_reported_at_once() -> None:
    assert len(problems({"httpTokens": 1, "regions": [], "readiness": {"unknown": 1}})) == 3


def test_settings_of_a_program_are_validated_as_well() -> None:
    with pytest.raises(InvalidInputError) as caught:
        AccountSettings({"httpPutResponseHopLimit": 65}, regions=["eu-west-1"] * 2)
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(InvalidInputError, match="EnforcementReadiness: launch_sources must be"):
        EnforcementReadiness(launch_sources="on")  # type: ignore[arg-type]  # that is the test


def test_a_key_is_spelled_as_the_person_wrote_it() -> None:
    settings = parse(config(FULL)).account_defaults
    assert settings is not None
    assert settings.spelled("readiness", "launchSources") == "imds:accountDefaults.readiness.launchSources"
    assert AccountSettings({"httpTokens": "required"}).spelled("allowDowngrade") == "allow_downgrade"


def test_the_documentation_names_every_key() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
    section = documented.partition("### `imds:accountDefaults`")[2].partition("\n### ")[0]
    names = [*(key.name for key in KEYS), "instances", "launchSources", "unknown"]
    assert [name for name in names if f"| `{name}` |" not in section] == []
