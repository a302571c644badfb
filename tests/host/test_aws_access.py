"""How the provider gets to AWS, through real dynamic hosts: region, accounts, endpoints, and credentials kept quiet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import (
    ACCOUNT,
    DESCRIBE,
    MODIFY,
    REGION,
    SECRETS,
    config,
    inputs,
    launch,
    target,
)
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient


@contextmanager
def host_with(given: Mapping[str, object], environment: Mapping[str, str] | None = None) -> Iterator[ProviderClient]:
    with DynamicHost.start(given, environment) as host:
        yield host.provider(InstanceMetadataOptionsProvider())


def without(given: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in given.items() if name not in names}


def test_without_a_region_anywhere_the_input_is_refused(cloud: LocalCloud) -> None:
    with host_with(without(config(cloud), "aws:region")) as options:
        given = without(inputs(launch(cloud), httpTokens="required"), "region")
        [(name, reason)] = options.check(given).failures
        assert (name, reason.endswith("given here or as aws:region.")) == ("region", True)
        with pytest.raises(OperationFailedError) as caught:
            options.create(given)
        assert caught.value.sentence == "no AWS region: set `region`, aws:region or AWS_REGION."
    assert cloud.log() == []


def test_the_environment_gives_region_and_credentials_where_the_stack_does_not(cloud: LocalCloud) -> None:
    web = launch(cloud, region="ap-south-1")
    environment = {"AWS_REGION": "ap-south-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    with host_with(without(config(cloud), "aws:region", *SECRETS), environment) as options:
        checked = options.check(without(inputs(web, httpTokens="required"), "region"))
        assert checked.inputs["region"] == "ap-south-1"
        assert options.create(checked.inputs).outputs["httpTokens"] == "required"
    assert [call["region"] for call in cloud.log(MODIFY)] == ["ap-south-1"]


def test_a_create_without_credentials_fails_with_that_reason(cloud: LocalCloud) -> None:
    web = launch(cloud)
    with host_with(without(config(cloud), *SECRETS)) as options, pytest.raises(OperationFailedError) as caught:
        options.create(inputs(web, httpTokens="required"))
    assert "Unable to locate credentials" in caught.value.sentence
    assert cloud.log() == []


@pytest.mark.parametrize(
    ("key", "accounts", "named"),
    [
        ("allowedAccountIds", '["210987654321"]', "aws:allowedAccountIds"),
        ("forbiddenAccountIds", f'["210987654321", "{ACCOUNT}"]', "aws:forbiddenAccountIds"),
    ],
)
def test_a_ruled_out_account_is_refused_before_any_call_of_ec2(
    key: str, accounts: str, named: str, cloud: LocalCloud
) -> None:
    web = launch(cloud)
    with DynamicHost.start(config(cloud, **{key: accounts})) as host:
        options, barrier = (
            host.provider(InstanceMetadataOptionsProvider()),
            host.provider(MetadataOptionsAppliedProvider()),
        )
        given = inputs(web, httpTokens="required", onDestroy="restore")
        recorded = {**given, "previous": {"httpTokens": "optional"}, "target": target(web, "httpTokens=required")}
        waited_for = {"targets": {"web": target(web, "httpTokens=required", "a")}, "region": REGION}
        for operation in (
            lambda: options.create(given),
            lambda: options.update(web, {**recorded, "httpTokens": "optional"}, given),
            lambda: options.read(web, recorded),
            lambda: options.delete(web, recorded),
            lambda: barrier.create({**waited_for, "timeoutSeconds": 20}),
        ):
            with pytest.raises(OperationFailedError) as caught:
                operation()
            assert caught.value.sentence == (
                f"the credentials in use belong to account {ACCOUNT}, which {named} rules out; nothing was sent."
            )
    assert {call["service"] for call in cloud.log()} == {"sts"}


ABROAD, FARTHER = "210987654321", "111122223333"


@pytest.mark.parametrize("through", [[ABROAD], [FARTHER, ABROAD]], ids=["at once", "by another role"])
def test_a_role_is_assumed_and_what_is_done_is_done_in_its_account(through: list[str], cloud: LocalCloud) -> None:
    web = launch(cloud, account=ABROAD)
    roles = [{"roleArn": f"arn:aws:iam::{account}:role/imds", "sessionName": "imds"} for account in through]
    given = config(cloud, assumeRoles=json.dumps(roles), allowedAccountIds=json.dumps([ABROAD]))
    with host_with(given) as options:
        assert options.create(inputs(web, httpTokens="required")).outputs["ownerId"] == ABROAD
    assert cloud.instance(web)["options"]["HttpTokens"] == "required"
    assert {call["account"] for call in cloud.log() if call["service"] == "ec2"} == {ABROAD}


def test_a_role_is_assumed_with_all_that_is_configured_for_it(cloud: LocalCloud) -> None:
    web = launch(cloud, account=ABROAD)
    role = {
        "roleArn": f"arn:aws:iam::{ABROAD}:role/imds",
        "sessionName": "jo@ci",
        "externalId": "partner",
        "sourceIdentity": "jo",
        "policyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "tags": {"team": "web"},
        "transitiveTagKeys": ["team"],
        "duration": "1h",
    }
    with host_with(config(cloud, assumeRole=json.dumps(role))) as options:
        assert options.create(inputs(web, httpTokens="required")).outputs["ownerId"] == ABROAD
    [assumed] = {tuple(sorted(call["params"].items())) for call in cloud.log("AssumeRole")}
    assert dict(assumed) == {
        "RoleArn": role["roleArn"],
        "RoleSessionName": "jo@ci",
        "ExternalId": "partner",
        "SourceIdentity": "jo",
        "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "Tags.member.1.Key": "team",
        "Tags.member.1.Value": "web",
        "TransitiveTagKeys.member.1": "team",
        "DurationSeconds": "3600",
    }


def test_an_invalid_session_name_is_refused_before_any_call_of_sts(cloud: LocalCloud) -> None:
    web = launch(cloud)
    role = {"roleArn": f"arn:aws:iam::{ABROAD}:role/imds", "sessionName": "stack/dev"}
    with (
        host_with(config(cloud, assumeRole=json.dumps(role))) as options,
        pytest.raises(OperationFailedError) as caught,
    ):
        options.create(inputs(web, httpTokens="required"))
    assert caught.value.sentence.startswith("aws:assumeRole.sessionName must be 2 to 64 characters")
    assert cloud.log() == []


@pytest.mark.parametrize("accounts", [{}, {"allowedAccountIds": f'["{ABROAD}"]'}], ids=["any", "allowed accounts"])
def test_a_role_that_cannot_be_assumed_is_an_error_and_nothing_is_sent(
    accounts: dict[str, str], cloud: LocalCloud
) -> None:
    web = launch(cloud, account=ABROAD)
    role = {"roleArn": f"arn:aws:iam::{ABROAD}:role/imds"}
    cloud.set_faults(Fault("error", "AssumeRole", code="AccessDenied", times=None))
    given = config(cloud, assumeRole=json.dumps(role), **accounts)
    with host_with(given) as options, pytest.raises(OperationFailedError) as caught:
        options.create(inputs(web, httpTokens="required"))
    subject = "the account of the credentials in use" if accounts else web
    said = caught.value.sentence
    assert said.startswith(f"{subject}: STS refused AssumeRole in {REGION} with AccessDenied: User: arn:aws:sts::")
    assert said.endswith(
        "The credentials in use may not assume the role; check aws:assumeRoles, the role's trust policy and the "
        "permission sts:AssumeRole."
    )
    assert {call["service"] for call in cloud.log()} == {"sts"}


def test_a_configuration_error_is_one_line_and_credentials_go_nowhere(cloud: LocalCloud) -> None:
    given = inputs(launch(cloud), httpTokens="required")
    wrong = {
        f"http://192.0.2.7:{cloud.url.rpartition(':')[2]}": "must be https, or http on a loopback address",
        "http://localhost.example.com": "must be https, or http on a loopback address",
        "ftp://127.0.0.1": "must be https, or http on a loopback address",
        "127.0.0.1:4566": "must be https, or http on a loopback address",
    }
    with DynamicHost.start({}) as host:
        # A provider keeps the first configuration that it can take; these it cannot.
        options = host.provider(InstanceMetadataOptionsProvider())
        for url, says in wrong.items():
            host.configure(config(cloud, endpoints=f'[{{"ec2": "{url}"}}]'))
            with pytest.raises(OperationFailedError) as caught:
                options.check(given)
            assert caught.value.sentence.startswith(f"aws:endpoints: the URL of ec2 {says}, got ")
        host.configure(config(cloud, maxRetries="many"))
        with pytest.raises(OperationFailedError, match='aws:maxRetries must be a whole number, got "many"'):
            options.check(given)
        host.configure(config(cloud, assumeRoleWithWebIdentity='{"roleArn": "arn"}'))
        with pytest.raises(OperationFailedError, match="aws:assumeRoleWithWebIdentity is not supported: set AWS_ROLE"):
            options.create(given)
        assert [each for each in SECRETS.values() if each in host.everything_said()] == []
    assert cloud.log() == []


@pytest.mark.parametrize("action", [DESCRIBE, MODIFY])
def test_an_error_of_ec2_that_holds_credentials_is_shown_without_them(
    action: str, cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud)
    quoted = " and ".join(SECRETS.values())
    for code in ("InvalidParameterValue", "AuthFailure", "UnauthorizedOperation", "InternalError"):
        cloud.clear_faults()
        cloud.set_faults(Fault("error", action, code=code, message=f"denied for {quoted}", times=None))
        try:
            said = str(options.create(inputs(web, httpTokens="required", timeoutSeconds=1)).outputs["unfinished"])
        except OperationFailedError as error:
            said = error.traceback
        assert web in said
        assert [each for each in SECRETS.values() if each in said] == []
    assert [each for each in SECRETS.values() if each in host.everything_said()] == []


def test_an_encoded_authorization_message_is_not_shown(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("error", MODIFY, code="UnauthorizedOperation", encoded=True, times=None))
    with pytest.raises(OperationFailedError) as caught:
        options.create(inputs(web, httpTokens="required"))
    assert "ncoded" not in caught.value.traceback
