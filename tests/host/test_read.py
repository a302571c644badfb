"""Read, through the real dynamic host: what a refresh shows, and when an instance counts as gone."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions
from localcloud.faults import Fault
from tests.host.instances import ACCOUNT, DESCRIBE, MODIFY, REGION, described, inputs, launch, new_id, run, target
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient, in_background, until

REQUIRED: MetadataOptions = {"HttpTokens": "required"}


def recorded(instance_id: str, **given: object) -> dict[str, Any]:
    """What is in the state after a create that wanted ``httpTokens`` alone."""
    return {
        **inputs(instance_id),
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "instanceMetadataTags": "disabled",
        "state": "applied",
        "ownerId": ACCOUNT,
        "previous": {"httpTokens": "optional"},
        "target": target(instance_id, "httpTokens=required", "first"),
        **given,
    }


def test_nothing_changed_reads_as_recorded(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, REQUIRED)
    assert options.read(web, recorded(web)) == (web, recorded(web), inputs(web, httpTokens="required"))
    assert (cloud.calls(DESCRIBE), cloud.calls(MODIFY)) == (1, 0)


def test_drift_of_a_managed_option_shows_in_outputs_and_inputs(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    found = options.read(web, recorded(web))
    assert found.outputs == recorded(web, httpTokens="optional")
    assert found.inputs == inputs(web, httpTokens="optional")
    assert cloud.calls(MODIFY) == 0


def test_drift_of_an_unmanaged_option_shows_only_in_outputs(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, {"HttpTokens": "required", "HttpPutResponseHopLimit": 5})
    found = options.read(web, recorded(web))
    assert found.outputs["httpPutResponseHopLimit"] == 5
    assert found.inputs == inputs(web, httpTokens="required")
    assert not options.diff(web, found.outputs, inputs(web, httpTokens="required")).changed


def test_a_stopped_instance_reads_as_such(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, REQUIRED, state="stopped")
    cloud.change(web, {"metadata_state": "pending"})
    assert options.read(web, recorded(web)).outputs["state"] == "pending-start"


def test_a_read_by_id_alone_reads_everything(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, REQUIRED)
    found = options.read(web, {})
    assert found.id == web
    assert (found.outputs["instanceId"], found.outputs["region"]) == (web, REGION)
    assert (found.outputs["httpTokens"], found.outputs["state"]) == ("required", "applied")


def test_a_missing_instance_is_gone_after_several_describes_but_not_with_credentials_of_another_account(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    gone, foreign = new_id(), launch(cloud, REQUIRED, account="210987654321")
    with in_background(lambda: options.read(gone, recorded(gone))) as reading:
        with pytest.raises(OperationFailedError) as caught:
            options.read(foreign, recorded(foreign, ownerId="210987654321"))
        assert reading.result() == ("", {}, {})
    assert sum(gone in each for each in described(cloud)) >= 3
    assert caught.value.sentence == (
        f"{foreign} belongs to account 210987654321, but the credentials in use belong to {ACCOUNT}: "
        "run again with credentials of its account."
    )


def test_an_instance_that_one_describe_misses_is_not_gone(cloud: LocalCloud, options: ProviderClient) -> None:
    cloud.settings(appear=60)
    web = run(cloud)
    with in_background(lambda: options.read(web, recorded(web))) as reading:
        until(lambda: cloud.calls(DESCRIBE) >= 1, "a describe")
        cloud.advance(60)
        assert reading.result().id == web


def test_a_terminated_instance_is_gone(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud, REQUIRED, state="terminated")
    assert options.read(web, recorded(web)) == ("", {}, {})


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "ExpiredToken", "InternalError"])
def test_a_failed_describe_is_an_error_and_not_a_deletion(
    code: str, cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud, REQUIRED)
    cloud.set_faults(Fault("error", DESCRIBE, code=code, times=None))
    with pytest.raises(OperationFailedError) as caught:
        options.read(web, recorded(web))
    assert code in caught.value.sentence
    assert host.engine.messages("ERROR") == [caught.value.sentence]
