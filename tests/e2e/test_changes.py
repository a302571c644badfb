"""What the author of a stack changes in its configuration."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, BARRIER, CACHE, FIVE, WEB, foretold, instance, managing, modifications, row, rows
from tests.support.engine import Stack

TWO = {"web": WEB, "api": API}


def test_an_option_changed_alone_is_sent_alone_and_one_no_longer_set_is_let_go(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(each) for each in TWO.values()])
    stack.configure(managing(cloud, TWO, httpTokens="required", httpPutResponseHopLimit=2))
    stack.up()
    modifications(cloud)

    stack.configure(managing(cloud, TWO, httpTokens="required", httpPutResponseHopLimit=3))
    preview = stack.preview()
    assert preview.steps == {"update": {*rows(*TWO), BARRIER}}
    assert preview.changes(row("web"))["httpPutResponseHopLimit"] == (2, 3)
    assert preview.changes(row("web"))["change"][1] == "httpPutResponseHopLimit: 2 -> 3"
    assert foretold(preview) == dict.fromkeys(TWO.values(), "httpPutResponseHopLimit: 2 -> 3")
    assert modifications(cloud) == {}

    stack.up()
    # The tokens go along so that EC2 keeps them, and the endpoint so that it stays as it is.
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


def test_an_instance_that_joins_and_one_that_leaves_touch_no_other(stack: Stack, cloud: LocalCloud) -> None:
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
