"""Faults: which calls they affect and what they do."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError

from localcloud.client import LocalCloud, LocalCloudError
from localcloud.faults import Effect, Fault

from .conftest import WITHOUT_RETRIES

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ec2 import EC2Client

    from .conftest import Connect

MODIFY = "ModifyInstanceMetadataOptions"
DESCRIBE = "DescribeInstances"
WEB = "i-0123456789abcdef0"
DB = "i-0123456789abcdef1"


@pytest.fixture
def cloud(cloud: LocalCloud) -> LocalCloud:
    cloud.seed([{"id": WEB}, {"id": DB}])
    return cloud


def require_tokens(ec2: EC2Client, instance_id: str = WEB) -> None:
    ec2.modify_instance_metadata_options(InstanceId=instance_id, HttpTokens="required")


def poll(ec2: EC2Client, *instance_ids: str) -> dict[str, tuple[str, str]]:
    """State and HttpTokens by instance, described with a filter on IDs."""
    answer = ec2.describe_instances(Filters=[{"Name": "instance-id", "Values": list(instance_ids or (WEB,))}])
    instances = [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
    return {
        each["InstanceId"]: (each["MetadataOptions"]["State"], each["MetadataOptions"]["HttpTokens"])
        for each in instances
    }


def tokens(cloud: LocalCloud, instance_id: str = WEB) -> str:
    return cloud.instance(instance_id)["options"].get("HttpTokens", "")


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("RequestLimitExceeded", 503, "Request limit exceeded."),
        ("InternalError", 500, "An internal error has occurred"),
        ("Unavailable", 503, "The service is unavailable. Please try again shortly."),
        ("ExpiredToken", 400, "The security token included in the request is expired"),
        ("RequestExpired", 400, "Request has expired."),
        ("InvalidInstanceID.NotFound", 400, "InvalidInstanceID.NotFound"),
    ],
)
def test_an_error_before_the_action_has_awss_wording_and_changes_nothing(
    code: str, status: int, message: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.set_faults(Fault("error", MODIFY, code=code))
    with pytest.raises(ClientError) as caught:
        require_tokens(ec2)
    answer = caught.value.response
    assert answer["Error"] == {"Code": code, "Message": message}
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert tokens(cloud) == "optional"
    require_tokens(ec2)
    assert tokens(cloud) == "required"


def test_an_error_after_the_action_keeps_the_change(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", MODIFY, after=True, code="InternalError", message="canary"))
    with pytest.raises(ClientError, match=r"InternalError.*canary"):
        require_tokens(ec2)
    assert tokens(cloud) == "required"


def test_an_error_can_have_another_status(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", MODIFY, code="Throttling", status=429))
    with pytest.raises(ClientError) as caught:
        require_tokens(ec2)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_an_error_of_sts_can_be_parsed_by_its_client(cloud: LocalCloud) -> None:
    cloud.set_faults(Fault("error", "GetCallerIdentity", code="ExpiredToken"))
    sts = boto3.client("sts", **cloud.connection())
    with pytest.raises(ClientError, match="ExpiredToken"):
        sts.get_caller_identity()
    sts.close()


def test_an_unauthorized_call_can_have_an_encoded_message(cloud: LocalCloud, ec2: EC2Client) -> None:
    for encoded, dry_run in product((False, True), (False, True)):
        cloud.clear_faults()
        cloud.set_faults(Fault("error", MODIFY, code="UnauthorizedOperation", encoded=encoded))
        with pytest.raises(ClientError) as caught:
            ec2.modify_instance_metadata_options(InstanceId=WEB, HttpTokens="required", DryRun=dry_run)
        error = caught.value.response["Error"]
        assert error["Code"] == "UnauthorizedOperation"
        assert f"is not authorized to perform: ec2:{MODIFY}" in error["Message"]
        assert ("Encoded authorization failure message: " in error["Message"]) is encoded
    assert tokens(cloud) == "optional"


@pytest.mark.parametrize(
    ("reason", "explanation"),
    [
        (None, f"because no identity-based policy allows the ec2:{MODIFY} action"),
        ("with an explicit deny in a session policy", "with an explicit deny in a session policy"),
    ],
)
def test_an_unauthorized_call_names_the_caller_action_instance_and_reason(
    reason: str | None, explanation: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.set_faults(Fault("error", MODIFY, code="UnauthorizedOperation", reason=reason))
    with pytest.raises(ClientError) as caught:
        require_tokens(ec2)
    user, region = "arn:aws:sts::123456789012:assumed-role/deployer/session", ec2.meta.region_name
    assert caught.value.response["Error"]["Message"] == (
        f"You are not authorized to perform this operation. User: {user} is not authorized to perform: ec2:{MODIFY} on "
        f"resource: arn:aws:ec2:{region}:123456789012:instance/{WEB} {explanation}"
    )


def test_an_unauthorized_describe_names_no_instance(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", DESCRIBE, code="UnauthorizedOperation"))
    with pytest.raises(ClientError) as caught:
        poll(ec2, WEB)
    assert "on resource" not in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(("when", "expected"), [("before", "optional"), ("after", "required")])
def test_a_dropped_connection_gives_no_answer(when: str, expected: str, cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("drop", MODIFY, after=when == "after"))
    with pytest.raises(ConnectionClosedError):
        require_tokens(ec2)
    assert tokens(cloud) == expected
    assert [call["code"] for call in cloud.log(MODIFY)] == ["ConnectionLost"]


def test_a_truncated_answer_ends_in_the_middle_of_the_body(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("truncate", MODIFY))
    # botocore does not check Content-Length, and parses half of an XML document.
    with pytest.raises(ResponseParserError, match="invalid XML"):
        require_tokens(ec2)
    assert tokens(cloud) == "required"
    assert [call["code"] for call in cloud.log()] == ["Truncated"]


@pytest.mark.parametrize(
    ("service", "method"),
    [
        ("autoscaling", "describe_auto_scaling_groups"),
        ("autoscaling", "describe_launch_configurations"),
        ("ec2", "describe_launch_templates"),
        ("ec2", "describe_images"),
        ("ec2", "get_instance_metadata_defaults"),
    ],
)
def test_every_answer_can_be_lost_or_cut_off(service: str, method: str, cloud: LocalCloud) -> None:
    client: Any = boto3.client(service, **cloud.connection(), config=WITHOUT_RETRIES)  # type: ignore[call-overload]
    cloud.set_faults(Fault("drop"), Fault("truncate", nth=2))
    with pytest.raises(ConnectionClosedError):
        getattr(client, method)()
    with pytest.raises(ResponseParserError):
        getattr(client, method)()
    getattr(client, method)()
    assert [call["code"] for call in cloud.log()] == ["ConnectionLost", "Truncated", "OK"]
    client.close()


def test_a_json_answer_that_is_cut_off_arrives_without_its_members(
    cloud: LocalCloud, cloudwatch: CloudWatchClient
) -> None:
    cloud.set_faults(Fault("truncate", "DescribeAlarms"))
    # botocore takes a document that it cannot parse for a message.
    assert "MetricAlarms" not in cloudwatch.describe_alarms()
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


@pytest.mark.parametrize(("when", "expected"), [("before", "optional"), ("after", "required")])
def test_a_delay_can_exceed_a_read_timeout(when: str, expected: str, cloud: LocalCloud, connect: Connect) -> None:
    cloud.set_faults(Fault("delay", MODIFY, after=when == "after", seconds=60))
    client = connect(config=Config(retries={"total_max_attempts": 1}, read_timeout=0.5))
    with pytest.raises(ReadTimeoutError):
        require_tokens(client)
    assert tokens(cloud) == expected


def test_a_stale_describe_shows_old_options_as_applied(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=600)
    cloud.set_faults(Fault("stale", DESCRIBE, seconds=60, times=2))
    require_tokens(ec2)
    assert poll(ec2) == poll(ec2) == {WEB: ("applied", "optional")}
    assert poll(ec2) == {WEB: ("pending", "required")}


def test_a_describe_can_be_stale_for_one_instance_only(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("stale", DESCRIBE, instance=WEB, seconds=60))
    require_tokens(ec2, WEB)
    require_tokens(ec2, DB)
    assert poll(ec2, WEB, DB) == {WEB: ("applied", "optional"), DB: ("applied", "required")}


def test_a_stuck_change_stays_pending_until_the_next_start(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("stuck", MODIFY))
    require_tokens(ec2)
    cloud.advance(1_000_000)
    assert poll(ec2) == {WEB: ("pending", "required")}
    cloud.stop(WEB)
    cloud.start_instance(WEB)
    assert poll(ec2) == {WEB: ("applied", "required")}


@pytest.mark.parametrize(("effect", "state"), [("stop", "stopped"), ("terminate", "terminated")])
def test_an_instance_can_stop_or_terminate_while_it_is_polled(
    effect: Effect, state: str, cloud: LocalCloud, ec2: EC2Client
) -> None:
    cloud.settings(pending=600)
    cloud.set_faults(Fault(effect, DESCRIBE, instance=WEB, nth=2))
    require_tokens(ec2)
    poll(ec2)
    assert cloud.instance(WEB)["state"] == "running"
    assert poll(ec2) == {WEB: ("pending", "required")}
    assert cloud.instance(WEB)["state"] == state
    cloud.advance(600)
    assert cloud.instance(WEB)["metadata_state"] == "pending"


def test_someone_else_can_start_a_stopped_instance(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.stop(WEB)
    cloud.set_faults(Fault("start", DESCRIBE, instance=WEB))
    poll(ec2)
    assert cloud.instance(WEB)["state"] == "running"


def test_an_instance_can_vanish(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("vanish", DESCRIBE, instance=WEB))
    assert poll(ec2, WEB, DB) == {DB: ("applied", "optional")}


def test_someone_else_can_change_an_instance(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("change", DESCRIBE, after=True, target=DB, options={"HttpTokens": "required"}))
    assert poll(ec2, WEB, DB) == {WEB: ("applied", "optional"), DB: ("applied", "optional")}
    assert tokens(cloud, DB) == "required"
    assert tokens(cloud, WEB) == "optional"


def test_without_a_target_every_instance_in_the_call_is_affected(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("stop", DESCRIBE))
    poll(ec2, WEB, DB)
    assert [view["state"] for view in cloud.instances()] == ["stopped", "stopped"]


def test_a_fault_affects_a_number_of_calls_from_the_nth_on(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", DESCRIBE, nth=2, times=2, code="RequestLimitExceeded"))
    outcomes = []
    for _ in range(5):
        try:
            outcomes.append(poll(ec2) and "OK")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    assert outcomes == ["OK", "RequestLimitExceeded", "RequestLimitExceeded", "OK", "OK"]
    assert cloud.counts()[DESCRIBE] == {"calls": 5, "throttled": 2, "errors": 0}


def test_a_fault_can_be_limited_to_one_instance(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", MODIFY, instance=WEB, times=None))
    require_tokens(ec2, DB)
    for _ in range(2):
        with pytest.raises(ClientError, match="InternalError"):
            require_tokens(ec2, WEB)
    require_tokens(ec2, DB)


def test_by_default_a_fault_affects_every_action(cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.set_faults(Fault("error", code="AuthFailure", times=None))
    for call in (require_tokens, poll, lambda client: client.describe_vpcs()):
        with pytest.raises(ClientError, match="AuthFailure"):
            call(ec2)


def test_faults_are_listed_with_match_counts_and_can_be_cleared(cloud: LocalCloud, ec2: EC2Client) -> None:
    fault = Fault("stale", DESCRIBE, nth=3, seconds=1.5, options={})
    cloud.set_faults(fault)
    poll(ec2)
    poll(ec2)
    [listed] = cloud.faults()
    assert listed["matched"] == 2
    assert Fault.from_json({name: value for name, value in listed.items() if name != "matched"}) == fault
    cloud.clear_faults()
    assert cloud.faults() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"effect": "explode"}, "effect must be one of error, drop"),
        ({"effect": "drop", "nth": 0}, "nth and times must be 1 or more"),
        ({"effect": "drop", "times": 0}, "nth and times must be 1 or more"),
        ({"effect": "drop", "acton": "*"}, "unknown field of a fault 'acton'"),
        ({"effect": "change", "options": {"Tokens": "required"}}, "unknown option 'Tokens'"),
    ],
)
def test_a_bad_fault_is_rejected_and_not_set(values: dict[str, object], message: str, cloud: LocalCloud) -> None:
    with pytest.raises(LocalCloudError, match=message):
        cloud.send("POST", "faults", [values])
    assert cloud.faults() == []


def test_a_fault_can_be_of_one_region_or_account(cloud: LocalCloud, ec2: EC2Client, connect: Connect) -> None:
    far = connect("eu-west-1")
    elsewhere = Fault("error", DESCRIBE, region="eu-west-1", times=None)
    cloud.set_faults(elsewhere, Fault("error", DESCRIBE, account="210987654321", times=None))
    assert set(poll(ec2)) == {WEB}
    with pytest.raises(ClientError, match="InternalError"):
        poll(far)
    assert [each["matched"] for each in cloud.faults()] == [1, 0]
