"""What a run does to an account's defaults, decided from one survey of the live defaults. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imds_provider.rules.account_changes import objection
from imds_provider.rules.account_defaults import (
    HTTP_TOKENS_ENFORCED,
    AccountDefaults,
    render_default_changes,
    render_defaults,
)

from .settings import AccountSettings


@dataclass(frozen=True)
class AccountRegion:
    """A region, with its live defaults; None if they could not be read.

    ``unread`` is why, in a run: a preview without credentials compares recorded values.
    """

    region: str
    settings: AccountSettings
    seen: AccountDefaults | None
    unread: str = ""

    @property
    def change(self) -> str | None:
        """What will change, such as ``httpTokens: no-preference -> required``; None if nothing is known to."""
        if self.seen is None:
            return None
        return render_default_changes(self.seen.values, self.settings.defaults) or None

    @property
    def problem(self) -> str | None:
        """Why the change cannot be made, if it cannot."""
        if self.seen is None:
            return self._unread_problem
        settings = self.settings
        key = settings.spelled("allowDowngrade")
        refused = objection(self.region, self.seen, settings.defaults, settings.allow_downgrade, key)
        return None if refused is None else str(refused)

    @property
    def _unread_problem(self) -> str | None:
        if not (self.unread and self.settings.enforces):
            return None
        return f"{self.region}: IMDSv2 is not enforced without knowing what that would break. {self.unread}"

    @property
    def is_stopped_by_problems(self) -> bool:
        """Whether problems of any region stop this one, since it will change, or is not known not to."""
        return self.change is not None or self._unread_problem is not None

    @property
    def is_about_to_enforce(self) -> bool:
        """Whether IMDSv2 is to be enforced that is not enforced yet."""
        return self.settings.enforces and self.seen is not None and not self.seen.is_enforced

    @property
    def after(self) -> AccountDefaults | None:
        """The defaults as the run will leave them."""
        if self.seen is None:
            return None
        return AccountDefaults({**self.seen.values, **self.settings.defaults}, self.seen.managed_by)

    @property
    def line(self) -> str:
        """The region in the summary of a preview."""
        if self.seen is None:
            return "not read"
        if self.change:
            return self.change
        policy = ", by a declarative policy of the organization" if self.seen.is_managed_by_policy else ""
        return f"already {render_defaults(self.settings.defaults)}{policy}"


def summary(name: str, regions: Sequence[AccountRegion]) -> str:
    """The summary that a preview logs: a heading, and one line per region."""
    width = max(len(each.region) for each in regions)
    changing = sum(each.change is not None for each in regions)
    heading = f"account defaults {name}: {changing} of {len(regions)} region{'s' * (len(regions) > 1)} will change"
    return "\n".join([heading, *(f"  {each.region:<{width}}  {each.line}" for each in regions)])


def forbidden(name: str, problems: Sequence[str]) -> str | None:
    """Why no region may be changed, with one line per problem; None if there is none.

    Each region's resource gets all of it: a run changes all regions or none, and the engine shows only the first
    resource that fails.
    """
    return "\n  ".join([f"AccountMetadata {name} cannot continue:", *problems]) if problems else None


def account_report(observed: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """The stack output of an account after a run. Its keys are a contract.

    ``defaults`` has the observed defaults of each region, and ``enforced`` the regions where IMDSv2 is enforced.
    """
    enforced = [region for region, values in observed.items() if values.get(HTTP_TOKENS_ENFORCED) == "enabled"]
    return {"defaults": observed, "enforced": sorted(enforced)}
