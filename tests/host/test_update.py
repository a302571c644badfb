"""Update, through the real dynamic host: what is sent, and how ``previous`` and the recorded change develop."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.client import LocalCloud
from tests.host.instances import DESCRIBE, MODIFY, change_of, inputs, launch, sent, target
from tests.support.dynamic_host import OperationFailedError, ProviderClient, in_background, until


class Managed:
    """An instance under management, with its record."""

    def __init__(self, cloud: LocalCloud, options: ProviderClient, **wanted: object) -> None:
        self.id = launch(cloud)
        self.record = options.create(inputs(self.id, **wanted))
        self._options = options
        cloud.reset()

    def update(self, **wanted: object) -> dict[str, Any]:
        self.record = self._options.update(self.id, self.record.outputs, inputs(self.id, **wanted))
        return self.record.outputs


def test_a_changed_option_is_sent_and_waited_for(cloud: LocalCloud, options: ProviderClient) -> None:
    web = Managed(cloud, options, httpTokens="required", httpPutResponseHopLimit=2)
    change = change_of(web.record.outputs)
    cloud.settings(pending=60)
    with in_background(lambda: web.update(httpTokens="required", httpPutResponseHopLimit=3)) as updating:
        until(lambda: cloud.calls(DESCRIBE) >= 3, "two describes after the modification")
        assert not updating.done()
        cloud.advance(60)
        outputs = updating.result()
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "enabled", "HttpPutResponseHopLimit": "3"}]
    assert (outputs["httpPutResponseHopLimit"], outputs["state"]) == (3, "applied")
    assert outputs["previous"] == {"httpTokens": "optional", "httpPutResponseHopLimit": 1}
    assert change_of(outputs) not in ("", change)


def test_an_added_option_that_differs_is_sent_and_its_value_from_before_kept(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = Managed(cloud, options, httpTokens="required")
    outputs = web.update(httpTokens="required", instanceMetadataTags="enabled")
    assert sent(cloud) == [{"HttpTokens": "required", "HttpEndpoint": "enabled", "InstanceMetadataTags": "enabled"}]
    assert outputs["previous"] == {"httpTokens": "optional", "instanceMetadataTags": "disabled"}


def test_an_added_option_that_the_instance_has_already_sends_nothing(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = Managed(cloud, options, httpTokens="required")
    change = change_of(web.record.outputs)
    outputs = web.update(httpTokens="required", httpPutResponseHopLimit=1)
    assert (cloud.calls(MODIFY), cloud.calls(DESCRIBE)) == (0, 1)
    assert outputs["target"] == target(web.id, "httpTokens=required httpPutResponseHopLimit=1", change)


def test_an_option_that_is_no_longer_set_stays_unchanged_and_sends_no_request(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = Managed(cloud, options, httpTokens="required", httpPutResponseHopLimit=2)
    outputs = web.update(httpTokens="required")
    assert cloud.log() == []
    assert cloud.instance(web.id)["options"]["HttpPutResponseHopLimit"] == 2
    assert outputs["httpPutResponseHopLimit"] == 2
    assert outputs["target"] == target(web.id, "httpTokens=required", change_of(outputs))
    assert outputs["previous"] == {"httpTokens": "optional"}


def test_a_change_of_on_destroy_is_recorded_without_a_request(cloud: LocalCloud, options: ProviderClient) -> None:
    web = Managed(cloud, options, httpTokens="required")
    outputs = web.update(httpTokens="required", onDestroy="restore")
    assert cloud.log() == []
    assert (outputs["onDestroy"], outputs["previous"]) == ("restore", {"httpTokens": "optional"})


def test_drift_that_a_refresh_showed_is_repaired(cloud: LocalCloud, options: ProviderClient) -> None:
    web = Managed(cloud, options, httpTokens="required")
    cloud.change(web.id, {"options": {"HttpTokens": "optional"}})
    web.record = options.read(web.id, web.record.outputs)
    assert options.diff(web.id, web.record.outputs, inputs(web.id, httpTokens="required")).changed
    outputs = web.update(httpTokens="required")
    assert outputs["previous"] == {"httpTokens": "optional"}
    assert cloud.instance(web.id)["options"]["HttpTokens"] == "required"
    assert not options.diff(web.id, outputs, inputs(web.id, httpTokens="required")).changed


def test_drift_that_somebody_has_already_repaired_sends_nothing(cloud: LocalCloud, options: ProviderClient) -> None:
    web = Managed(cloud, options, httpTokens="required")
    cloud.change(web.id, {"options": {"HttpTokens": "optional"}})
    web.record = options.read(web.id, web.record.outputs)
    cloud.change(web.id, {"options": {"HttpTokens": "required"}})
    cloud.reset()
    assert web.update(httpTokens="required")["httpTokens"] == "required"
    assert cloud.calls(MODIFY) == 0


def test_tokens_become_optional_only_for_a_reason_and_the_reason_is_recorded(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = Managed(cloud, options, httpTokens="required")
    with pytest.raises(OperationFailedError, match=rf"{web.id} would be loosened \(httpTokens: required -> optional\)"):
        web.update(httpTokens="optional")
    assert sent(cloud) == []
    outputs = web.update(httpTokens="optional", allowDowngrade="agent 1.2 calls IMDSv1")
    assert (outputs["httpTokens"], outputs["allowDowngrade"]) == ("optional", "agent 1.2 calls IMDSv1")
    assert sent(cloud) == [{"HttpTokens": "optional", "HttpEndpoint": "enabled"}]


def test_a_changed_reason_is_recorded_without_a_request(cloud: LocalCloud, options: ProviderClient) -> None:
    web = Managed(cloud, options, httpTokens="required")
    new = inputs(web.id, httpTokens="required", allowDowngrade="rollback plan 7")
    assert options.diff(web.id, web.record.outputs, new).changed
    assert web.update(httpTokens="required", allowDowngrade="rollback plan 7")["allowDowngrade"] == "rollback plan 7"
    assert cloud.log() == []


def test_an_endpoint_that_was_disabled_takes_the_other_options_when_it_is_enabled(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = Managed(cloud, options, httpEndpoint="disabled", httpPutResponseHopLimit=2)
    assert cloud.instance(web.id)["options"]["HttpPutResponseHopLimit"] == 1
    web.update(httpEndpoint="enabled", httpPutResponseHopLimit=2, allowDowngrade="the agent needs it")
    assert sent(cloud) == [{"HttpEndpoint": "enabled", "HttpPutResponseHopLimit": "2"}]


def test_an_update_of_a_terminated_instance_fails_with_its_state(cloud: LocalCloud, options: ProviderClient) -> None:
    web = Managed(cloud, options, httpTokens="required")
    cloud.terminate(web.id)
    with pytest.raises(OperationFailedError, match="is terminated: its metadata options can no longer be changed"):
        web.update(httpTokens="required", httpPutResponseHopLimit=2)
    assert cloud.calls(MODIFY) == 0
