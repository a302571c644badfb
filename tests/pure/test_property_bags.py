from __future__ import annotations

import pytest
from pulumi.output import Unknown

from imds_provider.host.property_bags import Spelling, is_known
from imds_provider.rules.options import OPTIONS

WEB = "i-0123456789abcdef0"
SPELLING = Spelling([*(option.argument for option in OPTIONS), "instance_id", "targets", "pending_start_ids"])


@pytest.mark.parametrize(
    ("python", "pulumi"),
    [
        *((option.argument, option.name) for option in OPTIONS),
        ("instance_id", "instanceId"),
        ("targets", "targets"),
        ("pending_start_ids", "pendingStartIds"),
    ],
)
def test_every_property_of_a_resource_has_two_spellings_that_lead_to_each_other(python: str, pulumi: str) -> None:
    assert SPELLING.in_pulumi(python) == SPELLING.in_pulumi(pulumi) == pulumi
    assert SPELLING.in_python(pulumi) == SPELLING.in_python(python) == python


@pytest.mark.parametrize(
    "name",
    [
        *("__provider", "id", "urn", "timeout_seconds", "timeoutSeconds"),
        *("web_1", "web1", "web_blue", "webBlue", "Web", "web-1", WEB, "a_b_c", "_x", "x_", ""),
    ],
)
def test_a_name_that_is_not_a_property_of_the_resource_is_left_alone(name: str) -> None:
    assert SPELLING.in_pulumi(name) == SPELLING.in_python(name) == name


def test_a_value_is_known_unless_the_engine_says_otherwise() -> None:
    assert [is_known(value) for value in (None, "", 0.0, "04da6b54-80e4-46f7-96ec-b56ff0331ba9")] == [True] * 4
    assert not is_known(Unknown())  # type: ignore[no-untyped-call]  # pulumi's
