"""Every call: what moto answers, latency, throttling, counts and the log."""

from __future__ import annotations

import http.client
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    from localcloud.client import LocalCloud

    from .conftest import Connect

WEB = "i-0123456789abcdef0"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/ec2/aws4_request, Signature=",
    "Content-Type": "application/x-www-form-urlencoded",
}


def post(cloud: LocalCloud, form: str) -> bytes:
    """The body of the answer to a request made without boto3."""
    connection = http.client.HTTPConnection(urlsplit(cloud.url).netloc)
    connection.request("POST", "/", form, SIGNED)
    answer = connection.getresponse()
    assert answer.status == 200
    body = answer.read()
    connection.close()
    return body


def require_tokens(ec2: EC2Client, instance_id: str = WEB) -> None:
    ec2.modify_instance_metadata_options(InstanceId=instance_id, HttpTokens="required")


def leaves(body: bytes) -> dict[str, str]:
    """The text of an XML document's elements by path, with list items numbered."""
    leaves: dict[str, str] = {}

    def walk(element: ET.Element, path: str) -> None:
        for number, child in enumerate(element):
            name = child.tag.partition("}")[2]
            child_path = f"{path}/{number if name == 'item' else name}"
            if len(child):
                walk(child, child_path)
            else:
                leaves[child_path] = child.text or ""

    walk(ET.fromstring(body), "")  # noqa: S314  # written by localcloud or moto
    return leaves


def test_describe_instances_shows_all_that_moto_shows(cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB, "name": "a <b>"}, {"id": "i-12345678", "state": "stopped"}])
    moto = Client(DomainDispatcherApplication(create_backend_app))
    by_moto = leaves(moto.post("/", data={"Action": "DescribeInstances"}, headers=SIGNED).data)
    by_localcloud = leaves(post(cloud, "Action=DescribeInstances"))
    different = {path.rpartition("/")[2] for path, text in by_moto.items() if text != by_localcloud.get(path)}
    # Request IDs differ; moto renders a missing kernel as None and a missing address as an empty association.
    assert different == {"requestId", "kernelId", "association"}


def test_moto_answers_the_other_services_and_shares_their_resources_with_ec2(cloud: LocalCloud, ec2: EC2Client) -> None:
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


def test_an_action_that_moto_does_not_implement_fails_and_names_the_action(ec2: EC2Client) -> None:
    with pytest.raises(ClientError, match=r"InternalError.*moto cannot answer DescribeFastLaunchImages"):
        ec2.describe_fast_launch_images()


def test_a_filter_without_a_name_is_refused(ec2: EC2Client) -> None:
    unnamed: Any = [{"Values": [WEB]}]
    with pytest.raises(ClientError, match="The filter 'null' is invalid"):
        ec2.describe_instances(Filters=unnamed)


def test_modifies_are_throttled_per_region_until_the_bucket_refills(cloud: LocalCloud, connect: Connect) -> None:
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
    for arguments in ({}, {"InstanceIds": [WEB]}, {"Filters": [{"Name": "instance-id", "Values": [WEB]}]}):
        with pytest.raises(ClientError, match="RequestLimitExceeded"):
            ec2.describe_instances(**arguments)


def test_throttling_can_be_switched_on_with_the_sizes_that_ec2_documents_and_off(cloud: LocalCloud) -> None:
    assert cloud.settings(throttle=True)["throttle"] == {
        "ModifyInstanceMetadataOptions": [100, 5],
        "DescribeInstances": [100, 20],
        "DescribeInstances:unfiltered": [50, 10],
        "DescribeInstanceStatus": [100, 20],
        "GetInstanceMetadataDefaults": [2, 2],
        "ModifyInstanceMetadataDefaults": [2, 2],
    }
    assert cloud.settings(throttle=False)["throttle"] == {}


def test_concurrent_calls_do_not_wait_for_each_others_latency(cloud: LocalCloud, connect: Connect) -> None:
    cloud.settings(latency={"DescribeInstances": 0.5})
    clients = [connect() for _ in range(8)]
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda client: client.describe_instances(), clients))
    assert 0.5 <= time.monotonic() - started < 8 * 0.5
    assert all(call["seconds"] >= 0.5 for call in cloud.log())


def test_the_latency_of_an_action_takes_precedence_over_that_of_all_actions(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(latency={"DescribeInstances": 0, "*": 0.5})
    ec2.describe_instances()
    ec2.describe_vpcs()
    listed, other = cloud.log()
    assert listed["seconds"] < 0.5 <= other["seconds"]


def test_calls_are_counted_and_logged_until_a_reset(cloud: LocalCloud, ec2: EC2Client) -> None:
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


def test_the_log_contains_no_credentials(cloud: LocalCloud) -> None:
    secret = "c4n4ry"
    session = boto3.Session(f"AKIA{secret}", secret, secret, "us-east-1")
    ec2 = session.client("ec2", endpoint_url=cloud.url)
    ec2.describe_instances()
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, UserData=secret)
    sts = session.client("sts", endpoint_url=cloud.url)
    sts.assume_role_with_web_identity(
        RoleArn="arn:aws:iam::123456789012:role/web", RoleSessionName="session", WebIdentityToken=secret
    )
    post(cloud, f"Action=DescribeInstances&X-Amz-Signature={secret}&AWSAccessKeyId={secret}&Signature={secret}")
    assert len(cloud.log()) == 4
    assert secret not in repr(cloud.log())
    ec2.close()
    sts.close()
