"""What the packages themselves raise, log, print and record, where nothing else hides a credential."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict

import boto3
import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pulumi.dynamic.dynamic import serialize_provider

from imds_provider.aws import Aws
from imds_provider.aws.settings import parse
from imds_provider.errors import ImdsError
from imds_provider.host import runtime
from imds_provider.host.engine_link import Engine
from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.waiting.clock import Deadline
from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.secrets.canaries import CREDENTIALS, MESSAGE, found_in

REGION = "eu-west-1"
WEB = "i-0123456789abcdef0"
SECRET_URL = "https://user:canary-password@ec2.example.com"
ROLE = {"roleArn": "arn:aws:iam::123456789012:role/deployer", "externalId": "canary-external-id"}
IN_SETTINGS = ("canary-password", "canary-external-id")


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        return 0.0

    def sleep(self, _seconds: float) -> None:
        return

    def require(self) -> None:
        return


@pytest.fixture(scope="module")
def shared_cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process() as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: LocalCloud) -> LocalCloud:
    shared_cloud.wipe()
    shared_cloud.seed([{"id": WEB, "region": REGION}])
    return shared_cloud


def configuration(cloud: LocalCloud, more: Mapping[str, object]) -> dict[str, object]:
    endpoints = json.dumps([{"ec2": cloud.url, "sts": cloud.url}])
    return {"aws:region": REGION, "aws:endpoints": endpoints, "aws:maxRetries": "1", **more}


def connected(cloud: LocalCloud, more: Mapping[str, object]) -> Aws:
    return Aws(parse(configuration(cloud, more).get), Clock())


def call(aws: Aws) -> None:
    """Describe an instance and modify it."""
    ec2, deadline = aws.ec2(REGION), Deadline(Clock(), 10)
    ec2.describe([WEB], deadline)
    ec2.modify(WEB, {"HttpTokens": "required"}, deadline)


def everything_of(error: BaseException) -> str:
    """All that any way of printing the error could show of it and of the errors that it hides."""
    behind: BaseException | None = error
    shown = []
    while behind is not None:
        shown += [str(behind), repr(behind), *traceback.format_exception(behind)]
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)
    return "\n".join(shown)


FAULTS: dict[str, list[Fault]] = {
    f"{code} at {action}": [Fault("error", action, times=None, code=code, message=MESSAGE)]
    for code in ("InvalidParameterValue", "UnauthorizedOperation", "InternalError")
    for action in ("DescribeInstances", "ModifyInstanceMetadataOptions")
} | {
    "lost": [Fault("drop", "ModifyInstanceMetadataOptions", times=None)],
    "cut off": [Fault("truncate", "DescribeInstances", times=None)],
    "encoded": [Fault("error", "DescribeInstances", code="UnauthorizedOperation", encoded=True)],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("source", ["config", "environment"])
def test_no_error_and_no_log_of_the_packages_holds_a_credential(
    source: str,
    faults: list[Fault],
    cloud: LocalCloud,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = dict(zip(CREDENTIALS, ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), strict=True))
    if source == "environment":
        for name, value in CREDENTIALS.items():
            monkeypatch.setenv(names[name], value)
    cloud.set_faults(*faults)
    with caplog.at_level(logging.DEBUG), pytest.raises(ImdsError) as raised:
        call(connected(cloud, CREDENTIALS if source == "config" else {}))
    assert found_in(everything_of(raised.value)) == []
    ours = [each.getMessage() for each in caplog.records if each.name.startswith("imds")]
    assert found_in("\n".join(ours)) == []


def test_the_settings_are_printed_without_the_credentials_in_them(cloud: LocalCloud) -> None:
    proxy = "http://user:canary-password@127.0.0.1:9"
    secrets = (*CREDENTIALS.values(), "canary-password")
    settings = connected(cloud, {**CREDENTIALS, "aws:httpProxy": proxy}).settings
    assert found_in(str(asdict(settings)), secrets) == list(secrets)
    assert found_in(repr(settings), secrets) == []


def test_a_provider_and_its_outputs_are_recorded_without_the_credentials_that_it_used(cloud: LocalCloud) -> None:
    provider = InstanceMetadataOptionsProvider()
    with runtime.serve(runtime.Run(Engine(None))):
        provider.configure(ConfigureRequest(Config(configuration(cloud, CREDENTIALS), "secrets")))
        created = provider.create({"instanceId": WEB, "region": REGION, "httpTokens": "required", "wait": True})
    assert created.outs is not None
    assert created.outs["httpTokens"] == "required"
    assert found_in(json.dumps(created.outs)) == []
    assert serialize_provider(provider) == serialize_provider(InstanceMetadataOptionsProvider())


WRONG: dict[str, dict[str, object]] = {
    "an endpoint without https": {"aws:endpoints": json.dumps([{"ec2": SECRET_URL.replace("https", "http")}])},
    "an endpoint that is not a URL": {"aws:endpoints": json.dumps([{"ec2": SECRET_URL + ":port"}])},
    "an endpoint with a space": {"aws:endpoints": json.dumps([{"ec2": "https://user:canary-password@ec2 example"}])},
    "an endpoint that does not answer": {
        "aws:endpoints": json.dumps([{"ec2": "https://user:canary-password@[::1]:9"}])
    },
    "a proxy that does not answer": {"aws:httpProxy": "http://user:canary-password@127.0.0.1:9"},
    "a proxy that is not a URL": {"aws:httpProxy": "http://user:canary-password@:port"},
    "a role with an unknown key": {"aws:assumeRole": json.dumps({**ROLE, "extenalId": "canary-external-id"})},
    "a role with a list for a string": {"aws:assumeRole": json.dumps({**ROLE, "externalId": ["canary-external-id"]})},
    "a role that cannot be assumed": {"aws:assumeRole": json.dumps(ROLE)},
    "a key without its secret": {"aws:secretKey": None},
    "a secret without its key": {"aws:accessKey": None},
    "a key that is not a string": {"aws:accessKey": list(CREDENTIALS.values())},
    "retries that are not a number": {"aws:maxRetries": "many"},
    "another account": {"aws:allowedAccountIds": json.dumps(["999999999999"])},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_no_error_about_the_configuration_holds_a_credential(wrong: dict[str, object], cloud: LocalCloud) -> None:
    cloud.set_faults(Fault("error", "AssumeRole", times=None, code="AccessDenied", message=MESSAGE))
    with pytest.raises(ImdsError) as raised:
        call(connected(cloud, {**CREDENTIALS, **wrong}))
    said = everything_of(raised.value)
    assert found_in(said) == []
    assert found_in(said, IN_SETTINGS) == []


def test_a_credential_in_a_wrapped_line_or_in_an_object_of_boto3_is_found() -> None:
    secret = CREDENTIALS["aws:secretKey"]
    assert found_in(f"a line that was wrapped in the middle of {secret[:20]}\n   {secret[20:]}") == [secret]
    shown: Callable[[], object] = boto3.Session(aws_access_key_id="a", aws_secret_access_key=secret).get_credentials
    assert found_in(str(vars(shown()))) == [secret]
