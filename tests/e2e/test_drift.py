"""Instances that are changed outside Pulumi."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, BARRIER, WEB, instance, managing, modifications, planned_changes, row, rows
from tests.support.engine import Stack


def test_drift_shows_in_its_row_and_the_next_up_repairs_it(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB), instance(API)])
    stack.configure(managing(cloud, {"web": WEB, "api": API}, httpTokens="required", httpPutResponseHopLimit=2))
    preview = stack.preview()
    adopted = "httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2"
    assert preview.changes(row("web"))["change"] == (None, adopted)
    stack.up()
    modifications(cloud)
    cloud.change(WEB, {"options": {"HttpTokens": "optional", "InstanceMetadataTags": "enabled"}})

    preview = stack.preview()
    assert preview.steps == {"update": {row("web"), BARRIER}}
    assert preview.changes(row("web"))["change"][1] == "httpTokens: optional -> required"
    assert planned_changes(preview) == {WEB: "httpTokens: optional -> required"}
    assert modifications(cloud) == {}

    up = stack.up()
    assert up.steps == {"update": {row("web"), BARRIER}}
    assert modifications(cloud) == {WEB: {"HttpTokens": "required", "HttpEndpoint": "enabled"}}
    options = cloud.instance(WEB)["options"]
    assert options["HttpTokens"] == "required"
    assert options["InstanceMetadataTags"] == "enabled", "not managed, so it may stay"
    assert "change" not in stack.resources()[row("web")]["outputs"]
    assert stack.up().steps == {}


def test_a_refresh_shows_drift_per_option(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB), instance(API)])
    stack.configure(managing(cloud, {"web": WEB, "api": API}, httpTokens="required", httpPutResponseHopLimit=2))
    stack.up()
    modifications(cloud)
    assert stack.refresh().steps == {}
    cloud.change(WEB, {"options": {"HttpTokens": "optional"}})

    refresh = stack.refresh()
    assert refresh.steps == {"update": rows("web")}
    assert refresh.changes(row("web"))["httpTokens"] == ("required", "optional")

    preview = stack.preview()
    assert preview.steps == {"update": {row("web"), BARRIER}}
    assert preview.changes(row("web"))["httpTokens"] == ("optional", "required")
    assert stack.up().steps == {"update": {row("web"), BARRIER}}
    assert modifications(cloud) == {WEB: {"HttpTokens": "required", "HttpEndpoint": "enabled"}}
    assert stack.up().steps == {}


def test_a_run_warns_of_a_stopped_instance_which_counts_as_applied_once_it_has_started(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(WEB), instance(API, state="stopped")])
    stack.configure(managing(cloud, {"web": WEB, "api": API}, httpTokens="required"))
    up = stack.up()
    assert any(API in warning and "when they start" in warning for warning in up.messages("warning"))
    assert up.outputs["appliedIds"] == [WEB]
    assert up.outputs["pendingStartIds"] == [API]
    assert set(modifications(cloud)) == {WEB, API}

    assert stack.up().steps == {}, "it still has to start, and nothing can be done about that"

    cloud.start_instance(API)
    cloud.advance(60)
    stack.refresh()
    up = stack.up()
    assert up.outputs["appliedIds"] == sorted([WEB, API])
    assert up.outputs["pendingStartIds"] == []
    assert modifications(cloud) == {}
