from __future__ import annotations

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from imds_provider.aws.errors import THROTTLE_CODES, translate
from imds_provider.errors import (
    AwsError,
    ConfigurationError,
    ImdsError,
    InstanceGoneError,
    InstanceMissingError,
    OutcomeUnknownError,
)

WEB = "i-0123456789abcdef0"
ACTION = "ModifyInstanceMetadataOptions"
REFUSED = f"{WEB}: EC2 refused {ACTION} in eu-west-1 with "
SESSION_PART = "FwoGZXIvYXdzEBYaDHuC7"
OPAQUE = "Q3VyaW91cyB3aGF0IHRoaXMgZGVjb2RlcyB0bz8gTm90aGluZyBhdCBhbGwu"


def refused(code: str, message: str = "No.", status: int = 400) -> ImdsError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return translated(ClientError(response, ACTION))  # type: ignore[arg-type]  # no other keys are read


def translated(error: Exception, *secrets: str) -> ImdsError:
    return translate(error, action=ACTION, subject=WEB, region="eu-west-1", secrets=secrets)


@pytest.mark.parametrize(
    ("code", "message", "kind", "says"),
    [
        ("AuthFailure", "Not valid.", AwsError, "Not valid. AWS did not accept the credentials; check them"),
        (
            "IncorrectInstanceState",
            "is in 'pending'",
            AwsError,
            "is in 'pending'. The instance is starting or stopping",
        ),
        ("IncorrectInstanceState", "it is terminated", InstanceGoneError, "it is terminated. The instance is gone:"),
        ("InvalidInstanceID.NotFound", "The ID does not exist.", InstanceMissingError, "The ID does not exist. Check"),
        (
            "InvalidParameterValue",
            "Hop limit\n  is  wrong.",
            AwsError,
            "Hop limit is wrong. Fix the cause and run again.",
        ),
    ],
)
def test_an_error_becomes_a_line_with_instance_action_region_code_reason_and_advice(
    code: str, message: str, kind: type[AwsError], says: str
) -> None:
    error = refused(code, message)
    assert type(error) is kind
    assert isinstance(error, AwsError)
    assert error.code == code
    assert str(error).startswith(f"{REFUSED}{code}: {says}")


def test_the_permission_that_is_missing_is_that_of_the_service_and_action() -> None:
    error = ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "GetMetricData")
    found = translate(
        error,
        action="GetMetricData",
        subject=WEB,
        region="eu-west-1",
        secrets=(),
        service="CloudWatch",
        parameters=None,
    )
    assert "CloudWatch refused GetMetricData in eu-west-1 with AccessDenied: No. " in str(found)
    assert "the permission cloudwatch:GetMetricData" in str(found)


def test_a_denied_call_says_what_it_carried_but_not_a_role_that_could_not_be_assumed_for_it() -> None:
    response = {"Error": {"Code": "AccessDenied", "Message": "No."}}
    for operation, carried in ((ACTION, True), ("AssumeRole", False)):
        found = translate(
            ClientError(response, operation),  # type: ignore[arg-type]  # as above
            action=ACTION,
            subject=WEB,
            region="eu-west-1",
            secrets=(),
            parameters={"HttpTokens": "required"},
        )
        assert ("The request carried HttpTokens=required" in str(found)) is carried
        assert ("STS refused AssumeRole" in str(found)) is not carried


@pytest.mark.parametrize(("code", "status"), [("InternalError", 500), ("Unavailable", 503), ("", 502)])
def test_a_failure_inside_ec2_leaves_the_outcome_open(code: str, status: int) -> None:
    error = refused(code, "x", status)
    assert isinstance(error, OutcomeUnknownError)
    assert str(error) == f"{WEB}: {ACTION} in eu-west-1 failed inside EC2 ({code or status}); run again."


@pytest.mark.parametrize("code", sorted(THROTTLE_CODES))
def test_a_throttled_call_was_not_carried_out_whatever_its_status(code: str) -> None:
    assert type(refused(code, "slow down", 503)) is AwsError


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        ConnectTimeoutError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        ReadTimeoutError(endpoint_url="https://ec2.eu-west-1.amazonaws.com"),
        HTTPClientError(error="broken pipe"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ResponseParserError("no element found"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_or_unreadable_answer_leaves_the_outcome_open(error: Exception) -> None:
    found = translated(error)
    assert isinstance(found, OutcomeUnknownError)
    assert str(found) == (
        f"{WEB}: {ACTION} in eu-west-1 got no usable answer ({type(error).__name__}); check the network and run again."
    )


@pytest.mark.parametrize("error", [NoCredentialsError(), ParamValidationError(report="hop limit: 2.0")])
def test_what_was_never_sent_is_an_error_of_the_configuration(error: Exception) -> None:
    found = translated(error)
    assert isinstance(found, ConfigurationError)
    assert str(found).startswith(f"{WEB}: {ACTION} could not be sent: ")


@pytest.mark.parametrize(
    "message",
    [
        f"You are not allowed. Encoded authorization failure message: {OPAQUE}",
        "The key AKIAIOSFODNN7EXAMPLE is unknown",
        "The key ASIAIOSFODNN7EXAMPLE is unknown",
        f"token={SESSION_PART}",
    ],
)
@pytest.mark.parametrize("code", ["InvalidParameterValue", "InvalidInstanceID.NotFound", "UnauthorizedOperation"])
def test_nothing_that_is_or_could_decode_to_a_credential_is_shown(code: str, message: str) -> None:
    response = {"Error": {"Code": code, "Message": message}}
    error = translated(ClientError(response, ACTION), SESSION_PART)  # type: ignore[arg-type]  # as above
    for hidden in (OPAQUE, "IOSFODNN7EXAMPLE", SESSION_PART):
        assert hidden not in str(error)


def test_the_reason_of_an_error_that_was_never_sent_hides_secrets_too() -> None:
    error = translated(ParamValidationError(report=f"{SESSION_PART} {OPAQUE}"), SESSION_PART)
    assert SESSION_PART not in str(error)
    assert OPAQUE not in str(error)


def test_an_answer_without_any_detail_still_gives_a_sentence() -> None:
    error = translated(ClientError({}, ACTION))
    assert isinstance(error, AwsError)
    assert str(error).startswith(f"{WEB}: EC2 refused {ACTION} in eu-west-1")
