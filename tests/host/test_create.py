"""Create, through the real dynamic host: what is sent, what is waited for, what is recorded."""

from __future__ import annotations

import pytest

from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions
from localcloud.faults import Fault
from tests.host.instances import (
    ACCOUNT,
    DESCRIBE,
    MODIFY,
    REGION,
    change_of,
    inputs,
    launch,
    sent,
    target,
)
from tests.support.dynamic_host import DynamicHost, ProviderClient, in_background, until

COMPLIANT: MetadataOptions = {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}


def test_an_instance_on_imdsv1_is_modified_once_and_waited_for(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.settings(pending=60)
    with in_background(lambda: options.create(inputs(web, httpTokens="required"))) as creating:
        until(lambda: cloud.calls(DESCRIBE) >= 3, "two describes after the modification")
        assert not creating.done()
        cloud.advance(60)
        created = creating.result()
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "enabled"}]
    change = change_of(created.outputs)
    assert change
    assert created.id == web
    assert created.outputs == {
        **inputs(web),
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "disabled",
        "state": "applied",
        "ownerId": ACCOUNT,
        "previous": {"httpTokens": "optional"},
        "target": target(web, "httpTokens=required", change),
    }


def test_an_answer_that_is_applied_is_not_described_again(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    assert options.create(inputs(web, httpTokens="required")).outputs["state"] == "applied"
    assert (cloud.calls(MODIFY), cloud.calls(DESCRIBE)) == (1, 1)


def test_a_compliant_instance_is_sent_nothing(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, COMPLIANT)
    outputs = options.create(inputs(web, httpTokens="required", httpPutResponseHopLimit=2)).outputs
    assert (cloud.calls(MODIFY), cloud.calls(DESCRIBE)) == (0, 1)
    assert outputs["previous"] == {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    assert outputs["target"] == target(web, "httpTokens=required httpPutResponseHopLimit=2")


def test_creating_twice_modifies_once(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    for _ in range(2):
        assert options.create(inputs(web, httpTokens="required")).outputs["httpTokens"] == "required"
    assert cloud.calls(MODIFY) == 1


def test_instances_that_check_announced_are_described_together_and_modified_once(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    instances = [launch(cloud) for _ in range(8)]
    checked = [options.check(inputs(each, httpTokens="required", wait=False)) for each in instances]
    for each in checked:
        assert options.create(each.inputs).outputs["httpTokens"] == "required"
    assert sorted(instances) in [sorted(call["instance_ids"]) for call in cloud.log(DESCRIBE)]
    assert [call["instance_ids"] for call in cloud.log(MODIFY)] == [[each] for each in instances]


@pytest.mark.parametrize("tokens", ["required", "optional"])
def test_a_change_of_the_hop_limit_keeps_the_tokens(tokens: str, cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, {"HttpTokens": tokens})
    cloud.settings(tokens_when_unnamed="optional")
    options.create(inputs(web, httpPutResponseHopLimit=2))
    riding_along = {"HttpTokens": "required"} if tokens == "required" else {}
    assert sent(cloud) == [{**riding_along, "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": "2"}]
    assert cloud.instance(web)["options"]["HttpTokens"] == tokens


def test_options_that_are_not_managed_stay(cloud: LocalCloud, options: ProviderClient) -> None:
    odd: MetadataOptions = {
        "HttpPutResponseHopLimit": 7,
        "HttpProtocolIpv6": "enabled",
        "InstanceMetadataTags": "enabled",
    }
    web = launch(cloud, odd)
    outputs = options.create(inputs(web, httpTokens="required")).outputs
    assert cloud.instance(web)["options"] == {**odd, "HttpTokens": "required", "HttpEndpoint": "enabled"}
    assert outputs["httpPutResponseHopLimit"] == 7
    assert outputs["target"] == target(web, "httpTokens=required", change_of(outputs))


def test_all_five_options_go_in_one_modification(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, {"HttpEndpoint": "disabled"})
    options.create(
        inputs(
            web,
            httpTokens="required",
            httpPutResponseHopLimit=2,
            httpEndpoint="enabled",
            httpProtocolIpv6="enabled",
            instanceMetadataTags="enabled",
            allowDowngrade="the agent needs the endpoint",
        )
    )
    assert sent(cloud) == [
        {
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": "2",
            "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "enabled",
            "InstanceMetadataTags": "enabled",
        }
    ]


def test_an_endpoint_that_is_disabled_stays_so_and_only_the_tokens_change(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud, {"HttpEndpoint": "disabled"})
    options.create(inputs(web, httpTokens="required", httpPutResponseHopLimit=2, instanceMetadataTags="enabled"))
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "disabled"}]
    assert cloud.instance(web)["options"]["HttpPutResponseHopLimit"] == 1


def test_an_endpoint_to_be_disabled_goes_without_what_cannot_apply(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, {"HttpTokens": "required"})
    options.create(inputs(web, httpEndpoint="disabled", httpPutResponseHopLimit=2))
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "disabled"}]


def test_what_cannot_apply_to_a_disabled_endpoint_is_no_reason_to_modify(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud, {"HttpEndpoint": "disabled"})
    options.create(inputs(web, httpPutResponseHopLimit=2))
    assert sent(cloud) == []


@pytest.mark.parametrize("state", ["stopped", "stopping"])
def test_a_stopped_instance_is_not_waited_for_and_a_warning_says_when_its_options_apply(
    state: str, cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud, state=state)
    outputs = options.create(inputs(web, httpTokens="required")).outputs
    assert (outputs["state"], outputs["httpTokens"]) == ("pending-start", "required")
    assert host.engine.messages("WARNING") == [f"{web} is {state}: its metadata options apply when it starts."]
    assert (cloud.calls(MODIFY), cloud.calls(DESCRIBE)) == (1, 1)


def test_an_instance_changed_while_stopped_is_pending_start_even_if_ec2_reports_applied(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud, state="stopped")
    cloud.settings(stopped_state="applied")
    created = options.create(inputs(web, httpTokens="required")).outputs
    assert created["state"] == "pending-start"
    (line,) = host.engine.lines()
    assert line.message == f"{web} is stopped: its metadata options apply when it starts."
    assert options.read(web, created).outputs["state"] == "pending-start"
    cloud.start_instance(web)
    assert options.read(web, created).outputs["state"] == "applied"


def test_an_instance_that_stops_during_the_wait_is_not_waited_for(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud)
    cloud.settings(pending=600)
    cloud.set_faults(Fault("stop", DESCRIBE, instance=web, nth=3))
    assert options.create(inputs(web, httpTokens="required")).outputs["state"] == "pending-start"
    assert [web in message for message in host.engine.messages("WARNING")] == [True]


def test_without_waiting_there_is_one_describe_and_one_modification(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.settings(pending=600)
    outputs = options.create(inputs(web, httpTokens="required", wait=False)).outputs
    assert (cloud.calls(MODIFY), cloud.calls(DESCRIBE)) == (1, 1)
    assert "state" not in outputs
    assert change_of(outputs)


def test_options_that_the_region_does_not_know_are_not_drift_but_a_warning(
    cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud)
    cloud.settings(unknown_options={REGION: ["HttpProtocolIpv6"]})
    outputs = options.create(inputs(web, httpTokens="required", httpProtocolIpv6="enabled")).outputs
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "enabled"}]
    assert "httpProtocolIpv6" not in outputs
    assert ["httpProtocolIpv6" in message for message in host.engine.messages("WARNING")] == [True]
