"""An account's defaults, through the real dynamic host: what is sent, what is recorded, what is refused.

Each test has a region of its own, since a host remembers what it knows of a region for its life, as one run does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import ACCOUNT, warnings
from tests.support.dynamic_host import UNKNOWN, DynamicHost, OperationFailedError, ProviderClient, in_background, until

GET, MODIFY = "GetInstanceMetadataDefaults", "ModifyInstanceMetadataDefaults"
NOTHING = {
    "httpTokens": "no-preference",
    "httpPutResponseHopLimit": -1,
    "httpEndpoint": "no-preference",
    "instanceMetadataTags": "no-preference",
    "httpTokensEnforced": "no-preference",
}
REASON = "the agent is old"
ASK = "Ask the platform team."
GIVE_REASON = (
    "keep the current value, or give the reason in allow_downgrade (imds:accountDefaults.allowDowngrade in a stack "
    "file)."
)

_numbers = count(1)


@pytest.fixture
def region() -> str:
    return f"eu-test-{next(_numbers)}"


def inputs(region: str, **given: object) -> dict[str, Any]:
    """Checked inputs, but for the defaults."""
    return {"region": region, "onDestroy": "retain", "timeoutSeconds": 20, **given}


def sent(cloud: LocalCloud) -> list[dict[str, str]]:
    """The defaults that each modification named."""
    return [call["params"] for call in cloud.log(MODIFY)]


def fails(operation: Callable[..., object], *arguments: object) -> str:
    """The sentence that an operation of the provider ends with."""
    with pytest.raises(OperationFailedError) as caught:
        operation(*arguments)
    return caught.value.sentence


def test_defaults_are_set_by_one_modification_and_recorded_as_observed(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_account_defaults(region, {"HttpEndpoint": "enabled"})
    created = defaults.create(inputs(region, httpTokens="required", httpPutResponseHopLimit=2))
    assert sent(cloud) == [{"HttpTokens": "required", "HttpPutResponseHopLimit": "2"}]
    assert cloud.account_defaults(region) == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "HttpEndpoint": "enabled",
    }
    assert created.id == region
    assert created.outputs == {
        **inputs(region),
        **NOTHING,
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "httpEndpoint": "enabled",
        "managedBy": "account",
        "previous": {"httpTokens": "no-preference", "httpPutResponseHopLimit": -1},
    }


def test_defaults_that_are_in_force_are_sent_nothing(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    cloud.set_account_defaults(region, {"HttpTokens": "required"})
    outputs = defaults.create(inputs(region, httpTokens="required", httpTokensEnforced="disabled")).outputs
    assert (cloud.calls(GET), cloud.calls(MODIFY)) == (1, 0)
    assert outputs["previous"] == {"httpTokens": "required", "httpTokensEnforced": "no-preference"}


def test_all_five_go_in_one_modification_and_can_be_cleared(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    all_set = {
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "httpEndpoint": "enabled",
        "instanceMetadataTags": "enabled",
        "httpTokensEnforced": "enabled",
    }
    created = defaults.create(inputs(region, **all_set)).outputs
    assert {name: created[name] for name in all_set} == all_set
    updated = defaults.update(region, created, inputs(region, **NOTHING, allowDowngrade=REASON)).outputs
    assert {name: updated[name] for name in NOTHING} == NOTHING
    assert cloud.account_defaults(region) == {}
    assert cloud.calls(MODIFY) == 2
    assert updated["previous"] == NOTHING


def test_an_answer_from_before_the_change_is_not_taken_for_it(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.settings(defaults_delay=60)
    with in_background(lambda: defaults.create(inputs(region, httpTokens="required"))) as creating:
        until(lambda: cloud.calls(GET) >= 3, "two reads after the modification")
        assert not creating.done()
        cloud.advance(60)
        assert creating.result().outputs["httpTokens"] == "required"
    assert cloud.calls(MODIFY) == 1


def test_what_never_shows_is_recorded_as_unfinished_and_completed_by_the_next_run(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.settings(defaults_delay=600)
    wanted = inputs(region, httpTokens="required", timeoutSeconds=2)
    created = defaults.create(wanted).outputs
    assert created["unfinished"].startswith(f"the account in {region} did not reach httpTokens=required within 2 s; ")
    assert (created["httpTokens"], created["previous"]) == ("no-preference", {"httpTokens": "no-preference"})
    cloud.advance(600)
    assert defaults.diff(region, created, wanted).changed
    updated = defaults.update(region, created, wanted).outputs
    assert (updated["httpTokens"], "unfinished" in updated) == ("required", False)
    assert cloud.calls(MODIFY) == 1


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_lost_answer_is_decided_by_a_read(
    cloud: LocalCloud, defaults: ProviderClient, region: str, *, took_effect: bool
) -> None:
    # The second attempt is botocore's own.
    cloud.set_faults(Fault("drop", MODIFY, times=2, after=took_effect))
    outputs = defaults.create(inputs(region, httpTokens="required")).outputs
    assert outputs["httpTokens"] == "required"
    assert "unfinished" not in outputs
    assert cloud.calls(MODIFY) == (2 if took_effect else 3)


def test_a_throttled_call_is_retried(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    faults = (Fault("error", action, code="RequestLimitExceeded") for action in (GET, MODIFY))
    cloud.set_faults(*faults)
    assert defaults.create(inputs(region, httpTokens="required")).outputs["httpTokens"] == "required"


def test_the_pace_is_that_of_the_quota(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    cloud.settings(throttle=True)
    created = defaults.create(inputs(region, httpTokens="required")).outputs
    for limit in (2, 3, 4):
        created = defaults.update(
            region, created, inputs(region, httpTokens="required", httpPutResponseHopLimit=limit)
        ).outputs
    assert cloud.calls(MODIFY) == 4
    assert [cloud.counts()[action]["throttled"] for action in (GET, MODIFY)] == [0, 0]


def test_what_somebody_else_sets_during_the_wait_is_reapplied_once(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_faults(Fault("change", MODIFY, after=True, defaults={"HttpPutResponseHopLimit": 7}))
    outputs = defaults.create(inputs(region, httpPutResponseHopLimit=2)).outputs
    assert outputs["httpPutResponseHopLimit"] == 2
    assert "unfinished" not in outputs
    assert cloud.calls(MODIFY) == 2


def test_what_somebody_else_sets_again_and_again_is_a_conflict(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_faults(Fault("change", MODIFY, after=True, times=None, defaults={"HttpPutResponseHopLimit": 7}))
    outputs = defaults.create(inputs(region, httpPutResponseHopLimit=2)).outputs
    assert outputs["unfinished"] == (
        f"the account in {region} was changed twice by somebody else during the wait, the last time to "
        "httpPutResponseHopLimit=7: another stack, tool or person manages the same defaults. Agree on one owner, then "
        "run `pulumi up` again."
    )
    assert cloud.calls(MODIFY) == 2


@pytest.mark.parametrize(
    "change",
    [
        "httpTokens: required -> no-preference",
        "httpTokens: required -> optional",
        "httpTokens: no-preference -> optional",
        "httpTokensEnforced: enabled -> disabled",
        "httpEndpoint: disabled -> enabled",
    ],
)
def test_loosening_without_a_reason_is_refused_before_anything_is_sent(
    change: str, cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    name, before, wanted = change.replace(" ->", ":").split(": ")
    cloud.set_account_defaults(region, {name[0].upper() + name[1:]: before})  # type: ignore[misc]  # a default
    sentence = fails(defaults.create, inputs(region, **{name: wanted}))
    assert sentence == f"the account in {region} would be loosened ({change}): {GIVE_REASON}"
    assert sent(cloud) == []
    defaults.create(inputs(region, **{name: wanted}, allowDowngrade=REASON))
    assert cloud.calls(MODIFY) == 1


def test_what_a_declarative_policy_has_set_may_be_wanted_as_well(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_declarative_policy(region, {"HttpTokens": "required"}, exception_message=ASK)
    outputs = defaults.create(inputs(region, httpTokens="required")).outputs
    assert (outputs["managedBy"], outputs["httpTokens"]) == ("declarative-policy", "required")
    assert sent(cloud) == []


def test_what_a_declarative_policy_decides_otherwise_is_refused_with_its_message(
    cloud: LocalCloud, host: DynamicHost, defaults: ProviderClient, region: str
) -> None:
    cloud.set_declarative_policy(region, {"HttpTokens": "required"}, exception_message=ASK)
    sentence = fails(defaults.create, inputs(region, httpTokens="required", httpPutResponseHopLimit=2))
    assert sentence == (
        f"the account in {region} would change (httpPutResponseHopLimit: no-preference -> 2), but an organization's "
        "declarative policy decides this, which says: Ask the platform team. Remove them from the program there, or "
        "have the policy changed."
    )
    assert sent(cloud) == []
    assert host.engine.messages("ERROR") == [sentence]


def test_a_region_that_does_not_know_enforcement_is_named_with_what_to_do(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.settings(unknown_options={region: ["HttpTokensEnforced"]})
    assert fails(defaults.create, inputs(region, httpTokensEnforced="enabled")) == (
        f"account defaults: EC2 refused {MODIFY} in {region} with UnknownParameter: The parameter HttpTokensEnforced "
        f"is not recognized. EC2 in {region} does not know this option; remove it from the program there and run again."
    )


@pytest.mark.parametrize("action", [GET, MODIFY])
def test_a_missing_permission_is_named(action: str, cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    cloud.settings(denied=[f"ec2:{action}"])
    sentence = fails(defaults.create, inputs(region, httpTokens="required"))
    assert sentence.startswith(f"account defaults: EC2 refused {action} in {region} with UnauthorizedOperation: ")
    assert sentence.endswith(f"The credentials in use lack the permission ec2:{action}; grant it and run again.")


def test_check_reports_every_violation_at_once(defaults: ProviderClient) -> None:
    wrong = {
        "httpTokens": "on",
        "httpPutResponseHopLimit": 65,
        "httpEndpoint": "off",
        "instanceMetadataTags": "yes",
        "httpTokensEnforced": True,
        "region": "europe",
        "onDestroy": "keep",
        "timeoutSeconds": 0,
        "allowDowngrade": "",
    }
    assert {place for place, _ in defaults.check(wrong).failures} == set(wrong)


@pytest.mark.parametrize("limit", [0, 65, -2, 1.5])
def test_check_refuses_a_hop_limit_out_of_range(limit: float, defaults: ProviderClient, region: str) -> None:
    assert defaults.check(inputs(region, httpPutResponseHopLimit=limit)).failures == [
        (
            "httpPutResponseHopLimit",
            (f"http_put_response_hop_limit must be a whole number from 1 to 64, or -1 for no preference, got {limit}."),
        )
    ]


def test_check_refuses_no_default_and_optional_tokens_with_enforcement(defaults: ProviderClient, region: str) -> None:
    (nothing,) = defaults.check(inputs(region)).failures
    assert nothing[1].startswith("set at least one option to manage: http_tokens, ")
    (both,) = defaults.check(inputs(region, httpTokens="optional", httpTokensEnforced="enabled")).failures
    assert both[1].startswith('http_tokens_enforced must not be "enabled" together with a default of "optional" tokens')
    assert defaults.check(inputs(region, httpTokensEnforced="enabled")).failures == []


def test_check_fails_with_what_forbids_a_change(defaults: ProviderClient, region: str) -> None:
    forbidden = "AccountMetadata base cannot continue."
    assert defaults.check(inputs(region, httpTokens="required", forbidden=forbidden)).failures == [("", forbidden)]


def test_a_difference_is_found_offline_in_what_is_managed_alone(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_account_defaults(region, {"HttpEndpoint": "enabled"})
    wanted = inputs(region, httpTokens="required", httpPutResponseHopLimit=2)
    recorded = defaults.create(wanted).outputs
    cloud.reset()

    def changed(**given: object) -> bool:
        return defaults.diff(region, recorded, {**wanted, **given}).changed

    assert not changed()
    assert not changed(timeoutSeconds=60)
    assert not changed(change="httpEndpoint: enabled -> disabled")
    assert changed(change="httpTokens: no-preference -> required")
    assert changed(httpTokens="optional")
    assert changed(httpEndpoint="enabled")
    assert changed(httpPutResponseHopLimit=None)
    assert changed(httpTokens=UNKNOWN)
    assert changed(onDestroy="restore")
    assert changed(allowDowngrade=REASON)
    assert defaults.diff(region, recorded, {**wanted, "region": "us-test-1"}).replaces == ["region"]
    assert cloud.log() == []


def test_a_change_that_the_program_found_is_repaired(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    wanted = inputs(region, httpTokens="required", httpPutResponseHopLimit=2)
    recorded = defaults.create(wanted).outputs
    cloud.set_account_defaults(region, {"HttpTokens": "optional"})
    cloud.reset()
    found = {**wanted, "change": "httpTokens: optional -> required"}
    updated = defaults.update(region, recorded, found).outputs
    assert sent(cloud) == [{"HttpTokens": "required"}]
    assert updated == recorded


def test_an_update_of_other_settings_asks_nothing(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    wanted = inputs(region, httpTokens="required", httpPutResponseHopLimit=2)
    recorded = defaults.create(wanted).outputs
    cloud.reset()
    news = inputs(region, httpTokens="required", onDestroy="restore")
    updated = defaults.update(region, recorded, news).outputs
    assert updated == {**recorded, "onDestroy": "restore", "previous": {"httpTokens": "no-preference"}}
    assert cloud.log() == []


def test_a_refresh_shows_drift_and_the_next_difference_repairs_it(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    wanted = inputs(region, httpTokens="required")
    recorded = defaults.create(wanted).outputs
    assert defaults.read(region, recorded) == (region, recorded, wanted)
    cloud.set_account_defaults(region, {"HttpTokens": "optional"})
    read = defaults.read(region, recorded)
    assert (read.outputs, read.inputs) == (
        {**recorded, "httpTokens": "optional"},
        {**wanted, "httpTokens": "optional"},
    )
    assert defaults.diff(region, read.outputs, wanted).changed
    cloud.set_account_defaults(region, {"HttpTokens": "required"})
    read = defaults.read(region, recorded)
    # A change of the inputs of the last run is out of date.
    stale = {**wanted, "change": "httpTokens: optional -> required"}
    assert not defaults.diff(region, read.outputs, stale).changed


def test_a_read_by_id_has_the_defaults_as_they_are(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    cloud.set_account_defaults(region, {"HttpTokens": "required"})
    read = defaults.read(region, {})
    assert (read.id, read.outputs["httpTokens"], read.outputs["region"]) == (region, "required", region)


def test_retaining_asks_nothing(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    created = defaults.create(inputs(region, httpTokens="required")).outputs
    cloud.reset()
    defaults.delete(region, created)
    assert cloud.log() == []


def test_restoring_with_a_reason_restores_managed_defaults_alone(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_account_defaults(region, {"HttpPutResponseHopLimit": 3})
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "httpTokensEnforced": "enabled"}
    given = inputs(region, **wanted, onDestroy="restore", allowDowngrade=REASON)
    created = defaults.create(given).outputs
    cloud.set_account_defaults(region, {"HttpEndpoint": "disabled"})
    defaults.delete(region, created)
    assert cloud.account_defaults(region) == {"HttpPutResponseHopLimit": 3, "HttpEndpoint": "disabled"}


def test_restoring_without_a_reason_keeps_stricter_defaults_and_warns(
    cloud: LocalCloud, host: DynamicHost, defaults: ProviderClient, region: str
) -> None:
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "httpTokensEnforced": "enabled"}
    created = defaults.create(inputs(region, **wanted, onDestroy="restore")).outputs
    defaults.delete(region, created)
    assert cloud.account_defaults(region) == {"HttpTokens": "required", "HttpTokensEnforced": "enabled"}
    kept, before = "httpTokens=required httpTokensEnforced=enabled", "httpTokens=no-preference "
    before += "httpTokensEnforced=no-preference"
    assert warnings(host) == [
        (
            f"the account in {region} keeps {kept} instead of the previous {before}: allow_downgrade gives no reason "
            f"to loosen it. To loosen it, manage it again with {before} and a reason."
        )
    ]


def test_nothing_is_restored_that_another_resource_of_the_run_manages(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    wanted = {"httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"}
    created = defaults.create(inputs(region, **wanted, onDestroy="restore")).outputs
    defaults.check(inputs(region, httpPutResponseHopLimit=2))
    defaults.delete(region, created)
    assert cloud.account_defaults(region) == {"HttpPutResponseHopLimit": 2}


@pytest.mark.parametrize("reason", [{}, {"allowDowngrade": REASON}], ids=["without a reason", "with one"])
def test_nothing_is_restored_under_a_declarative_policy(
    reason: dict[str, str], cloud: LocalCloud, host: DynamicHost, defaults: ProviderClient, region: str
) -> None:
    created = defaults.create(inputs(region, httpTokens="required", onDestroy="restore", **reason)).outputs
    cloud.set_declarative_policy(region, {"HttpTokens": "required"}, exception_message=ASK)
    cloud.reset()
    defaults.delete(region, created)
    assert sent(cloud) == []
    assert warnings(host) == [
        (
            f"the account in {region} keeps its defaults, since an organization's declarative policy decides them: "
            "httpTokens=no-preference is not restored."
        )
    ]


def test_optional_tokens_are_not_restored_where_somebody_enforces_imdsv2_since(
    cloud: LocalCloud, host: DynamicHost, defaults: ProviderClient, region: str
) -> None:
    cloud.set_account_defaults(region, {"HttpTokens": "optional"})
    given = inputs(region, httpTokens="required", onDestroy="restore", allowDowngrade=REASON)
    created = defaults.create(given).outputs
    cloud.set_account_defaults(region, {"HttpTokensEnforced": "enabled"})
    defaults.delete(region, created)
    assert cloud.account_defaults(region) == {"HttpTokens": "required", "HttpTokensEnforced": "enabled"}
    (warning,) = warnings(host)
    assert warning.startswith(f"httpTokens=optional is not restored: the account in {region} would have a default of ")


def test_a_restore_that_does_not_show_fails(cloud: LocalCloud, defaults: ProviderClient, region: str) -> None:
    given = inputs(region, httpPutResponseHopLimit=2, onDestroy="restore", timeoutSeconds=2)
    created = defaults.create(given).outputs
    cloud.settings(defaults_delay=600)
    assert "did not reach httpPutResponseHopLimit=-1" in fails(defaults.delete, region, created)


def test_the_account_that_the_stack_allows_is_the_only_one_asked(
    cloud: LocalCloud, defaults: ProviderClient, region: str
) -> None:
    cloud.set_account_defaults(region, {"HttpTokens": "optional"}, account="999999999999")
    assert defaults.create(inputs(region, httpTokens="required")).outputs["previous"] == {"httpTokens": "no-preference"}
    assert cloud.account_defaults(region, account=ACCOUNT) == {"HttpTokens": "required"}
