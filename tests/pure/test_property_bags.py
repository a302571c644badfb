from __future__ import annotations

import pytest
from pulumi.output import Unknown

from imds_provider.host.property_bags import is_known, translate_input, translate_output
from imds_provider.rules import barrier_state as barrier
from imds_provider.rules import resource_state as properties
from imds_provider.rules import wave_check_state as gate
from imds_provider.rules.options import OPTIONS

WEB = "i-0123456789abcdef0"
SPELLINGS = {
    **{option.argument: option.name for option in OPTIONS},
    "instance_id": properties.INSTANCE_ID,
    "region": properties.REGION,
    "on_destroy": properties.ON_DESTROY,
    "wait": properties.WAIT,
    "timeout_seconds": properties.TIMEOUT_SECONDS,
    "allow_downgrade": properties.ALLOW_DOWNGRADE,
    "change": properties.CHANGE,
    "found": properties.FOUND,
    "if_gone": properties.IF_GONE,
    "state": properties.STATE,
    "previous": properties.PREVIOUS,
    "owner_id": properties.OWNER_ID,
    "target": properties.TARGET,
    "targets": barrier.TARGETS,
    "applied_ids": barrier.APPLIED_IDS,
    "pending_start_ids": barrier.PENDING_START_IDS,
    "unknown_ids": barrier.UNKNOWN_IDS,
    "soak_minutes": barrier.SOAK_MINUTES,
    "days": properties.DAYS,
    "unknown": barrier.READINESS_UNKNOWN,
    "legacy_calls": gate.READINESS_LEGACY_CALLS,
    "before": gate.BEFORE,
    "requiring": gate.REQUIRING,
    "forbidden": gate.FORBIDDEN,
    "checked_at": barrier.CHECKED_AT,
}


@pytest.mark.parametrize(("python", "pulumi"), SPELLINGS.items())
def test_every_property_has_two_spellings_that_lead_to_each_other(python: str, pulumi: str) -> None:
    assert translate_input(python) == pulumi
    assert translate_output(pulumi) == python
    assert translate_input(pulumi) == pulumi
    assert translate_output(python) == python


@pytest.mark.parametrize("name", ["__provider", "id", "urn"])
def test_the_names_of_pulumi_itself_are_left_alone(name: str) -> None:
    assert translate_input(name) == translate_output(name) == name


@pytest.mark.parametrize("name", ["web_1", "web1", "web_blue", "webBlue", "Web", "web-1", WEB, "a_b_c", "_x", "x_", ""])
def test_a_name_that_people_gave_is_left_alone(name: str) -> None:
    assert translate_input(name) == translate_output(name) == name


def test_a_value_is_known_unless_the_engine_says_otherwise() -> None:
    assert [is_known(value) for value in (None, "", 0.0, "04da6b54-80e4-46f7-96ec-b56ff0331ba9")] == [True] * 4
    assert not is_known(Unknown())  # type: ignore[no-untyped-call]  # pulumi's
