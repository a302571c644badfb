"""What is read from an instance of a DescribeInstances answer, other than its options."""

from __future__ import annotations

from typing import Any

import pytest

from imds_provider.aws.ec2 import to_observation

INSTANCE = "i-0123456789abcdef0"


@pytest.mark.parametrize(
    ("operator", "named"),
    [
        ({}, ""),
        ({"Managed": False}, ""),
        ({"Managed": True, "Principal": "eks.amazonaws.com"}, "eks.amazonaws.com"),
        ({"Managed": True}, "an AWS service"),
    ],
)
def test_the_service_that_manages_an_instance_is_its_operator(operator: Any, named: str) -> None:  # noqa: ANN401
    assert to_observation({"InstanceId": INSTANCE, "Operator": operator}, "123456789012").operator == named


def test_the_group_of_an_instance_is_that_of_the_tag_that_autoscaling_sets() -> None:
    tags: Any = [{"Key": "Name", "Value": "a"}, {"Key": "aws:autoscaling:groupName", "Value": "web"}]
    assert to_observation({"InstanceId": INSTANCE, "Tags": tags}, "").autoscaling_group == "web"
    assert to_observation({"InstanceId": INSTANCE, "Tags": tags[:1]}, "").autoscaling_group == ""
    assert to_observation({"InstanceId": INSTANCE}, "").autoscaling_group == ""
