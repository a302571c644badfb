"""Delete, through the real dynamic host: what stays unchanged, and what is restored."""

from __future__ import annotations

import pytest

from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions
from localcloud.faults import Fault
from tests.host.instances import ACCOUNT, DESCRIBE, MODIFY, described, inputs, launch, new_id, sent, warnings
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient, in_background, until

REASON = "the agent is old"
BEFORE: MetadataOptions = {"HttpPutResponseHopLimit": 3, "InstanceMetadataTags": "enabled"}


def test_retaining_sends_no_request(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, BEFORE)
    created = options.create(inputs(web, httpTokens="required"))
    cloud.reset()
    options.delete(web, created.outputs)
    assert cloud.log() == []
    assert cloud.instance(web)["options"]["HttpTokens"] == "required"


def test_restoring_restores_managed_options_and_waits(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, BEFORE)
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "allowDowngrade": REASON}
    created = options.create(inputs(web, onDestroy="restore", **wanted))
    cloud.change(web, {"options": {"InstanceMetadataTags": "disabled"}})
    cloud.reset()
    cloud.settings(pending=60)
    with in_background(lambda: options.delete(web, created.outputs)) as deleting:
        until(lambda: cloud.calls(DESCRIBE) >= 3, "two describes after the modification")
        assert not deleting.done()
        cloud.advance(60)
        deleting.result()
    assert sent(cloud) == [{"HttpTokens": "optional", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": "3"}]
    assert cloud.instance(web)["options"]["InstanceMetadataTags"] == "disabled"


def test_restoring_without_a_reason_keeps_stricter_values_and_warns_once(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud, BEFORE)
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "onDestroy": "restore"}
    created = options.create(inputs(web, **wanted))
    options.delete(web, created.outputs)
    found = cloud.instance(web)["options"]
    assert (found["HttpTokens"], found["HttpPutResponseHopLimit"]) == ("required", 3)
    assert warnings(host) == [
        (
            f"{web} keeps httpTokens=required instead of the previous httpTokens=optional: allow_downgrade gives no "
            "reason to loosen it. To loosen it, manage it again with httpTokens=optional and a reason."
        )
    ]


def test_an_endpoint_that_was_on_stays_off_without_a_reason(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    created = options.create(inputs(web, httpEndpoint="disabled", onDestroy="restore"))
    options.delete(web, created.outputs)
    assert cloud.instance(web)["options"]["HttpEndpoint"] == "disabled"


def test_restoring_stricter_values_needs_no_reason(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, {"HttpTokens": "required"})
    wanted = {"httpTokens": "optional", "allowDowngrade": REASON, "onDestroy": "restore"}
    created = options.create(inputs(web, **wanted)).outputs
    options.delete(web, {**created, "allowDowngrade": ""})
    assert cloud.instance(web)["options"]["HttpTokens"] == "required"


def test_nothing_is_restored_that_another_resource_of_the_run_manages(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud, BEFORE)
    wanted = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "allowDowngrade": REASON}
    created = options.create(inputs(web, onDestroy="restore", **wanted)).outputs
    renamed = options.check(inputs(web, httpTokens="required"))
    cloud.reset()
    options.delete(web, created)
    # The new resource manages the tokens alone.
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": "3"}]
    assert renamed.failures == []
    assert host.engine.lines() == []


def test_a_warning_lists_the_values_that_are_lost_when_another_resource_takes_over(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud)
    recorded = {
        **inputs(web, httpTokens="required", onDestroy="restore", allowDowngrade=REASON),
        "previous": {"httpTokens": "optional"},
    }
    cloud.change(web, {"options": {"HttpTokens": "required"}})
    new = options.check(inputs(web, httpTokens="required")).inputs
    assert options.create(new).outputs["previous"] == {"httpTokens": "required"}
    options.delete(web, recorded)
    assert cloud.instance(web)["options"]["HttpTokens"] == "required"
    assert warnings(host) == [
        (
            f"{web} is now managed by another resource of this program, so httpTokens=optional is not restored, and "
            "these previous values are lost. To keep them, declare the rename in `aliases`."
        )
    ]


def test_a_second_resource_on_an_instance_remembers_what_was_there_before_the_first(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud)
    first = options.create(inputs(web, httpTokens="required", onDestroy="restore")).outputs
    second = options.create(options.check(inputs(web, httpTokens="required", onDestroy="restore")).inputs).outputs
    assert first["previous"] == second["previous"] == {"httpTokens": "optional"}
    options.delete(web, first)
    assert cloud.instance(web)["options"]["HttpTokens"] == "required"
    assert host.engine.lines() == []


def test_restoring_values_that_the_instance_has_sends_nothing(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    created = options.create(inputs(web, httpTokens="required", onDestroy="restore"))
    cloud.change(web, {"options": {"HttpTokens": "optional"}})
    cloud.reset()
    options.delete(web, created.outputs)
    assert (cloud.calls(MODIFY), cloud.calls(DESCRIBE)) == (0, 1)


def test_an_option_that_was_no_longer_managed_is_not_restored(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    created = options.create(inputs(web, httpTokens="required", httpPutResponseHopLimit=2, onDestroy="restore"))
    left = inputs(web, httpTokens="required", onDestroy="restore", allowDowngrade=REASON)
    updated = options.update(web, created.outputs, left)
    options.delete(web, updated.outputs)
    found = cloud.instance(web)["options"]
    assert (found["HttpTokens"], found["HttpPutResponseHopLimit"]) == ("optional", 2)


def test_restoring_an_instance_that_is_gone_is_done_but_not_with_credentials_of_another_account(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    ended, vanished, foreign = launch(cloud), launch(cloud), new_id()
    made = {each: options.create(inputs(each, httpTokens="required")).outputs for each in (ended, vanished)}
    recorded = {each: {**outputs, "onDestroy": "restore"} for each, outputs in made.items()}
    cloud.terminate(ended)
    cloud.vanish(vanished)
    cloud.reset()
    with in_background(lambda: options.delete(vanished, recorded[vanished])) as deleting:
        options.delete(ended, recorded[ended])
        with pytest.raises(OperationFailedError, match=f"{foreign} belongs to account 210987654321.* to {ACCOUNT}"):
            options.delete(foreign, {**recorded[ended], "ownerId": "210987654321"})
        deleting.result()
    assert cloud.calls(MODIFY) == 0
    assert sum(vanished in each for each in described(cloud)) >= 3


@pytest.mark.parametrize("code", [None, "IncorrectInstanceState", "IncorrectState", "UnsupportedOperation"])
def test_restoring_an_instance_that_ends_before_it_is_modified_is_done_whatever_ec2_calls_that(
    code: str | None, cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud)
    created = options.create(inputs(web, httpTokens="required", onDestroy="restore"))
    cloud.set_faults(Fault("terminate", DESCRIBE, instance=web, after=True))
    if code:
        cloud.set_faults(Fault("error", MODIFY, code=code, message="The instance takes no changes.", times=None))
    options.delete(web, created.outputs)
    assert cloud.instance(web)["options"]["HttpTokens"] == "required"
