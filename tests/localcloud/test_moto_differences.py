"""What localcloud fixes in moto: every check below passes on localcloud and fails on plain moto."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from localcloud.client import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceMetadataOptionsResponseTypeDef

from .conftest import WITHOUT_RETRIES

UNKNOWN = ("i-0000000000000000a", "i-0000000000000000b")

Check = Callable[["EC2Client"], None]
CHECKS: dict[str, Check] = {}


def differs(check: Check) -> Check:
    CHECKS[check.__name__] = check
    return check


@pytest.fixture
def plain_moto() -> Iterator[EC2Client]:
    with mock_aws():
        client = boto3.client(
            "ec2",
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=WITHOUT_RETRIES,
        )
        yield client
        client.close()


def launched(ec2: EC2Client, *, count: int = 1, tags: dict[str, str] | None = None, **options: str | int) -> list[str]:
    arguments: dict[str, Any] = {"MetadataOptions": options} if options else {}
    if tags:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        arguments["TagSpecifications"] = [{"ResourceType": "instance", "Tags": pairs}]
    answer = ec2.run_instances(ImageId="ami-12345678", MinCount=count, MaxCount=count, **arguments)
    return [instance["InstanceId"] for instance in answer["Instances"]]


def options_of(ec2: EC2Client, instance_id: str) -> InstanceMetadataOptionsResponseTypeDef:
    [reservation] = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservation["Instances"][0]["MetadataOptions"]


def found(ec2: EC2Client, **filters: list[str]) -> set[str]:
    """IDs of matching instances. Keywords are filter names with `_` for `-` and `__` for `.`."""
    named = [{"Name": name.replace("__", ".").replace("_", "-"), "Values": values} for name, values in filters.items()]
    reservations = ec2.describe_instances(Filters=named)["Reservations"]  # type: ignore[arg-type]  # a plain dict works
    return {instance["InstanceId"] for reservation in reservations for instance in reservation["Instances"]}


def error_of(call: Callable[[], object]) -> tuple[str, str]:
    """Code and message of the error that the call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@differs
def a_partial_modify_keeps_the_other_options(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required", HttpProtocolIpv6="enabled")
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=3)
    assert options_of(ec2, instance) == {
        "State": "pending",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 3,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "enabled",
        "InstanceMetadataTags": "disabled",
    }


