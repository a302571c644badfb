"""What a new instance starts with, by EC2's order of precedence."""

from __future__ import annotations

from itertools import product

import pytest

from imds_provider.rules.account_defaults import DEFAULTS, AccountDefaults
from imds_provider.rules.launch_options import Decided, Image, image_decides, resolve_launch
from imds_provider.rules.options import OPTION_NAMES, OPTIONS

NOTHING = AccountDefaults({default.name: default.cleared for default in DEFAULTS})
LAUNCHER = "launch template web (lt-1) version 3 ($Default)"
IMDSV2, PLAIN, GONE = (
    Image("ami-2", requires_tokens=True),
    Image("ami-1", requires_tokens=False),
    Image("ami-0", unknown="EC2 does not list it"),
)
EC2_DECIDES = "EC2's default"
ACCOUNT_DECIDES = "the account's default"


def defaults(**values: str | int) -> AccountDefaults:
    return AccountDefaults({**NOTHING.values, **values})


def test_where_nothing_decides_ec2_does() -> None:
    assert resolve_launch(LAUNCHER, {}, NOTHING, PLAIN) == {
        "httpTokens": Decided("optional", EC2_DECIDES),
        "httpPutResponseHopLimit": Decided(1, EC2_DECIDES),
        "httpEndpoint": Decided("enabled", EC2_DECIDES),
        "httpProtocolIpv6": Decided("disabled", EC2_DECIDES),
        "instanceMetadataTags": Decided("disabled", EC2_DECIDES),
    }


def test_an_image_for_imdsv2_decides_tokens_and_hop_limit() -> None:
    found = resolve_launch(LAUNCHER, {}, NOTHING, IMDSV2)
    assert found["httpTokens"] == Decided("required", "image ami-2")
    assert found["httpPutResponseHopLimit"] == Decided(2, "image ami-2")
    assert found["httpEndpoint"].by == EC2_DECIDES


def test_an_account_default_of_optional_takes_precedence_over_an_image_for_imdsv2() -> None:
    found = resolve_launch(LAUNCHER, {}, defaults(httpTokens="optional"), IMDSV2)
    assert found["httpTokens"] == Decided("optional", ACCOUNT_DECIDES)
    assert found["httpPutResponseHopLimit"] == Decided(2, "image ami-2"), "each option is decided for itself"


TEMPLATES, ACCOUNTS = (None, "optional", "required"), ("no-preference", "optional", "required")


@pytest.mark.parametrize(
    ("set_by_template", "account", "image"), [*product(TEMPLATES, ACCOUNTS, (IMDSV2, PLAIN, GONE, None))]
)
def test_template_then_account_then_image_decide_the_tokens(
    set_by_template: str | None, account: str, image: Image | None
) -> None:
    options = {} if set_by_template is None else {"httpTokens": set_by_template}
    found = resolve_launch(LAUNCHER, options, defaults(httpTokens=account), image)["httpTokens"]
    by_image = {IMDSV2: ("required", "image ami-2"), PLAIN: ("optional", EC2_DECIDES), GONE: (None, "image ami-0")}
    if set_by_template is not None:
        expected: tuple[str | None, str] = (set_by_template, LAUNCHER)
    elif account != "no-preference":
        expected = (account, ACCOUNT_DECIDES)
    else:
        expected = by_image[image] if image is not None else (None, "the image")
    assert (found.value, found.by) == expected
    assert (found.value is None) == bool(found.unknown), "what is not known says why"
    assert image_decides(options, defaults(httpTokens=account)) == (expected[1] not in (LAUNCHER, ACCOUNT_DECIDES))


@pytest.mark.parametrize("option", OPTIONS, ids=OPTION_NAMES)
def test_what_the_template_sets_takes_precedence_for_every_option(option: object) -> None:
    name, allowed = option.name, option.allowed  # type: ignore[attr-defined]  # ids need the names
    for value in (allowed[0], allowed[-1]):
        assert resolve_launch(LAUNCHER, {name: value}, NOTHING, GONE)[name] == Decided(value, LAUNCHER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("httpPutResponseHopLimit", 3),
        ("httpEndpoint", "disabled"),
        ("instanceMetadataTags", "enabled"),
        ("httpTokens", "required"),
    ],
)
def test_what_the_account_sets_takes_precedence_over_the_image(name: str, value: str | int) -> None:
    for image in (IMDSV2, PLAIN, GONE, None):
        found = resolve_launch(LAUNCHER, {}, defaults(**{name: value}), image)
        assert found[name] == Decided(value, ACCOUNT_DECIDES)


def test_a_default_of_a_declarative_policy_says_so() -> None:
    policy = AccountDefaults({**NOTHING.values, "httpTokens": "required"}, "declarative-policy")
    by = resolve_launch(LAUNCHER, {}, policy, GONE)["httpTokens"].by
    assert by == "the account's default, which a declarative policy of the organization sets"


def test_a_value_that_is_newer_than_this_version_is_not_known() -> None:
    found = resolve_launch(LAUNCHER, {"httpTokens": "sometimes"}, NOTHING, IMDSV2)["httpTokens"]
    assert found == Decided(None, LAUNCHER, "whose value sometimes this version does not know")
