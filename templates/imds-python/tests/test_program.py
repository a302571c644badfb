"""The program under Pulumi's mocks, with moto in place of AWS: no engine, no credentials, no network."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest
from moto import mock_aws
from pulumi.runtime import mocks

PROGRAM = Path(__file__).parent.parent / "__main__.py"
INSTANCE = "pulumi-python:dynamic/imds:InstanceMetadataOptions"
REGION = "eu-west-1"


class Recorder(mocks.Mocks):
    """Records the type and the inputs of every resource that the program registers, as in a preview."""

    def __init__(self) -> None:
        self.resources: list[tuple[str, dict[str, Any]]] = []

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.resources.append((args.typ, args.inputs))
        return args.resource_id, args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program calls {args.token}")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
    pulumi.runtime.set_all_config({"aws:region": REGION, "fleet:team": "shop"})
    recorder = Recorder()
    mocks.set_mocks(recorder, preview=True)
    with mock_aws():
        yield recorder


def launch(team: str) -> str:
    ec2 = boto3.client("ec2", region_name=REGION)
    launched = ec2.run_instances(
        ImageId="ami-12345678",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Team", "Value": team}]}],
    )
    return launched["Instances"][0]["InstanceId"]


@pulumi.runtime.test  # type: ignore[untyped-decorator]
def run_program() -> None:
    runpy.run_path(str(PROGRAM))


def test_the_instances_of_the_team_will_take_imdsv2_alone_and_no_others(recorder: Recorder) -> None:
    ours, _ = launch("shop"), launch("mail")
    run_program()
    planned = [inputs for kind, inputs in recorder.resources if kind == INSTANCE]
    assert [each["instanceId"] for each in planned] == [ours]
    assert planned[0]["httpTokens"] == "required"
    assert planned[0]["httpPutResponseHopLimit"] == 2