@differs
def a_modify_answers_with_all_options_and_pending(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    answer = ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    assert answer["InstanceMetadataOptions"] == {
        "State": "pending",
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 1,
        "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "disabled",
    }


@differs
def a_describe_after_a_modify_shows_pending(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    assert options_of(ec2, instance)["State"] == "pending"


@differs
def a_launch_answers_pending(ec2: EC2Client) -> None:
    answer = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)
    assert answer["Instances"][0]["MetadataOptions"]["State"] == "pending"


@differs
def a_dry_run_of_a_modify_changes_nothing(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    modify = partial(ec2.modify_instance_metadata_options, InstanceId=instance, HttpTokens="required", DryRun=True)
    assert error_of(modify) == ("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    assert options_of(ec2, instance)["HttpTokens"] == "optional"


@differs
def a_modify_refuses_invalid_values_of_every_enum(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    for option in ("HttpTokens", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags"):
        arguments: dict[str, Any] = {option: "on"}
        code, message = error_of(partial(ec2.modify_instance_metadata_options, InstanceId=instance, **arguments))
        assert code == "InvalidParameterValue"
        assert message.startswith(f"Value (on) for parameter {option} is invalid. Expecting one of: ")


@differs
def a_hop_limit_outside_1_to_64_is_refused(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    for hops in (0, 65, -1, 2.5, "two", True):
        arguments: dict[str, Any] = {"HttpPutResponseHopLimit": hops}
        code, message = error_of(partial(ec2.modify_instance_metadata_options, InstanceId=instance, **arguments))
        assert code == "InvalidParameterValue"
        assert "HttpPutResponseHopLimit is invalid. Expecting an integer from 1 to 64." in message
    for hops in (1, 64):
        ec2.modify_instance_metadata_options(InstanceId=instance, HttpPutResponseHopLimit=hops)


@differs
def a_modify_without_options_is_refused(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    code, message = error_of(partial(ec2.modify_instance_metadata_options, InstanceId=instance))
    assert code == "MissingParameter"
    assert "HttpTokens" in message


@differs
def a_modify_without_an_instance_is_refused(ec2: EC2Client) -> None:
    arguments: dict[str, Any] = {"HttpTokens": "required"}
    code, message = error_of(partial(ec2.modify_instance_metadata_options, **arguments))
    assert (code, message) == ("MissingParameter", "The request must contain the parameter InstanceId")


@differs
def a_malformed_id_has_an_error_of_its_own(ec2: EC2Client) -> None:
    for malformed in ("web", "i-123", "i-0123456789ABCDEF0", "vol-0123456789abcdef0", ""):
        expected = ("InvalidInstanceID.Malformed", f'Invalid id: "{malformed}"')
        assert error_of(partial(ec2.describe_instances, InstanceIds=[malformed])) == expected
        modify = partial(ec2.modify_instance_metadata_options, InstanceId=malformed, HttpTokens="required")
        assert error_of(modify) == expected
        assert error_of(partial(ec2.stop_instances, InstanceIds=[malformed])) == expected


@differs
def the_error_for_unknown_instances_names_all_of_them(ec2: EC2Client) -> None:
    [known] = launched(ec2)
    assert error_of(partial(ec2.describe_instances, InstanceIds=[UNKNOWN[0], known, UNKNOWN[1]])) == (
        "InvalidInstanceID.NotFound",
        f"The instance IDs '{UNKNOWN[0]}, {UNKNOWN[1]}' do not exist",
    )


@differs
def a_terminated_instance_cannot_be_modified(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    ec2.terminate_instances(InstanceIds=[instance])
    modify = partial(ec2.modify_instance_metadata_options, InstanceId=instance, HttpTokens="required")
    code, message = error_of(modify)
    assert code == "IncorrectInstanceState"
    assert instance in message


@differs
def a_terminated_instance_cannot_be_started(ec2: EC2Client) -> None:
    [instance] = launched(ec2)
    ec2.terminate_instances(InstanceIds=[instance])
    assert error_of(partial(ec2.start_instances, InstanceIds=[instance]))[0] == "IncorrectInstanceState"


@differs
def options_that_need_the_endpoint_are_refused_while_it_is_disabled(ec2: EC2Client) -> None:
    [instance] = launched(ec2, HttpEndpoint="disabled")
    code, message = error_of(
        partial(ec2.modify_instance_metadata_options, InstanceId=instance, HttpPutResponseHopLimit=2)
    )
    assert code == "InvalidParameterCombination"
    assert message == "The parameter HttpPutResponseHopLimit is not allowed unless HttpEndpoint is enabled."
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpTokens="required")
    ec2.modify_instance_metadata_options(InstanceId=instance, HttpEndpoint="enabled", HttpPutResponseHopLimit=2)


@differs
def tag_keys_that_the_metadata_service_cannot_serve_are_refused(ec2: EC2Client) -> None:
    [instance] = launched(ec2, tags={"cost center": "42"})
    modify = partial(ec2.modify_instance_metadata_options, InstanceId=instance, InstanceMetadataTags="enabled")
    code, message = error_of(modify)
    assert code == "InvalidParameterValue"
    assert message.startswith("'cost center' is not a valid tag key.")
    assert error_of(partial(launched, ec2, tags={"a/b": ""}, InstanceMetadataTags="enabled"))[0] == code
    [other] = launched(ec2, InstanceMetadataTags="enabled")
    tags = partial(ec2.create_tags, Resources=[other], Tags=[{"Key": "_index", "Value": ""}])
    assert error_of(tags)[0] == code


@differs
def bad_launch_options_are_refused(ec2: EC2Client) -> None:
    assert error_of(partial(launched, ec2, HttpTokens="on"))[0] == "InvalidParameterValue"
    assert error_of(partial(launched, ec2, HttpPutResponseHopLimit=65))[0] == "InvalidParameterValue"
    disabled = partial(launched, ec2, HttpEndpoint="disabled", HttpPutResponseHopLimit=2)
    assert error_of(disabled)[0] == "InvalidParameterCombination"


@differs
def a_partial_change_of_account_defaults_keeps_the_others(ec2: EC2Client) -> None:
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)
    ec2.modify_instance_metadata_defaults(HttpTokensEnforced="enabled", InstanceMetadataTags="enabled")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {
        "HttpTokens": "required",
        "HttpPutResponseHopLimit": 2,
        "InstanceMetadataTags": "enabled",
        "ManagedBy": "account",
        "HttpTokensEnforced": "enabled",
    }
    ec2.modify_instance_metadata_defaults(HttpTokens="no-preference", HttpPutResponseHopLimit=-1)
    ec2.modify_instance_metadata_defaults(HttpTokensEnforced="no-preference")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {
        "InstanceMetadataTags": "enabled",
        "ManagedBy": "account",
    }


@differs
def bad_account_defaults_are_refused(ec2: EC2Client) -> None:
    for name in ("HttpTokens", "HttpEndpoint", "InstanceMetadataTags", "HttpTokensEnforced"):
        for value in ("on", "-1", ""):
            invalid: dict[str, Any] = {name: value}
            code, message = error_of(partial(ec2.modify_instance_metadata_defaults, **invalid))
            assert code == "InvalidParameterValue"
            assert message.startswith(f"Value ({value}) for parameter {name} is invalid. Expecting one of: ")
    for hops in (0, 65, -2, "no-preference"):
        invalid = {"HttpPutResponseHopLimit": hops}
        assert error_of(partial(ec2.modify_instance_metadata_defaults, **invalid))[0] == "InvalidParameterValue"
    assert error_of(ec2.modify_instance_metadata_defaults)[0] == "MissingParameter"
    dry = partial(ec2.modify_instance_metadata_defaults, HttpTokens="required", DryRun=True)
    assert error_of(dry)[0] == "DryRunOperation"
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}


@differs
def a_launch_uses_account_defaults_for_missing_options(ec2: EC2Client) -> None:
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=2)
    [instance] = launched(ec2, HttpPutResponseHopLimit=5)
    options = options_of(ec2, instance)
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 5)


@differs
def a_launch_with_a_used_client_token_launches_nothing(ec2: EC2Client) -> None:
    launch = partial(ec2.run_instances, ImageId="ami-12345678", MinCount=1, MaxCount=1, ClientToken="once")
    first, again = launch(), launch()
    assert first["Instances"] == again["Instances"]
    assert len(ec2.describe_instances()["Reservations"]) == 1
    assert launch(ClientToken="twice")["Instances"] != first["Instances"]


@differs
def enforced_tokens_cannot_be_made_optional(ec2: EC2Client) -> None:
    [old] = launched(ec2, HttpTokens="optional")
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpTokensEnforced="enabled")
    modify = partial(ec2.modify_instance_metadata_options, InstanceId=old, HttpTokens="optional")
    code, message = error_of(modify)
    assert code == "UnsupportedOperation"
    assert "httpTokensEnforced is enabled for this account" in message
    assert error_of(partial(launched, ec2, HttpTokens="optional"))[0] == "UnsupportedOperation"
    ec2.modify_instance_metadata_options(InstanceId=old, HttpPutResponseHopLimit=2)
    launched(ec2)


@differs
def describe_filters_by_each_metadata_option(ec2: EC2Client) -> None:
    [strict] = launched(
        ec2,
        HttpTokens="required",
        HttpPutResponseHopLimit=2,
        HttpProtocolIpv6="enabled",
        InstanceMetadataTags="enabled",
    )
    [off] = launched(ec2, HttpEndpoint="disabled")
    assert found(ec2, metadata_options__http_tokens=["required"]) == {strict}
    assert found(ec2, metadata_options__http_put_response_hop_limit=["2", "3"]) == {strict}
    assert found(ec2, metadata_options__http_protocol_ipv6=["enabled"]) == {strict}
    assert found(ec2, metadata_options__instance_metadata_tags=["enabled"]) == {strict}
    assert found(ec2, metadata_options__http_endpoint=["disabled"]) == {off}
    assert found(ec2, metadata_options__http_endpoint=["*abled"]) == {strict, off}


@differs
def filters_by_metadata_options_combine_with_others(ec2: EC2Client) -> None:
    [first, second] = launched(ec2, count=2, tags={"Team": "web"}, HttpTokens="required")
    [third] = launched(ec2, HttpTokens="required")
    ec2.stop_instances(InstanceIds=[second])
    required = {"metadata_options__http_tokens": ["required"]}
    assert found(ec2, tag_key=["Team"], **required) == {first, second}
    assert found(ec2, instance_id=[first, third, UNKNOWN[0]], **required) == {first, third}
    assert found(ec2, instance_state_name=["stopped"], **required) == {second}
    assert found(ec2, instance_state_code=["80"], **required) == {second}
    assert found(ec2, image_id=["ami-12345678"], **required) == {first, second, third}
    assert found(ec2, metadata_options__http_tokens=["optional"]) == set()


@differs
def describe_filters_by_metadata_options_state(ec2: EC2Client) -> None:
    changed, unchanged = launched(ec2, count=2)
    ec2.modify_instance_metadata_options(InstanceId=changed, HttpTokens="required")
    assert found(ec2, metadata_options__state=["pending"]) == {changed}
    assert found(ec2, metadata_options__state=["applied"]) == {unchanged}


@differs
def an_unknown_filter_is_refused(ec2: EC2Client) -> None:
    expected = ("InvalidParameterValue", "The filter 'metadata-options.colour' is invalid")
    assert error_of(partial(found, ec2, metadata_options__colour=["red"])) == expected


@differs
def a_filter_takes_at_most_200_values(ec2: EC2Client) -> None:
    values = [f"i-{number:017x}" for number in range(201)]
    assert found(ec2, instance_id=values[:200], metadata_options__state=["pending"]) == set()
    assert error_of(partial(found, ec2, instance_id=values))[0] == "FilterLimitExceeded"


@differs
def paging_continues_after_an_instance_that_no_longer_matches(ec2: EC2Client) -> None:
    instances = launched(ec2, count=12)
    running: Any = {"Filters": [{"Name": "instance-state-name", "Values": ["running"]}]}
    page = ec2.describe_instances(MaxResults=5, **running)
    listed = [each["InstanceId"] for reservation in page["Reservations"] for each in reservation["Instances"]]
    assert listed == instances[:5]
    ec2.stop_instances(InstanceIds=[listed[-1]])
    for _ in range(2):
        page = ec2.describe_instances(MaxResults=5, NextToken=page["NextToken"], **running)
        listed += [each["InstanceId"] for reservation in page["Reservations"] for each in reservation["Instances"]]
    assert listed == instances
    assert "NextToken" not in page


@differs
def a_page_size_outside_5_to_1000_is_refused(ec2: EC2Client) -> None:
    for size in (4, 1001):
        assert error_of(partial(ec2.describe_instances, MaxResults=size))[0] == "InvalidParameterValue"
    assert error_of(partial(ec2.describe_instances, NextToken="bm9uZQ=="))[0] == "InvalidNextToken"


@differs
def without_a_page_size_all_instances_are_described(ec2: EC2Client) -> None:
    instances = [launched(ec2)[0] for _ in range(101)]
    answer = ec2.describe_instances()
    assert [reservation["Instances"][0]["InstanceId"] for reservation in answer["Reservations"]] == instances
    assert "NextToken" not in answer


@differs
def every_answer_has_a_unique_request_id(ec2: EC2Client) -> None:
    answers: list[Any] = [ec2.describe_instances(), ec2.describe_instances(), ec2.describe_vpcs()]
    for arguments in ({"InstanceIds": [UNKNOWN[0]]}, {"DryRun": True}):
        invalid: Any = arguments
        with pytest.raises(ClientError) as caught:
            ec2.describe_instances(**invalid)
        answers.append(caught.value.response)
    assert len({answer["ResponseMetadata"]["RequestId"] for answer in answers}) == len(answers)


@differs
def a_dry_run_of_describing_statuses_describes_nothing(ec2: EC2Client) -> None:
    assert error_of(partial(ec2.describe_instance_status, DryRun=True))[0] == "DryRunOperation"


@differs
def describing_statuses_is_paged(ec2: EC2Client) -> None:
    instances = launched(ec2, count=7)
    first = ec2.describe_instance_status(MaxResults=5)
    assert "NextToken" in first
    second = ec2.describe_instance_status(MaxResults=5, NextToken=first["NextToken"])
    listed = [each["InstanceId"] for page in (first, second) for each in page["InstanceStatuses"]]
    assert listed == instances
    assert "NextToken" not in second


@differs
def describing_statuses_filters_by_status(ec2: EC2Client) -> None:
    [instance] = launched(ec2)

    def with_status(name: str, value: str) -> list[str]:
        filters: Any = [{"Name": name, "Values": [value]}]
        return [each["InstanceId"] for each in ec2.describe_instance_status(Filters=filters)["InstanceStatuses"]]

    for name in ("system-status.status", "instance-status.status"):
        assert with_status(name, "ok") == [instance]
        assert with_status(name, "impaired") == []
    assert error_of(partial(with_status, "status", "ok"))[0] == "InvalidParameterValue"


@differs
def describing_statuses_takes_at_most_100_ids(ec2: EC2Client) -> None:
    instances = launched(ec2, count=101)
    assert len(ec2.describe_instance_status(InstanceIds=instances[:100])["InstanceStatuses"]) == 100
    assert error_of(partial(ec2.describe_instance_status, InstanceIds=instances))[0] == "InvalidParameterValue"
    arguments = partial(ec2.describe_instance_status, InstanceIds=instances[:5], MaxResults=5)
    assert error_of(arguments)[0] == "InvalidParameterCombination"


@differs
def a_launch_uses_the_metadata_options_of_its_template(ec2: EC2Client) -> None:
    data: Any = {"ImageId": "ami-12345678", "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 3}}
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    launch = ec2.run_instances(LaunchTemplate={"LaunchTemplateName": "web"}, MinCount=1, MaxCount=1)
    options = options_of(ec2, launch["Instances"][0]["InstanceId"])
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("required", 3)


@differs
def a_new_version_of_a_template_inherits_from_its_source(ec2: EC2Client) -> None:
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-12345678"})
    answer = ec2.create_launch_template_version(
        LaunchTemplateName="web", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.micro"}
    )
    data = answer["LaunchTemplateVersion"]["LaunchTemplateData"]
    assert data == {"ImageId": "ami-12345678", "InstanceType": "t3.micro"}


@differs
def describing_template_versions_is_paged(ec2: EC2Client) -> None:
    names = [f"template-{number:02}" for number in range(20)]
    for each in names:
        ec2.create_launch_template(LaunchTemplateName=each, LaunchTemplateData={"ImageId": "ami-12345678"})
    pages = ec2.get_paginator("describe_launch_template_versions").paginate(
        Versions=["$Default", "$Latest"], PaginationConfig={"PageSize": 6}
    )
    assert [each["LaunchTemplateName"] for page in pages for each in page["LaunchTemplateVersions"]] == names


@differs
def numbers_of_versions_need_a_template(ec2: EC2Client) -> None:
    describe = partial(ec2.describe_launch_template_versions, Versions=["$Default", "1"])
    assert error_of(describe)[0] == "InvalidParameterValue"


@differs
def the_metadata_options_of_a_template_are_checked(ec2: EC2Client) -> None:
    data: Any = {"MetadataOptions": {"HttpTokens": "on"}}
    create = partial(ec2.create_launch_template, LaunchTemplateName="web", LaunchTemplateData=data)
    assert error_of(create)[0] == "InvalidParameterValue"


@differs
def an_image_says_whether_its_instances_require_tokens(ec2: EC2Client) -> None:
    image = ec2.register_image(Name="golden", ImdsSupport="v2.0")["ImageId"]
    assert ec2.describe_images(ImageIds=[image])["Images"][0].get("ImdsSupport") == "v2.0"
    launch = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    assert options_of(ec2, launch["Instances"][0]["InstanceId"])["HttpTokens"] == "required"


@differs
def describing_images_by_id_fails_if_one_is_gone(ec2: EC2Client) -> None:
    image = ec2.register_image(Name="golden")["ImageId"]
    describe = partial(ec2.describe_images, ImageIds=[image, "ami-0000000000000dead"])
    assert error_of(describe) == ("InvalidAMIID.NotFound", "The image id '[ami-0000000000000dead]' does not exist")


@pytest.mark.parametrize("name", CHECKS)
def test_localcloud_behaves_like_ec2(name: str, cloud: LocalCloud, ec2: EC2Client) -> None:
    cloud.settings(pending=3600)
    CHECKS[name](ec2)


@pytest.mark.parametrize("name", CHECKS)
def test_plain_moto_does_not(name: str, plain_moto: EC2Client) -> None:
    """If this fails, moto has caught up and the fix can be removed."""
    # moto differs in many ways: another result, another error, or an action or filter that it does not implement.
    with pytest.raises(
        (AssertionError, pytest.fail.Exception, ClientError, NotImplementedError, TypeError, ValueError)
    ):
        CHECKS[name](plain_moto)
