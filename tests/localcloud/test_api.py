"""The server as a whole: what it describes, who may call, how it shares its time, and what it tells of itself."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.http.server import Server
from localcloud.settings import EC2_BUCKETS, Settings, latency_from_text, throttle_from_text

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    from .conftest import Connect

WEB = "i-0123456789abcdef0"
ROOT = Path(__file__).parent.parent.parent
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/ec2/aws4_request, Signature=",
    "Content-Type": "application/x-www-form-urlencoded",
}


def asked(cloud: LocalCloud, form: str) -> bytes:
    """The body of the answer to a plain request."""
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc)
    connection.request("POST", "/", form, SIGNED)
    answer = connection.getresponse()
    assert answer.status == 200
    body = answer.read()
    connection.close()
    return body


def require_tokens(ec2: EC2Client, instance_id: str = WEB) -> None:
    ec2.modify_instance_metadata_options(InstanceId=instance_id, HttpTokens="required")


def test_a_description_has_all_that_moto_says_about_an_instance(cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB, "name": "a <b>"}, {"id": "i-12345678", "state": "stopped"}])
    moto = Client(DomainDispatcherApplication(create_backend_app))
    theirs = moto.post("/", data={"Action": "DescribeInstances"}, headers=SIGNED).data
    ours = leaves(asked(cloud, "Action=DescribeInstances"))
    different = {path.rpartition("/")[2] for path, text in leaves(theirs).items() if text != ours.get(path)}
    # Each request has its own id; moto says None for a missing kernel and an empty association for no address.
    assert different == {"requestId", "kernelId", "association"}


def leaves(body: bytes) -> dict[str, str]:
    """The texts of an XML document by their paths, items by their number."""
    found: dict[str, str] = {}

    def walk(element: ET.Element, path: str) -> None:
        for number, child in enumerate(element):
            name = child.tag.partition("}")[2]
            place = f"{path}/{number if name == 'item' else name}"
            if len(child):
                walk(child, place)
            else:
                found[place] = child.text or ""

    walk(ET.fromstring(body), "")  # noqa: S314  # it is this server's own
    return found


def test_sts_tells_the_account_and_other_services_are_motos(cloud: LocalCloud, ec2: EC2Client) -> None:
    sts = boto3.client("sts", **cloud.connection())
    assert sts.get_caller_identity()["Account"] == "123456789012"
    iam = boto3.client("iam", **cloud.connection())
    profile = iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]["Arn"]
    [instance] = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": "web"})[
        "Instances"
    ]
    [reservation] = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"]
    assert reservation["Instances"][0]["IamInstanceProfile"]["Arn"] == profile
    sts.close()
    iam.close()


def test_what_moto_cannot_do_is_said_in_an_answer(ec2: EC2Client) -> None:
    with pytest.raises(ClientError, match=r"InternalError.*moto cannot answer DescribeFastLaunchImages"):
        ec2.describe_fast_launch_images()


def test_modifies_are_throttled_per_account_and_region(cloud: LocalCloud, connect: Connect) -> None:
    cloud.settings(throttle={"ModifyInstanceMetadataOptions": [2, 0.01]})
    cloud.seed([{"id": WEB}, {"id": "i-12345678", "region": "eu-west-1"}])
    ec2 = connect()
    require_tokens(ec2)
    require_tokens(ec2)
    with pytest.raises(ClientError, match="RequestLimitExceeded") as caught:
        require_tokens(ec2)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    require_tokens(connect("eu-west-1"), "i-12345678")
    ec2.describe_instances()
    assert cloud.counts()["ModifyInstanceMetadataOptions"] == {"calls": 4, "throttled": 1, "errors": 0}
    cloud.advance(100)
    require_tokens(ec2)


def test_unfiltered_describes_have_a_bucket_of_their_own(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(throttle={"DescribeInstances": [1, 0], "DescribeInstances:unfiltered": [1, 0]})
    cloud.seed([{"id": WEB}])
    ec2.describe_instances()
    ec2.describe_instances(MaxResults=5)
    for given in ({}, {"InstanceIds": [WEB]}, {"Filters": [{"Name": "instance-id", "Values": [WEB]}]}):
        with pytest.raises(ClientError, match="RequestLimitExceeded"):
            ec2.describe_instances(**given)


def test_throttling_can_be_switched_on_with_ec2s_sizes_and_off(cloud: LocalCloud) -> None:
    assert cloud.settings(throttle=True)["throttle"] == {name: list(sizes) for name, sizes in EC2_BUCKETS.items()}
    assert cloud.settings(throttle=False)["throttle"] == {}


def test_latency_does_not_make_calls_wait_for_each_other(cloud: LocalCloud, connect: Connect) -> None:
    cloud.settings(latency={"DescribeInstances": 0.5})
    clients = [connect() for _ in range(8)]
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda client: client.describe_instances(), clients))
    assert 0.5 <= time.monotonic() - started < 8 * 0.5
    assert all(call["seconds"] >= 0.5 for call in cloud.log())


def test_latency_and_throttle_are_read_from_text() -> None:
    assert latency_from_text("0.1") == {"*": 0.1}
    assert latency_from_text("A=0.12,*=0.01") == {"A": 0.12, "*": 0.01}
    assert throttle_from_text("on") == EC2_BUCKETS
    assert throttle_from_text("off") == {}
    assert throttle_from_text("A=100+5,B=1+0.5") == {"A": (100, 5), "B": (1, 0.5)}
    assert Settings(latency={"A": 1, "*": 2}).latency_of("A") == 1
    assert Settings(latency={"A": 1, "*": 2}).latency_of("B") == 2


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pendign": 1}, "unknown setting 'pendign'"),
        ({"pending": "soon"}, "pending must be a number of seconds"),
        ({"pending": -1}, "pending must be 0 or more seconds"),
        ({"pending": float("nan")}, "pending must be 0 or more seconds"),
        ({"stopped_state": "off"}, "stopped_state must be one of pending, applied"),
        ({"throttle": {"A": 5}}, "a bucket is a capacity and a rate"),
        ({"latency": [1]}, "latency must be a mapping"),
        ({"unknown_options": {"*": ["Tokens"]}}, "unknown_options: expected a list of HttpTokens"),
    ],
)
def test_a_bad_setting_is_refused_by_name(changes: dict[str, object], says: str, cloud: LocalCloud) -> None:
    before = cloud.settings()
    with pytest.raises(LocalCloudError, match=says):
        cloud.settings(**changes)
    assert cloud.settings() == before


def test_calls_are_counted_and_logged(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    require_tokens(ec2)
    ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": [WEB]}])
    with pytest.raises(ClientError):
        ec2.describe_instances(InstanceIds=["i-12345678"])
    assert cloud.counts() == {
        "DescribeInstances": {"calls": 2, "throttled": 0, "errors": 1},
        "ModifyInstanceMetadataOptions": {"calls": 1, "throttled": 0, "errors": 0},
    }
    assert cloud.calls("ModifyInstanceMetadataOptions") == 1
    assert cloud.calls("StopInstances") == 0
    assert [(call["action"], call["instance_ids"], call["code"]) for call in cloud.log()] == [
        ("ModifyInstanceMetadataOptions", [WEB], "OK"),
        ("DescribeInstances", [WEB], "OK"),
        ("DescribeInstances", ["i-12345678"], "InvalidInstanceID.NotFound"),
    ]
    [modify] = cloud.log("ModifyInstanceMetadataOptions")
    assert modify["params"] == {"InstanceId": WEB, "HttpTokens": "required"}
    assert abs(modify["time"] - time.time()) < 60
    cloud.reset()
    assert (cloud.counts(), cloud.log()) == ({}, [])
    assert cloud.instance(WEB)["options"].get("HttpTokens") == "required"


def test_no_credential_reaches_the_log(cloud: LocalCloud) -> None:
    secret = "c4n4ry"  # a canary
    session = boto3.Session(f"AKIA{secret}", secret, secret, "us-east-1")
    ec2 = session.client("ec2", endpoint_url=cloud.url)
    ec2.describe_instances()
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData=secret)
    sts = session.client("sts", endpoint_url=cloud.url)
    sts.assume_role_with_web_identity(
        RoleArn="arn:aws:iam::123456789012:role/web", RoleSessionName="session", WebIdentityToken=secret
    )
    form = f"Action=DescribeInstances&X-Amz-Signature={secret}&AWSAccessKeyId={secret}&Signature={secret}"
    asked(cloud, form)
    assert len(cloud.log()) == 4
    assert secret not in repr(cloud.log())
    ec2.close()
    sts.close()


def test_a_seed_keeps_its_id_and_all_that_is_said_of_it(cloud: LocalCloud, connect: Connect) -> None:
    [view] = cloud.seed(
        [
            {
                "id": WEB,
                "region": "eu-west-1",
                "name": "web",
                "state": "stopped",
                "tags": {"Team": "web"},
                "options": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
                "metadata_state": "pending",
                "pending": 5.0,
                "image": "ami-12345678",
                "instance_type": "m7g.large",
            }
        ]
    )
    assert view == cloud.instance(WEB) == cloud.instances()[0]
    assert view == {
        "id": WEB,
        "region": "eu-west-1",
        "account": "123456789012",
        "state": "stopped",
        "options": {
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 2,
            "HttpEndpoint": "enabled",
            "HttpProtocolIpv6": "disabled",
            "InstanceMetadataTags": "disabled",
        },
        "metadata_state": "pending",
        "tags": {"Name": "web", "Team": "web"},
        "pending": 5.0,
    }
    [reservation] = connect("eu-west-1").describe_instances(InstanceIds=[WEB])["Reservations"]
    [instance] = reservation["Instances"]
    assert (instance["ImageId"], instance["InstanceType"], instance["State"]) == (
        "ami-12345678",
        "m7g.large",
        {"Code": 80, "Name": "stopped"},
    )
    assert connect("us-east-1").describe_instances()["Reservations"] == []


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        ({"id": WEB}, "there is such an instance already"),
        ({"id": "web"}, "a seed is a mapping with the id of an instance"),
        ({"id": "i-12345678", "state": "up"}, "state must be one of"),
        ({"id": "i-12345678", "options": {"Tokens": "required"}}, "EC2 has no option 'Tokens'"),
        ({"id": "i-12345678", "nmae": "web"}, "unknown field 'nmae'"),
        ({"name": "web"}, "a seed is a mapping with the id of an instance"),
    ],
)
def test_a_bad_seed_is_refused_and_leaves_nothing(seed: dict[str, object], says: str, cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB}])
    with pytest.raises(LocalCloudError, match=says):
        cloud.seed([seed])  # type: ignore[list-item]  # that is what is tried
    assert [view["id"] for view in cloud.instances()] == [WEB]


def test_an_instance_can_be_changed_behind_ones_back(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB}])
    view = cloud.change(WEB, {"options": {"HttpTokens": "required"}, "tags": {"Team": "web"}})
    assert view["options"].get("HttpTokens") == "required"
    assert (view["metadata_state"], view["tags"]) == ("applied", {"Team": "web"})
    assert cloud.change(WEB, {"metadata_state": "pending"})["metadata_state"] == "pending"
    assert cloud.counts() == {}
    [reservation] = ec2.describe_instances()["Reservations"]
    assert reservation["Instances"][0]["MetadataOptions"]["HttpTokens"] == "required"


def test_instances_can_be_stopped_started_terminated_and_vanish(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    assert cloud.stop(WEB)["state"] == "stopped"
    assert cloud.start_instance(WEB)["state"] == "running"
    assert cloud.terminate(WEB)["state"] == "terminated"
    cloud.vanish(WEB)
    assert cloud.instances() == []
    with pytest.raises(LocalCloudError, match=f"there is no instance {WEB}"):
        cloud.instance(WEB)
    assert ec2.describe_instances()["Reservations"] == []


def test_wiped_it_is_as_just_started(ec2: EC2Client, cloud: LocalCloud) -> None:
    first = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.modify_instance_metadata_defaults(HttpTokens="required")
    cloud.settings(pending=5)
    cloud.wipe()
    assert (cloud.instances(), cloud.counts(), cloud.settings()["pending"]) == ([], {}, 0)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {}
    again = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert again == first


def test_nothing_is_left_for_the_next_server_of_the_process() -> None:
    with LocalCloud.in_process(seed=[{"id": WEB}]) as cloud:
        assert len(cloud.instances()) == 1
        with pytest.raises(RuntimeError, match="runs in this process already"):
            Server().start()
    with LocalCloud.in_process() as cloud:
        assert cloud.instances() == []


def test_stopping_does_not_wait_for_calls_under_way() -> None:
    started = time.monotonic()
    with LocalCloud.in_process(Settings(latency={"*": 120})) as cloud:
        call = http.client.HTTPConnection(urlsplit(cloud.url).netloc)
        call.request("GET", "/")
    with pytest.raises(ConnectionError):
        call.getresponse()
    call.close()
    assert time.monotonic() - started < 60


def test_it_runs_as_a_program_of_its_own_and_ends_with_its_starter() -> None:
    with LocalCloud.start("--pending", "7", "--throttle", "--latency", "0.001", seed=[{"id": WEB}]) as cloud:
        assert cloud.url.startswith("http://127.0.0.1:")
        settings = cloud.settings()
        assert (settings["pending"], settings["latency"]) == (7, {"*": 0.001})
        assert settings["throttle"] == {name: list(sizes) for name, sizes in EC2_BUCKETS.items()}
        assert cloud.instance(WEB)["state"] == "running"
    with pytest.raises(ConnectionRefusedError):
        cloud.counts()


def test_a_bad_argument_or_a_taken_port_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "localcloud", "--until-eof", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        return done.returncode, done.stderr

    assert run("--pending", "x") == (1, "localcloud: pending must be a number of seconds, not 'x'\n")
    seeds = tmp_path / "seeds.json"
    seeds.write_text('[{"id": "web"}]')
    code, message = run("--seed", str(seeds))
    assert (code, message) == (
        1,
        "localcloud: a seed is a mapping with the id of an instance in it, not {'id': 'web'}\n",
    )
    with LocalCloud.in_process() as cloud:
        code, message = run("--port", cloud.url.rpartition(":")[2])
    assert code == 1
    assert "Address already in use" in message
