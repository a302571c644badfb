from __future__ import annotations

from datetime import datetime, timedelta, timezone

from imds_provider.inventory import FILTER_NAMES, METADATA_OPTIONS_PREFIX, from_ec2

WEB = "i-0123456789abcdef0"
INSTANCE: dict[str, object] = {
    "InstanceId": WEB,
    "State": {"Code": 16, "Name": "running"},
    "Placement": {"AvailabilityZone": "eu-west-1a", "Tenancy": "default"},
    "SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-2", "GroupName": "ops"}],
    "Tags": [{"Key": "Name", "Value": "web 1"}, {"Key": "Empty", "Value": ""}],
    "LaunchTime": datetime(2026, 1, 2, 4, 4, 5, 678_000, tzinfo=timezone(timedelta(hours=1))),
    "EbsOptimized": False,
    "Platform": "Windows",
    "MetadataOptions": {"State": "applied", "HttpTokens": "optional", "HttpPutResponseHopLimit": 1},
}
RESERVATION = {"OwnerId": "123456789012", "ReservationId": "r-1"}


def test_an_answer_becomes_an_observation() -> None:
    found = from_ec2(INSTANCE, RESERVATION, "eu-west-1")
    seen = found.observation
    assert found.region == "eu-west-1"
    assert (seen.instance_id, seen.instance_state, seen.state, seen.owner_id) == (
        WEB,
        "running",
        "applied",
        "123456789012",
    )
    assert seen.options == {"httpTokens": "optional", "httpPutResponseHopLimit": 1}


def test_an_answer_becomes_what_filters_look_at() -> None:
    assert from_ec2(INSTANCE, RESERVATION, "eu-west-1").attributes == {
        "availability-zone": ("eu-west-1a",),
        "ebs-optimized": ("false",),
        "instance-id": (WEB,),
        "instance-state-code": ("16",),
        "instance-state-name": ("running",),
        "instance.group-id": ("sg-1", "sg-2"),
        "instance.group-name": ("web", "ops"),
        "launch-time": ("2026-01-02T03:04:05.678Z",),
        "platform": ("windows",),
        "tag-key": ("Name", "Empty"),
        "tag:Empty": ("",),
        "tag:Name": ("web 1",),
        "tenancy": ("default",),
        "owner-id": ("123456789012",),
        "reservation-id": ("r-1",),
    }


def test_an_answer_without_anything_is_no_error() -> None:
    assert from_ec2({}, {}, "eu-west-1").attributes == {}


def test_the_options_are_no_filter() -> None:
    assert not [name for name in FILTER_NAMES if name.startswith(METADATA_OPTIONS_PREFIX)]
