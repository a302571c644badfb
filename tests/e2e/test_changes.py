"""Changes of a stack's configuration."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import (
    API,
    BARRIER,
    CACHE,
    FIVE,
    WEB,
    instance,
    managing,
    modifications,
    planned_changes,
    row,
    rows,
)
from tests.support.engine import Stack

TWO = {"web": WEB, "api": API}


def test_a_changed_option_is_sent_and_one_that_is_no_longer_set_is_released(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(each) for each in TWO.values()])
    stack.configure(managing(cloud, TWO, httpTokens="required", httpPutResponseHopLimit=2))
    stack.up()
    modifications(cloud)

    stack.configure(managing(cloud, TWO, httpTokens="required", httpPutResponseHopLimit=3))
    preview = stack.preview()
    assert preview.steps == {"update": {*rows(*TWO), BARRIER}}
    assert preview.changes(row("web"))["httpPutResponseHopLimit"] == (2, 3)
    assert preview.changes(row("web"))["change"][1] == "httpPutResponseHopLimit: 2 -> 3"
    assert planned_changes(preview) == dict.fromkeys(TWO.values(), "httpPutResponseHopLimit: 2 -> 3")
    assert modifications(cloud) == {}

    stack.up()
    # The tokens and the endpoint go along so that EC2 keeps their values.
    three = {"HttpPutResponseHopLimit": "3", "HttpTokens": "required", "HttpEndpoint": "enabled"}
    assert modifications(cloud) == dict.fromkeys(TWO.values(), three)

    stack.configure(managing(cloud, TWO, httpTokens="required"))
    preview = stack.preview()
    assert preview.steps == {"update": {*rows(*TWO), BARRIER}}
    assert preview.changes(row("api"))["httpPutResponseHopLimit"] == (3, None)

    stack.up()
    assert modifications(cloud) == {}
    assert cloud.instance(WEB)["options"]["HttpPutResponseHopLimit"] == 3
    assert stack.up().steps == {}


def test_adding_or_removing_an_instance_changes_no_other(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(each) for each in FIVE.values()])
    four = {name: each for name, each in FIVE.items() if name != "cache"}
    stack.configure(managing(cloud, four, httpTokens="required"))
    stack.up()
    assert set(modifications(cloud)) == set(four.values())

    stack.configure(managing(cloud, FIVE, httpTokens="required"))
    up = stack.up()
    assert up.steps == {"create": rows("cache"), "update": {BARRIER}}
    assert set(modifications(cloud)) == {CACHE}
    assert set(up.outputs["appliedIds"]) == set(FIVE.values())

    without_web = {name: each for name, each in FIVE.items() if name != "web"}
    stack.configure(managing(cloud, without_web, httpTokens="required"))
    up = stack.up()
    assert up.steps == {"delete": rows("web"), "update": {BARRIER}}
    assert modifications(cloud) == {}
    assert set(up.outputs["appliedIds"]) == set(without_web.values())
    assert cloud.instance(WEB)["options"]["HttpTokens"] == "required"
