from __future__ import annotations

import pytest

from imds_provider.errors import DeclarativePolicyError, InvalidInputError, LooseningRefusedError
from imds_provider.rules.account_changes import objection, without_loosening_defaults
from imds_provider.rules.options import Options
from tests.support.fake_defaults import account

REGION = "eu-west-1"
POLICY = account({"httpTokens": "required"}, policy="Ask the platform team.")


def test_a_change_that_makes_stricter_has_no_objection() -> None:
    assert objection(REGION, account(), {"httpTokens": "required", "httpTokensEnforced": "enabled"}, None) is None


def test_loosening_names_every_default_that_it_loosens_and_no_other() -> None:
    seen = account({"httpTokens": "required", "httpEndpoint": "disabled", "httpPutResponseHopLimit": 1})
    wanted: Options = {"httpTokens": "optional", "httpEndpoint": "no-preference", "httpPutResponseHopLimit": 64}
    refused = objection(REGION, seen, wanted, None, "imds:accountDefaults.allowDowngrade")
    assert isinstance(refused, LooseningRefusedError)
    assert str(refused) == (
        "the account in eu-west-1 would be loosened (httpTokens: required -> optional, httpEndpoint: disabled -> "
        "no-preference): keep the current value, or give the reason in imds:accountDefaults.allowDowngrade."
    )
    assert objection(REGION, seen, wanted, "a lab") is None


@pytest.mark.parametrize("message", ["", "  "])
def test_a_policy_without_a_message_is_reported_without_one(message: str) -> None:
    refused = objection(REGION, account(policy=message), {"httpTokens": "required"}, None)
    assert isinstance(refused, DeclarativePolicyError)
    assert ", but an organization's declarative policy decides this. Remove" in str(refused)


def test_a_reason_to_loosen_does_not_overrule_a_policy() -> None:
    assert isinstance(objection(REGION, POLICY, {"httpTokens": "optional"}, "a lab"), DeclarativePolicyError)


def test_what_a_policy_has_set_may_be_wanted_as_well() -> None:
    assert objection(REGION, POLICY, {"httpTokens": "required", "httpTokensEnforced": "disabled"}, None) is None


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"httpTokensEnforced": "enabled"}, {"httpTokens": "optional"}),
        ({"httpTokens": "optional"}, {"httpTokensEnforced": "enabled"}),
    ],
)
def test_optional_tokens_where_imdsv2_is_enforced_are_refused_whoever_set_the_other(
    before: Options, wanted: Options
) -> None:
    refused = objection(REGION, account(before), wanted, "a lab")
    assert isinstance(refused, InvalidInputError)
    assert "would have a default of optional tokens where IMDSv2 is enforced" in str(refused)
    assert objection(REGION, account(before), {**wanted, "httpTokens": "required"}, None) is None


def test_what_would_loosen_is_left_out() -> None:
    before: Options = {"httpTokens": "no-preference", "httpPutResponseHopLimit": -1}
    assert without_loosening_defaults(account({"httpTokens": "required"}).values, before) == {
        "httpPutResponseHopLimit": -1
    }
