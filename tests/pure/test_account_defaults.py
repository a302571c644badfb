"""An account's defaults: what EC2 answers, what is allowed, what differs, what loosens."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imds_provider.rules.account_changes import without_loosening_defaults
from imds_provider.rules.account_defaults import (
    DEFAULT_NAMES,
    DEFAULTS,
    DEFAULTS_OBJECT,
    decode_defaults,
    default_changes,
    default_parameters,
    default_violations,
    from_ec2,
    loosened_defaults,
    render_default_changes,
    render_defaults,
)
from imds_provider.rules.options import Options
from tests.support.fake_defaults import NOTHING, account

_SWITCH = st.sampled_from(["enabled", "disabled", "no-preference"])
VALUES = {
    "httpTokens": st.sampled_from(["optional", "required", "no-preference"]),
    "httpPutResponseHopLimit": st.sampled_from([-1, 1, 2, 64]),
    "httpEndpoint": _SWITCH,
    "instanceMetadataTags": _SWITCH,
    "httpTokensEnforced": _SWITCH,
}
ACCOUNTS = st.fixed_dictionaries(VALUES)
WISHES = st.fixed_dictionaries({}, optional=VALUES)


def after(observed: Options, wanted: Options) -> Options:
    return {**observed, **default_changes(observed, wanted)}


@given(ACCOUNTS, WISHES)
def test_one_modification_is_enough(observed: Options, wanted: Options) -> None:
    assert default_changes(after(observed, wanted), wanted) == {}


@given(ACCOUNTS, WISHES)
def test_what_is_not_wanted_is_never_altered(observed: Options, wanted: Options) -> None:
    assert set(default_changes(observed, wanted)) <= set(wanted)


@given(ACCOUNTS, WISHES)
def test_what_is_left_after_leaving_out_what_loosens_loosens_nothing(observed: Options, wanted: Options) -> None:
    assert loosened_defaults(observed, without_loosening_defaults(observed, wanted)) == []


@given(ACCOUNTS, ACCOUNTS)
def test_a_change_and_its_way_back_do_not_both_make_stricter(observed: Options, wanted: Options) -> None:
    forth, back = loosened_defaults(observed, wanted), loosened_defaults(wanted, observed)
    assert set(forth).isdisjoint(back)
    for name in ("httpTokens", "httpTokensEnforced"):
        assert (name in default_changes(observed, wanted)) is (name in forth or name in back)


@given(ACCOUNTS)
def test_an_answer_of_ec2_is_read_as_it_was_sent(values: Options) -> None:
    answer = {name: value for name, value in default_parameters(values).items() if value not in ("no-preference", -1)}
    assert from_ec2({**answer, "ManagedBy": "account"}).values == values


@given(WISHES)
def test_validation_refuses_none_but_optional_tokens_with_enforcement(wanted: Options) -> None:
    assume(wanted)
    contradicts = wanted.get("httpTokens") == "optional" and wanted.get("httpTokensEnforced") == "enabled"
    assert [each.path for each in default_violations(wanted)] == [("httpTokensEnforced",)] * contradicts


def test_an_account_without_defaults_has_no_preferences() -> None:
    found = from_ec2({"ManagedBy": "account"})
    assert (found.values, found.is_enforced, found.is_managed_by_policy) == (NOTHING, False, False)


def test_a_declarative_policy_is_found_with_its_message() -> None:
    found = from_ec2(
        {"HttpTokensEnforced": "enabled", "ManagedBy": "declarative-policy", "ManagedExceptionMessage": "Ask us."}
    )
    assert (found.is_enforced, found.is_managed_by_policy, found.exception_message) == (True, True, "Ask us.")


@pytest.mark.parametrize(
    ("observed", "wanted", "loosened"),
    [
        ("httpTokens=required", "httpTokens=optional", True),
        ("httpTokens=required", "httpTokens=no-preference", True),
        ("httpTokens=no-preference", "httpTokens=optional", True),
        ("httpTokens=optional", "httpTokens=no-preference", False),
        ("httpTokens=optional", "httpTokens=required", False),
        ("httpTokensEnforced=enabled", "httpTokensEnforced=disabled", True),
        ("httpTokensEnforced=enabled", "httpTokensEnforced=no-preference", True),
        ("httpTokensEnforced=no-preference", "httpTokensEnforced=disabled", False),
        ("httpEndpoint=disabled", "httpEndpoint=enabled", True),
        ("httpEndpoint=disabled", "httpEndpoint=no-preference", True),
        ("httpEndpoint=enabled", "httpEndpoint=disabled", False),
        ("instanceMetadataTags=disabled", "instanceMetadataTags=enabled", False),
    ],
)
def test_what_loosens_an_account(observed: str, wanted: str, *, loosened: bool) -> None:
    (name, before), (_, value) = observed.split("="), wanted.split("=")
    assert loosened_defaults({**NOTHING, name: before}, {name: value}) == [name] * loosened


def test_a_larger_hop_limit_does_not_loosen() -> None:
    assert loosened_defaults({**NOTHING, "httpPutResponseHopLimit": 1}, {"httpPutResponseHopLimit": 64}) == []


def test_enforcement_that_is_cleared_is_as_good_as_disabled() -> None:
    assert default_changes(NOTHING, {"httpTokensEnforced": "disabled"}) == {}
    assert default_changes({**NOTHING, "httpTokensEnforced": "disabled"}, {"httpTokensEnforced": "no-preference"}) == {}
    assert default_changes(NOTHING, {"httpTokensEnforced": "enabled"}) == {"httpTokensEnforced": "enabled"}


@pytest.mark.parametrize("limit", [0, 65, -2, 1.5, "2", True])
def test_a_hop_limit_out_of_range_is_refused(limit: object) -> None:
    (found,) = default_violations({"httpPutResponseHopLimit": limit})
    assert found.reason.startswith("must be a whole number from 1 to 64, or -1 for no preference, got ")


@pytest.mark.parametrize("limit", [1, 64, -1, 2.0])
def test_a_hop_limit_in_range_is_allowed(limit: float) -> None:
    assert default_violations({"httpPutResponseHopLimit": limit}) == []
    assert list(DEFAULTS_OBJECT.check({"httpPutResponseHopLimit": limit})) == []


@pytest.mark.parametrize("name", [name for name in DEFAULT_NAMES if name != "httpPutResponseHopLimit"])
@pytest.mark.parametrize("value", ["on", "", 1, True, "Enabled"])
def test_a_value_that_ec2_does_not_take_is_refused(name: str, value: object) -> None:
    assert [each.path for each in default_violations({name: value})] == [(name,)]


def test_without_any_default_all_are_named() -> None:
    (found,) = default_violations({"region": "eu-west-1"})
    assert found.reason == (
        "set at least one option to manage: http_tokens, http_put_response_hop_limit, http_endpoint, "
        "instance_metadata_tags, http_tokens_enforced."
    )


def test_values_that_are_not_known_are_not_judged() -> None:
    unknown = object()
    assert default_violations({"httpTokens": unknown}, is_known=lambda value: value is not unknown) == []


def test_numbers_of_pulumi_become_whole_ones() -> None:
    assert decode_defaults({"httpPutResponseHopLimit": 2.0, "httpTokens": None, "region": "eu-west-1"}) == {
        "httpPutResponseHopLimit": 2
    }


def test_defaults_and_their_changes_are_rendered_in_their_order() -> None:
    seen = account({"httpPutResponseHopLimit": 1}).values
    wanted: Options = {"httpTokensEnforced": "enabled", "httpPutResponseHopLimit": 2, "httpTokens": "required"}
    assert render_defaults(wanted) == "httpTokens=required httpPutResponseHopLimit=2 httpTokensEnforced=enabled"
    assert render_default_changes(seen, wanted) == (
        "httpTokens: no-preference -> required, httpPutResponseHopLimit: 1 -> 2, httpTokensEnforced: no-preference -> "
        "enabled"
    )
    assert [default.ec2_name for default in DEFAULTS] == list(default_parameters(NOTHING))
