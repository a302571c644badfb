"""examples/attach: an instance of the program's own, with its metadata options attached."""

from __future__ import annotations

from localcloud.client import LocalCloud
from localcloud.ec2.instances import InstanceView
from tests.e2e.fleet import aws_config, modifications
from tests.support.engine import Stack

BOTH = {"Instance web", "InstanceMetadataOptions web-web"}
BARRIER = "MetadataOptionsApplied web"
SENT = {"HttpTokens": "required", "HttpPutResponseHopLimit": "2", "HttpEndpoint": "enabled"}


def launched_from(cloud: LocalCloud, stack: Stack, image: str) -> None:
    stack.configure({**aws_config(cloud), "attach:ami": image})


def running(cloud: LocalCloud) -> InstanceView:
    (view,) = (view for view in cloud.instances() if view["state"] == "running")
    return view


def test_the_options_follow_the_instance_from_its_launch_through_a_replacement_to_its_end(
    attach: Stack, cloud: LocalCloud
) -> None:
    launched_from(cloud, attach, "ami-760aaa0f")
    preview = attach.preview()
    assert preview.steps == {"create": {*BOTH, BARRIER}}
    assert cloud.instances() == []

    up = attach.up()
    first = running(cloud)
    assert modifications(cloud) == {first["id"]: SENT}
    assert first["options"]["HttpTokens"] == "required"
    assert up.outputs == {"instanceId": first["id"], "appliedIds": [first["id"]]}

    assert attach.up().steps == {}
    assert modifications(cloud) == {}

    launched_from(cloud, attach, "ami-1e749f67")
    preview = attach.preview()
    assert preview.steps["replace"] == BOTH
    assert modifications(cloud) == {}

    up = attach.up()
    second = running(cloud)
    assert second["id"] != first["id"]
    assert modifications(cloud) == {second["id"]: SENT}, "the old instance is released as it is"
    assert cloud.instance(first["id"])["state"] == "terminated"
    assert up.outputs == {"instanceId": second["id"], "appliedIds": [second["id"]]}

    assert attach.destroy().steps == {"delete": {*BOTH, BARRIER}}
    assert cloud.instance(second["id"])["state"] == "terminated"
    assert modifications(cloud) == {}
