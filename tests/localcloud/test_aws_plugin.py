"""localcloud's AWS plugin, over gRPC like the Pulumi engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]  # its stubs are not installed
from pulumi.runtime.proto import ResourceProviderStub, provider_pb2
from pulumi.runtime.rpc import UNKNOWN

from localcloud.client import LocalCloud

from .conftest import Connect

PLUGIN = Path(__file__).parent.parent.parent / "localcloud" / "aws_plugin" / "bin" / "pulumi-resource-aws"
Properties = dict[str, Any]

URN = "urn:pulumi:dev::web::aws:ec2/instance:Instance::web"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INPUTS = {"ami": "ami-12345678", "instanceType": "t3.micro", "tags": {"Name": "web"}}


class Plugin:
    """A client for the resources of a type, which takes and returns properties as dicts."""

    def __init__(self, channel: grpc.Channel, urn: str = URN) -> None:
        self._channel = channel
        self._stub = ResourceProviderStub(channel)
        self._urn = urn

    def of(self, type_token: str) -> Plugin:
        """A client for resources of another type."""
        return Plugin(self._channel, self._urn.replace("aws:ec2/instance:Instance", type_token))

    def configure(self, **args: object) -> None:
        self._stub.Configure(provider_pb2.ConfigureRequest(args=struct(args)))

    def check(self, inputs: Properties, old: Properties | None = None) -> Properties:
        request = provider_pb2.CheckRequest(
            urn=self._urn, olds=struct(old or {}), news=struct(inputs), randomSeed=b"\x01\x23\x45\x67"
        )
        return properties(self._stub.Check(request).inputs)

    def create(self, inputs: Properties, *, preview: bool = False) -> tuple[str, Properties]:
        request = provider_pb2.CreateRequest(urn=self._urn, properties=struct(inputs), preview=preview)
        answer = self._stub.Create(request)
        return answer.id, properties(answer.properties)

    def diff(self, state: Properties, inputs: Properties) -> dict[str, str]:
        """The kind of difference by path."""
        request = provider_pb2.DiffRequest(urn=self._urn, id="i", olds=struct(state), news=struct(inputs))
        answer = self._stub.Diff(request)
        kinds = {path: provider_pb2.PropertyDiff.Kind.Name(each.kind) for path, each in answer.detailedDiff.items()}
        assert answer.changes == (provider_pb2.DiffResponse.DIFF_SOME if kinds else provider_pb2.DiffResponse.DIFF_NONE)
        assert set(answer.replaces) == {path for path, kind in kinds.items() if kind == "UPDATE_REPLACE"}
        return kinds

    def read(self, instance_id: str, inputs: Properties) -> tuple[str, Properties, Properties]:
        """ID, outputs and inputs."""
        request = provider_pb2.ReadRequest(urn=self._urn, id=instance_id, inputs=struct(inputs))
        answer = self._stub.Read(request)
        return answer.id, properties(answer.properties), properties(answer.inputs)

    def update(self, instance_id: str, state: Properties, inputs: Properties, *, preview: bool = False) -> Properties:
        olds, news = struct(state), struct(inputs)
        request = provider_pb2.UpdateRequest(urn=self._urn, id=instance_id, olds=olds, news=news, preview=preview)
        return properties(self._stub.Update(request).properties)

    def delete(self, instance_id: str) -> None:
        self._stub.Delete(provider_pb2.DeleteRequest(urn=self._urn, id=instance_id))


def struct(properties: Properties) -> struct_pb2.Struct:
    return json_format.ParseDict(properties, struct_pb2.Struct())


def properties(struct: struct_pb2.Struct) -> Properties:
    return dict(json_format.MessageToDict(struct))


@pytest.fixture(scope="module")
def process() -> Iterator[Plugin]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with subprocess.Popen(
        [PLUGIN, "127.0.0.1:1"], stdout=subprocess.PIPE, text=True, env={**os.environ, "PATH": path}
    ) as plugin:
        assert plugin.stdout is not None
        port = plugin.stdout.readline().strip()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Plugin(channel)
        plugin.terminate()


@pytest.fixture
def plugin(process: Plugin, cloud: LocalCloud) -> Plugin:
    process.configure(region="eu-west-1", accessKey="a", secretKey="b", endpoints=endpoints(cloud))
    return process


def endpoints(cloud: LocalCloud) -> str:
    return json.dumps([{"ec2": cloud.url, "autoscaling": cloud.url}])


def test_a_created_instance_has_the_outputs_that_programs_use(plugin: Plugin, cloud: LocalCloud) -> None:
    instance_id, state = plugin.create({**INPUTS, "metadataOptions": {"httpTokens": "required"}})
    view = cloud.instance(instance_id)
    assert (view["region"], view["tags"], view["options"].get("HttpTokens")) == (
        "eu-west-1",
        {"Name": "web"},
        "required",
    )
    assert state["arn"] == f"arn:aws:ec2:eu-west-1:123456789012:instance/{instance_id}"
    assert (state["instanceState"], state["ami"], state["instanceType"]) == ("running", "ami-12345678", "t3.micro")
    assert state["tags"] == state["tagsAll"] == {"Name": "web"}
    assert state["privateIp"].count(".") == 3
    assert state["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpProtocolIpv6": "disabled",
        "httpPutResponseHopLimit": 1.0,
        "httpTokens": "required",
        "instanceMetadataTags": "disabled",
    }


def test_a_preview_creates_nothing_and_leaves_outputs_unknown(plugin: Plugin, cloud: LocalCloud) -> None:
    instance_id, state = plugin.create(INPUTS, preview=True)
    assert (instance_id, cloud.instances()) == ("", [])
    assert state["ami"] == "ami-12345678"
    assert state["privateIp"] == state["metadataOptions"] == UNKNOWN


def test_a_create_waits_until_ec2_shows_the_instance(plugin: Plugin, cloud: LocalCloud) -> None:
    cloud.settings(appear=0.5)
    instance_id, state = plugin.create(INPUTS)
    assert state["instanceState"] == "running"
    assert cloud.counts()["DescribeInstances"]["errors"] > 0
    assert cloud.instance(instance_id)["state"] == "running"


def test_options_that_the_program_does_not_set_are_not_compared(plugin: Plugin) -> None:
    _, state = plugin.create({**INPUTS, "metadataOptions": {"httpTokens": "required"}})
    assert plugin.diff(state, INPUTS) == {}
    assert plugin.diff(state, {**INPUTS, "metadataOptions": {"httpTokens": "required"}}) == {}


def test_a_diff_lists_paths_and_a_changed_image_replaces_the_instance(plugin: Plugin) -> None:
    _, state = plugin.create(INPUTS)
    changed = {"metadataOptions": {"httpTokens": "required"}, "tags": {"Team": "web"}}
    assert plugin.diff(state, {**INPUTS, **changed}) == {
        "metadataOptions.httpTokens": "UPDATE",
        "tags.Name": "DELETE",
        "tags.Team": "UPDATE",
    }
    for image in ("ami-87654321", UNKNOWN):
        assert plugin.diff(state, {**INPUTS, "ami": image}) == {"ami": "UPDATE_REPLACE"}


def test_metadata_options_tags_and_type_are_updated_in_place(plugin: Plugin, cloud: LocalCloud) -> None:
    instance_id, state = plugin.create(INPUTS)
    wanted = {
        **INPUTS,
        "instanceType": "t3.large",
        "tags": {"Team": "web"},
        "metadataOptions": {"httpPutResponseHopLimit": 2},
    }
    preview = plugin.update(instance_id, state, wanted, preview=True)
    assert preview["metadataOptions"]["httpTokens"] == "optional"
    assert cloud.instance(instance_id)["options"].get("HttpPutResponseHopLimit") == 1
    after = plugin.update(instance_id, state, wanted)
    assert (after["instanceType"], after["instanceState"], after["tags"]) == ("t3.large", "running", {"Team": "web"})
    assert after["metadataOptions"]["httpPutResponseHopLimit"] == 2
    after = plugin.update(instance_id, after, {**wanted, "metadataOptions": {"httpEndpoint": "disabled"}})
    assert after["metadataOptions"]["httpEndpoint"] == "disabled"


def test_a_refresh_shows_drift_of_the_programs_inputs(plugin: Plugin, cloud: LocalCloud, connect: Connect) -> None:
    inputs = {**INPUTS, "tags": {"Name": "web", "Team": "web"}, "metadataOptions": {"httpTokens": "required"}}
    instance_id, _ = plugin.create(inputs)
    cloud.change(instance_id, {"options": {"HttpTokens": "optional", "HttpPutResponseHopLimit": 9}})
    connect("eu-west-1").delete_tags(Resources=[instance_id], Tags=[{"Key": "Team"}])
    read_id, state, actual = plugin.read(instance_id, inputs)
    assert read_id == instance_id
    assert state["metadataOptions"]["httpPutResponseHopLimit"] == 9
    assert actual == {**INPUTS, "metadataOptions": {"httpTokens": "optional"}}


def test_a_missing_instance_is_read_as_deleted_and_can_be_deleted_again(plugin: Plugin, cloud: LocalCloud) -> None:
    instance_id, _ = plugin.create(INPUTS)
    plugin.delete(instance_id)
    assert cloud.instance(instance_id)["state"] == "terminated"
    assert plugin.read(instance_id, INPUTS)[0] == ""
    cloud.vanish(instance_id)
    assert plugin.read(instance_id, INPUTS)[0] == ""
    plugin.delete(instance_id)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"region": "eu-west-1"}, "not nothing"),
        (
            {"region": "eu-west-1", "endpoints": '[{"ec2": "https://ec2.eu-west-1.amazonaws.com"}]'},
            "accepts loopback endpoints only",
        ),
        ({"endpoints": '[{"ec2": "http://127.0.0.1:1"}]'}, "aws:region is not set"),
    ],
)
def test_it_requires_a_region_and_a_loopback_endpoint(args: dict[str, str], message: str, process: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match=message):
        process.configure(**args)


def test_other_resource_types_are_refused_by_name(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="not aws:ec2/vpc:Vpc"):
        plugin.of("aws:ec2/vpc:Vpc").create({})


def test_a_resource_below_a_component_is_known_by_its_own_type(plugin: Plugin, cloud: LocalCloud) -> None:
    instance_id, _ = plugin.of("my:index:Web$aws:ec2/instance:Instance").create(INPUTS)
    assert cloud.instance(instance_id)["state"] == "running"


def test_a_resource_that_needs_a_name_keeps_the_one_it_was_given(plugin: Plugin) -> None:
    templates = plugin.of(TEMPLATE)
    named = templates.check({"imageId": "ami-12345678"})
    assert named == {"imageId": "ami-12345678", "name": "web-0123456"}
    assert templates.check({}, {"name": "web-fedcba9"}) == {"name": "web-fedcba9"}
    assert templates.check({"name": "mine"}, named) == {"name": "mine"}
    assert plugin.check(INPUTS) == INPUTS


def test_an_update_of_a_launch_template_makes_a_version(plugin: Plugin, connect: Connect) -> None:
    templates = plugin.of(TEMPLATE)
    template_id, state = templates.create({"name": "web", "imageId": "ami-12345678"})
    assert (state["latestVersion"], state["defaultVersion"]) == (1, 1)
    wanted = {"name": "web", "imageId": "ami-12345678", "metadataOptions": {"httpTokens": "required"}}
    assert templates.diff(state, wanted) == {"metadataOptions": "UPDATE"}
    assert templates.update(template_id, state, wanted, preview=True)["latestVersion"] == UNKNOWN
    after = templates.update(template_id, state, wanted)
    assert (after["latestVersion"], after["defaultVersion"]) == (2, 1)
    after = templates.update(template_id, after, {**wanted, "instanceType": "t3.micro", "updateDefaultVersion": True})
    assert (after["latestVersion"], after["defaultVersion"]) == (3, 3)
    versions = connect("eu-west-1").describe_launch_template_versions(LaunchTemplateId=template_id, Versions=["2"])
    assert versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]["MetadataOptions"] == {"HttpTokens": "required"}
    templates.delete(template_id)
    assert templates.read(template_id, wanted)[0] == ""
    templates.delete(template_id)


def test_a_launch_configuration_is_replaced_by_every_change(plugin: Plugin) -> None:
    configurations = plugin.of("aws:ec2/launchConfiguration:LaunchConfiguration")
    inputs = {"name": "web", "imageId": "ami-12345678", "instanceType": "t3.micro"}
    name, state = configurations.create({**inputs, "metadataOptions": {"httpTokens": "required"}})
    assert name == "web"
    assert configurations.diff(state, {**inputs, "imageId": "ami-87654321"}) == {"imageId": "UPDATE_REPLACE"}
    configurations.delete(name)
    assert configurations.read(name, inputs)[0] == ""


def test_a_group_launches_by_its_template_and_is_changed_in_place(plugin: Plugin, cloud: LocalCloud) -> None:
    template_id, _ = plugin.of(TEMPLATE).create({"name": "web", "imageId": "ami-12345678", "instanceType": "t3.micro"})
    groups = plugin.of("aws:autoscaling/group:Group")
    inputs = {
        "name": "web",
        "availabilityZones": ["eu-west-1a"],
        "minSize": 0,
        "maxSize": 2,
        "launchTemplate": {"id": template_id, "version": "$Latest"},
    }
    name, state = groups.create(inputs)
    assert groups.diff(state, {**inputs, "desiredCapacity": 1}) == {"desiredCapacity": "UPDATE"}
    groups.update(name, state, {**inputs, "desiredCapacity": 1})
    assert [view["state"] for view in cloud.instances()] == ["running"]
    groups.delete(name)
    assert groups.read(name, inputs)[0] == ""


def test_a_spot_request_gets_an_instance_whose_options_it_does_not_decide(plugin: Plugin, cloud: LocalCloud) -> None:
    requests = plugin.of("aws:ec2/spotInstanceRequest:SpotInstanceRequest")
    request_id, state = requests.create({**INPUTS, "metadataOptions": {"httpTokens": "required"}})
    assert cloud.instance(state["spotInstanceId"])["options"]["HttpTokens"] == "optional"
    requests.delete(request_id)
    assert cloud.instance(state["spotInstanceId"])["state"] == "terminated"
