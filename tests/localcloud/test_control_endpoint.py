"""The control endpoint: settings, seeds, out-of-band changes and wiping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from localcloud.client import LocalCloud, LocalCloudError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

    from .conftest import Connect

WEB = "i-0123456789abcdef0"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pendign": 1}, "unknown setting 'pendign'"),
        ({"pending": "soon"}, "pending must be a number of seconds"),
        ({"pending": -1}, "pending must be 0 or more seconds"),
        ({"pending": float("nan")}, "pending must be 0 or more seconds"),
        ({"stopped_state": "off"}, "stopped_state must be one of pending, applied"),
        ({"throttle": {"A": 5}}, "a bucket is a capacity and a rate"),
        ({"latency": [1]}, "latency must be a mapping"),
        ({"unknown_options": {"*": ["Tokens"]}}, "unknown_options: expected a list of HttpTokens"),
        ({"clock_skew": "late"}, "clock_skew must be a number of seconds"),
        ({"clock_skew": "inf"}, "clock_skew must be a number of seconds"),
        ({"denied": ["DescribeInstances"]}, "denied: expected a list of IAM actions such as ec2:DescribeInstances"),
    ],
)
def test_a_bad_setting_is_rejected_by_name_and_changes_nothing(
    changes: dict[str, object], message: str, cloud: LocalCloud
) -> None:
    before = cloud.settings()
    with pytest.raises(LocalCloudError, match=message):
        cloud.settings(**changes)
    assert cloud.settings() == before


def test_a_seed_keeps_its_id_and_attributes(cloud: LocalCloud, connect: Connect) -> None:
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
    ("seed", "message"),
    [
        ({"id": WEB}, f"{WEB} already exists"),
        ({"id": "web"}, "a seed must be a mapping with a valid instance ID"),
        ({"name": "web"}, "a seed must be a mapping with a valid instance ID"),
        ({"id": "i-12345678", "state": "up"}, "i-12345678: state must be one of"),
        ({"id": "i-12345678", "options": {"Tokens": "required"}}, "i-12345678: unknown option 'Tokens'"),
        ({"id": "i-12345678", "nmae": "web"}, "i-12345678: unknown field 'nmae'"),
        ({"id": "i-12345678", "monitoring": "fine"}, "i-12345678: monitoring must be basic or detailed, not 'fine'"),
        ({"id": "i-12345678", "status": "ill"}, "i-12345678: status must be ok or impaired, not 'ill'"),
        ({"id": "i-12345678", "launched_days_ago": -1}, "i-12345678: launched_days_ago must be a number of 0 or more"),
        ({"id": "i-12345678", "workload": {"calls": 1}}, "i-12345678: unknown workload field 'calls'"),
        (
            {"id": "i-12345678", "workload": {"legacy_calls_per_minute": -1}},
            "i-12345678: legacy_calls_per_minute must be a number of 0 or more",
        ),
        (
            {"id": "i-12345678", "workload": {"legacy_until_days_ago": "long"}},
            "i-12345678: legacy_until_days_ago must be a number of 0 or more",
        ),
        ({"id": "i-12345678", "workload": {"unknown": 1}}, "i-12345678: unknown must be true or false"),
    ],
)
def test_a_bad_seed_is_rejected_and_adds_nothing(seed: dict[str, object], message: str, cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB}])
    with pytest.raises(LocalCloudError, match=f"^{message}"):
        cloud.seed([seed])  # type: ignore[list-item]  # deliberately wrong
    assert [view["id"] for view in cloud.instances()] == [WEB]


def test_an_instance_can_be_changed_out_of_band(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.seed([{"id": WEB}])
    view = cloud.change(WEB, {"options": {"HttpTokens": "required"}, "tags": {"Team": "web"}})
    assert view["options"].get("HttpTokens") == "required"
    assert (view["metadata_state"], view["tags"]) == ("applied", {"Team": "web"})
    assert cloud.change(WEB, {"metadata_state": "pending"})["metadata_state"] == "pending"
    assert cloud.counts() == {}
    [reservation] = ec2.describe_instances()["Reservations"]
    assert reservation["Instances"][0]["MetadataOptions"]["HttpTokens"] == "required"


def test_pending_options_of_a_stopped_seed_wait_for_its_next_start(cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB, "state": "stopped", "metadata_state": "pending"}])
    cloud.advance(100_000)
    assert cloud.instance(WEB)["metadata_state"] == "pending"
    assert cloud.start_instance(WEB)["metadata_state"] == "applied"


def test_a_bad_change_is_rejected_and_names_the_instance(cloud: LocalCloud) -> None:
    cloud.seed([{"id": WEB}])
    with pytest.raises(LocalCloudError, match=f"^{WEB}: status must be ok or impaired, not 'ill'"):
        cloud.change(WEB, {"status": "ill"})


def test_instances_can_be_stopped_started_and_terminated_and_can_vanish(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.seed([{"id": WEB}])
    assert cloud.stop(WEB)["state"] == "stopped"
    assert cloud.start_instance(WEB)["state"] == "running"
    assert cloud.terminate(WEB)["state"] == "terminated"
    cloud.vanish(WEB)
    assert cloud.instances() == []
    with pytest.raises(LocalCloudError, match=f"instance {WEB} does not exist"):
        cloud.instance(WEB)
    assert ec2.describe_instances()["Reservations"] == []


def test_wiping_returns_to_the_initial_state_and_sequence_of_ids(ec2: EC2Client, cloud: LocalCloud) -> None:
    first = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.modify_instance_metadata_defaults(HttpTokens="required")
    cloud.settings(pending=5)
    cloud.wipe()
    assert (cloud.instances(), cloud.counts(), cloud.settings()["pending"]) == ([], {}, 0)
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
    again = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert again == first
