"""What is left out of AWS's messages, and what stays."""

from __future__ import annotations

import pytest

from imds_provider.aws.redaction import redact

POLICY = "arn:aws:organizations::210987654321:policy/o-a1b2c3d4e5/service_control_policy/p-x1y2z3w4"
USER = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Platform_a7491ea25c15715b/jo@example.com"
DENIED = (
    f"You are not authorized to perform this operation. User: {USER} is not authorized to perform: "
    "ec2:ModifyInstanceMetadataOptions on resource: arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0"
)
OPAQUE = "Q3VyaW91cyB3aGF0IHRoaXMgZGVjb2RlcyB0bz8gTm90aGluZyBhdCBhbGwu"
ENCODED = f"Encoded authorization failure message: {OPAQUE}"


def test_what_a_person_needs_of_a_message_stays() -> None:
    message = (
        f"The instance ID 'i-0123456789abcdef0' does not exist\n in vpc-0123456789abcdef0, says {POLICY} of {USER}"
    )
    assert redact(message, ["FwoGZXIvYXdzEBYaDHuC7"]) == " ".join(message.split())


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (f"{DENIED}. {ENCODED}", DENIED),
        (f"Not allowed. encoded authorization failure message: short {OPAQUE}", "Not allowed"),
        (f"No match. The Canonical String for this request should have been 'POST\nx-amz-token:{OPAQUE}'", "No match"),
        (f"No match. The String-to-Sign should have been 'AWS4 {OPAQUE}'", "No match"),
        ("The key AKIAIOSFODNN7EXAMPLE is unknown", "The key *** is unknown"),
        (f"for {OPAQUE}", "for ***"),
        (
            f"for arn:aws:sts::123456789012:assumed-role/web/{OPAQUE}",
            "for arn:aws:sts::123456789012:assumed-role/web/***",
        ),
        ("for arn:aws:iam::123456789012:user/ASIAIOSFODNN7EXAMPLE", "for arn:aws:iam::123456789012:user/***"),
        ("for arn:aws:iam::123456789012:role/web-secret-1", "for arn:aws:iam::123456789012:role/***"),
    ],
)
def test_what_is_or_could_decode_to_a_credential_is_left_out(message: str, shown: str) -> None:
    assert redact(message, ["web-secret-1"]) == shown
