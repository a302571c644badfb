from __future__ import annotations

from datetime import date, datetime

import pytest

from imds_components.fleet.exemptions import Exemption, judge_exemptions, merge_options
from imds_provider.rules.options import Options

WEB = "i-0123456789abcdef0"
API = "i-0fedcba9876543210"
LAST = date(2027, 1, 31)


@pytest.mark.parametrize(
    "until",
    [
        LAST,
        datetime(2027, 1, 31),  # noqa: DTZ001  # YAML knows such
        "2027-01-31",
        "2027-01-31T00:00:00Z",
        "2027-01-31 00:00:00 +0000 UTC",
    ],
)
def test_the_last_day_may_be_a_date_or_what_yaml_makes_of_one(until: date | str) -> None:
    assert Exemption(WEB, "old agent", until).last_day == LAST


def test_everything_wrong_with_an_exemption_is_reported_at_once() -> None:
    with pytest.raises(ValueError, match="Exemption") as caught:
        Exemption("web", " ", "2027-02-30", http_tokens="off")
    assert str(caught.value).splitlines() == [
        'Exemption of web: instance must be an instance ID ("i-" and 8 or 17 hexadecimal digits), got "web".',
        'Exemption of web: reason must be the reason why the instance is exempt, got " ".',
        'Exemption of web: until must be a day such as 2027-01-31, got "2027-02-30".',
        'Exemption of web: http_tokens must be "optional" or "required", got "off".',
    ]


@pytest.mark.parametrize(
    ("today", "expired", "ending"),
    [
        (date(2027, 1, 16), [], []),
        (date(2027, 1, 17), [], ["in 14 days"]),
        (date(2027, 1, 30), [], ["tomorrow"]),
        (LAST, [], ["today"]),
        (date(2027, 2, 1), ["remove it, or give it a later date"], []),
    ],
)
def test_an_exemption_applies_through_its_last_day_and_is_announced_14_days_ahead(
    today: date, expired: list[str], ending: list[str]
) -> None:
    report = judge_exemptions([Exemption(WEB, "old agent", LAST)], [WEB], today)
    told = f"the exemption of {WEB} (old agent)"
    assert report.expired == [f"{told} ended on 2027-01-31: {what}." for what in expired]
    assert report.ending == [f"{told} ends on 2027-01-31, {when}." for when in ending]
    assert report.unused == []


def test_an_exemption_of_an_instance_that_is_not_selected_is_unused() -> None:
    report = judge_exemptions([Exemption(WEB, "old agent", LAST)], [API], date(2026, 1, 1))
    assert report.unused == [
        f"the exemption of {WEB} (old agent) has no effect: the fleet does not select the instance."
    ]


def test_an_exemption_takes_precedence_over_the_fleet() -> None:
    fleet: Options = {"httpTokens": "required", "httpPutResponseHopLimit": 2}
    assert merge_options(fleet, None) == fleet
    exemption = Exemption(WEB, "old agent", LAST, http_tokens="optional")
    assert merge_options(fleet, exemption) == {"httpTokens": "optional", "httpPutResponseHopLimit": 2}


def test_an_exemption_without_options_does_not_change_the_instance() -> None:
    assert merge_options({"httpTokens": "required"}, Exemption(WEB, "old agent", LAST)) == {}
