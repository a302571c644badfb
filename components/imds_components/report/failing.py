"""What a report can be told to fail on, for CI. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, get_args

from imds_provider.rules.account_defaults import default_changes

from .posture import AccountRegion
from .tally import Tally

FailOn = Literal["not-compliant", "unknown", "pending-start", "exempt", "calls", "groups", "accounts", "incomplete"]
FAIL_ON: tuple[FailOn, ...] = get_args(FailOn)


def found(tally: Tally, fail_on: Collection[FailOn]) -> dict[FailOn, int]:
    """How often the report has each of these, those that it does not have left out.

    ``calls`` counts the instances that have called IMDSv1, ``groups`` what would launch looser instances, ``accounts``
    the regions whose defaults are not the wanted ones or not known, ``incomplete`` the sources that do not show all
    that there is.
    """
    status = tally.overall.by_status
    counts: Mapping[FailOn, int] = {
        "not-compliant": status["not-compliant"],
        "unknown": status["unknown"],
        "pending-start": status["pending-start"],
        "exempt": status["exempt"],
        "calls": tally.calling,
        "groups": len(tally.groups),
        "accounts": sum(map(_is_wrong, tally.accounts)),
        "incomplete": sum(not each.is_complete for each in tally.sources),
    }
    return {name: counts[name] for name in FAIL_ON if name in fail_on and counts[name]}


def _is_wrong(account: AccountRegion) -> bool:
    return bool(default_changes(account.defaults, account.wanted) or account.unfinished or not account.defaults)
