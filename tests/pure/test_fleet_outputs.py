from __future__ import annotations

from datetime import date
from pathlib import Path

from imds_components.fleet.exemptions import Exemption
from imds_components.fleet.outputs import fleet_report
from imds_components.fleet.plan import plan
from imds_components.fleet.settings import FleetSettings
from imds_provider.rules.options import Options
from tests.support.fakes import LAX, observe

A, B, C, D, E = (f"i-0000000{letter}" for letter in "abcde")
NOT_REPORTED: dict[str, Options] = {A: LAX, B: {"httpEndpoint": "enabled"}, C: {"httpTokens": "perhaps"}, D: {}, E: {}}


def test_the_report_has_the_counts_and_lists_of_its_contract() -> None:
    settings = FleetSettings(
        instances=[A, B, C, D],
        options={"httpTokens": "required"},
        exemptions=[
            Exemption(D, "old agent", "2027-01-31"),
            Exemption(E, "not selected", date(2027, 2, 28)),
            Exemption(A, "two hops", "2027-01-31", http_put_response_hop_limit=2),
        ],
    )
    inventory = [observe(each) for each in (A, B, C, D)]
    found = plan("web", settings, {"eu-west-1": inventory}, date(2026, 11, 25))
    assert fleet_report(found, applied=[A], pending_start=[C, B], unknown=[]) == {
        "selected": 4,
        "applied": 1,
        "pendingStart": [B, C],
        "unknown": [],
        "exempt": [
            {"instance": D, "reason": "old agent", "until": "2027-01-31"},
            {"instance": E, "reason": "not selected", "until": "2027-02-28"},
            {"instance": A, "reason": "two hops", "until": "2027-01-31"},
        ],
        "notCompliant": [A, B, C, D],
        "launchSources": [],
        "serviceManaged": [],
    }


def test_a_fleet_without_instances_has_every_key() -> None:
    found = plan("web", FleetSettings(select={"tag:Team": ["web"]}), {"eu-west-1": []}, date(2026, 11, 25))
    assert fleet_report(found, applied=[], pending_start=[], unknown=[]) == {
        "selected": 0,
        "applied": 0,
        "pendingStart": [],
        "unknown": [],
        "exempt": [],
        "notCompliant": [],
        "launchSources": [],
        "serviceManaged": [],
    }


def test_an_instance_whose_options_ec2_does_not_report_is_unknown_and_not_compliant() -> None:
    settings = FleetSettings(
        instances=[A, B, C, D, E],
        options={"httpTokens": "required"},
        exemptions=[Exemption(E, "old agent", "2027-01-31")],
    )
    inventory = [observe(each, options) for each, options in NOT_REPORTED.items()]
    found = plan("web", settings, {"eu-west-1": inventory}, date(2026, 11, 25))
    told = fleet_report(found, applied=[A], pending_start=[], unknown=[C, B])
    assert told["selected"] == 5
    assert told["unknown"] == [B, C, D], "found so by a barrier, or reported so little of that no resource has it"
    assert told["notCompliant"] == [B, C, D, E]


def test_the_documentation_names_every_key() -> None:
    found = plan("web", FleetSettings(instances=[A]), {"eu-west-1": []}, date(2026, 11, 25))
    documented = (Path(__file__).parents[2] / "docs" / "fleets.md").read_text("utf-8")
    keys = fleet_report(found, applied=[], pending_start=[], unknown=[])
    assert [key for key in keys if f"| `{key}` |" not in documented] == []
