"""What the page shows above its table: counts, shares and the few records that are listed by themselves. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote

from imds_provider.rules.account_defaults import DEFAULT_NAMES, default_changes, in_words
from imds_provider.rules.options import HTTP_TOKENS, OPTION_NAMES, Options, OptionValue

from ..posture import AccountRegion, Instance
from ..tally import DIMENSIONS, Dimension, Share, Tally
from .bars import Bar, option_bar, status_bar
from .calls import Calls
from .exemptions import Exemption, exemptions
from .sources import Sources

TITLES: Mapping[Dimension, str] = {
    "environment": "By environment",
    "account": "By account",
    "region": "By region",
    "fleet": "By fleet",
}
NOT_NAMED: Mapping[Dimension, str] = {
    "environment": "no environment",
    "account": "account not known",
    "region": "region not known",
    "fleet": "no fleet",
}


@dataclass(frozen=True)
class Row:
    """One bar of a panel. ``link`` filters the table to its instances."""

    label: str
    bar: Bar
    link: str


@dataclass(frozen=True)
class Panel:
    """The shares along one dimension, the most instances that are not compliant first."""

    title: str
    name: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Default:
    """A default of an account's region: its observed value, and the wanted one where that is another."""

    name: str
    value: OptionValue
    wanted: OptionValue | None


@dataclass(frozen=True)
class Account:
    """An account's region, with its defaults."""

    record: AccountRegion
    defaults: Sequence[Default]

    @property
    def is_known(self) -> bool:
        return bool(self.record.defaults)

    @property
    def is_as_wanted(self) -> bool:
        """Whether the defaults are known, and none differs from what is wanted."""
        return self.is_known and all(each.wanted is None for each in self.defaults)


@dataclass(frozen=True)
class View:
    """Everything that the template writes, but the table."""

    overall: Bar
    statement: str
    wanted: Sequence[str]
    panels: Sequence[Panel]
    options: Panel
    calls: Calls
    exemptions: Sequence[Exemption]
    sources: Sources
    accounts: Sequence[Account]
    managed: int
    """Exempt instances without a last day, since an AWS service manages them."""
    tally: Tally

    @property
    def groups_count(self) -> int:
        """Groups; one may be listed for several options."""
        return len({(each.account, each.region, each.group) for each in self.tally.groups})

    @property
    def enforced_count(self) -> int:
        """The account regions that are known to enforce IMDSv2."""
        return sum(each.record.enforced is True for each in self.accounts)


def view_of(instances: Sequence[Instance], tally: Tally, today: date) -> View:
    """What there is to say of a report whose records were all counted by ``tally``."""
    return View(
        overall=status_bar(tally.overall),
        statement=statement(instances),
        wanted=wanted_options(instances),
        panels=[_panel(dimension, tally.by[dimension]) for dimension in DIMENSIONS],
        options=_options(tally),
        calls=Calls.of(instances),
        exemptions=exemptions(instances, today),
        sources=Sources(tally.sources),
        accounts=sorted(map(_account, tally.accounts), key=_urgency),
        managed=sum(each.status == "exempt" and each.exempt is None for each in instances),
        tally=tally,
    )


def statement(instances: Sequence[Instance]) -> str:
    """What the compliant instances do, as the predicate of ``312 of 400 instances``.

    It names IMDSv2 only if that is wanted of every instance that is not exempt.
    """
    wanted = {tuple(sorted(each.wanted)) for each in instances if each.status != "exempt"}
    requires = all(each.wanted.get(HTTP_TOKENS) == "required" for each in instances if each.status != "exempt")
    if not wanted or not requires:
        return "have the metadata options that are wanted of them"
    return "require IMDSv2" if wanted == {(HTTP_TOKENS,)} else "require IMDSv2 and have the other wanted options"


def wanted_options(instances: Iterable[Instance]) -> list[str]:
    """Each wanted value once: ``httpTokens=required``, ``httpPutResponseHopLimit=1 or 2``."""
    values: dict[str, set[OptionValue]] = {}
    for each in instances:
        for name, value in each.wanted.items():
            values.setdefault(name, set()).add(value)
    return [f"{name}={' or '.join(map(str, sorted(values[name], key=str)))}" for name in OPTION_NAMES if name in values]


def link(**filters: str) -> str:
    """The fragment that filters the table, such as ``#environment=prod&status=unknown``."""
    return "#" + "&".join(f"{name}={quote(value, safe='')}" for name, value in filters.items())


def _panel(dimension: Dimension, shares: Mapping[str, Share]) -> Panel:
    rows = [
        Row(value or NOT_NAMED[dimension], status_bar(share), link(**{dimension: value}))
        for value, share in sorted(shares.items(), key=lambda each: (each[1].right - each[1].total, each[0]))
    ]
    return Panel(TITLES[dimension], dimension, rows)


def _options(tally: Tally) -> Panel:
    rows = [
        Row(name, option_bar(tally.by_option[name]), link(option=name))
        for name in OPTION_NAMES
        if name in tally.by_option
    ]
    return Panel("By option", "option", rows)


def _account(record: AccountRegion) -> Account:
    differing: Options = in_words(default_changes(record.defaults, record.wanted)) if record.defaults else {}
    observed = in_words(record.defaults)
    return Account(
        record,
        [Default(name, observed.get(name, ""), differing.get(name)) for name in DEFAULT_NAMES if name in observed],
    )


def _urgency(account: Account) -> tuple[bool, str, str, str]:
    """Those that are not as wanted come first."""
    record = account.record
    return (account.is_as_wanted, record.account, record.region, record.environment)
