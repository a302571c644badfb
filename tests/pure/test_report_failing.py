"""What `imds-report --fail-on` finds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imds_components.report.failing import FAIL_ON, FailOn, found
from imds_components.report.posture import Imdsv1Calls, Record
from imds_components.report.tally import Tally
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from tests.support.report_records import DEFAULTS, EXEMPT, GROUP, INSTANCE, SOURCE

QUIET = replace(INSTANCE, status="compliant", calls=Imdsv1Calls(14, Imdsv1Usage(0.0)))
COMPLETE = replace(SOURCE, result="succeeded", problem="")


def counts(*records: Record) -> dict[FailOn, int]:
    tally = Tally()
    list(tally.watch(records))
    return found(tally, FAIL_ON)


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (replace(QUIET, status="not-compliant"), "not-compliant"),
        (replace(QUIET, status="unknown"), "unknown"),
        (replace(QUIET, status="pending-start"), "pending-start"),
        (EXEMPT, "exempt"),
        (replace(INSTANCE, status="compliant"), "calls"),
        (GROUP, "groups"),
        (replace(DEFAULTS, defaults={"httpTokens": "optional"}), "accounts"),
        (replace(DEFAULTS, defaults={}, wanted={}), "accounts"),
        (replace(DEFAULTS, unfinished="no answer"), "accounts"),
        (SOURCE, "incomplete"),
        (replace(COMPLETE, problem="the reports are encrypted."), "incomplete"),
        (replace(COMPLETE, result="never"), "incomplete"),
    ],
)
def test_each_finding_has_its_name(record: Record, name: FailOn) -> None:
    assert counts(record) == {name: 1}


def test_what_is_fine_is_not_found() -> None:
    assert counts(QUIET, DEFAULTS, COMPLETE, replace(COMPLETE, result="read")) == {}


def test_only_what_is_asked_for_is_found() -> None:
    tally = Tally()
    list(tally.watch([GROUP, GROUP, SOURCE]))
    assert found(tally, {"groups", "unknown"}) == {"groups": 2}
    assert found(tally, set()) == {}
