"""A run on an account's defaults, with the regions and the state before and after it, and what it was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product

from imds_provider.rules.account_defaults import decode_defaults
from imds_provider.rules.options import Options, OptionValue
from tests.model.account_steps import contradicts
from tests.model.snapshots import Operation, Outputs
from tests.model.steps import Declaration, Declarations

_STRICTER: Mapping[str, Mapping[OptionValue, int]] = {
    "httpTokens": {"optional": 0, "no-preference": 1, "required": 2},
    "httpEndpoint": {"disabled": 1},
    "httpTokensEnforced": {"enabled": 1},
}
"""How strict a value of a default is; 0 if it is not listed."""


def strictness(name: str, value: OptionValue) -> int:
    return _STRICTER.get(name, {}).get(value, 0)


def same(name: str, one: object, other: object) -> bool:
    """Whether launches see no difference: enforcement that nobody has set is disabled."""
    off = ("no-preference", "disabled")
    return one == other or (name == "httpTokensEnforced" and one in off and other in off)


def differing(values: Options, wanted: Options) -> Options:
    """What is wanted and not in force."""
    return {name: value for name, value in wanted.items() if not same(name, values[name], value)}


def loosens(values: Options, wanted: Options) -> bool:
    return any(strictness(name, value) < strictness(name, values[name]) for name, value in wanted.items())


def brings_about_contradiction(values: Options, wanted: Options) -> bool:
    """Whether a change sets tokens or enforcement so that the one contradicts the other."""
    changes = differing(values, wanted)
    return bool({"httpTokens", "httpTokensEnforced"} & set(changes)) and contradicts({**values, **changes})


@dataclass(frozen=True)
class Region:
    """The defaults that are in force, whatever EC2 shows, and whether a declarative policy decides them."""

    values: Options
    by_policy: bool = False


@dataclass(frozen=True)
class Snapshot:
    """The regions, and the outputs of the recorded rows by name.

    ``replaced`` are rows that moved to another region and are yet to be deleted in the old one.
    """

    regions: Mapping[str, Region]
    rows: Mapping[str, Outputs]
    replaced: Sequence[Outputs] = ()

    def managed(self, region: str) -> set[str]:
        """The defaults that recorded rows manage in the region."""
        rows = [*self.rows.values(), *self.replaced]
        return {name for row in rows if row["region"] == region for name in previous(row)}


@dataclass(frozen=True)
class Restore:
    """What a deleted row is to restore, and whether it gives a reason to loosen."""

    values: Options
    may_loosen: bool

    def onto(self, values: Options) -> Options:
        """The defaults once the row is deleted."""
        wanted = {
            name: value
            for name, value in self.values.items()
            if self.may_loosen or strictness(name, value) >= strictness(name, values[name])
        }
        return values if brings_about_contradiction(values, wanted) else {**values, **wanted}


@dataclass(frozen=True)
class Modification:
    """A modification that was sent."""

    region: str
    values: Options


@dataclass(frozen=True)
class Run:
    """A run, with the program, the snapshots before and after it, and what it did.

    Attributes:
        occurred: a fault occurred, or changes were slow to show.
        may_fail: the run need not survive that.
        changed_by_others: the defaults that somebody else set during the run, in the regions that it modified.
        output: what was shown.
        surveyed: the program passed on what differs from the live defaults.
        throttled: how many calls were more than EC2 allows.
    """

    operation: Operation
    program: Declarations
    before: Snapshot
    after: Snapshot
    modifications: Sequence[Modification]
    failed: Mapping[str, str]
    occurred: bool
    may_fail: bool
    changed_by_others: Options = field(default_factory=dict)
    output: str = ""
    surveyed: bool = True
    throttled: int = 0

    def declarations_of(self, region: str) -> list[Declaration]:
        """What the program declares for the region, if the run evaluates it."""
        return [each for each in self.program.values() if each.slot == region] if self.operation == "up" else []

    def wanted(self, region: str) -> Options:
        """What all rows together want for the region."""
        return {name: value for each in self.declarations_of(region) for name, value in each.options.items()}

    def old(self, name: str) -> str | None:
        """The recorded row that a row of the program continues."""
        if self.operation != "up":
            return name if name in self.before.rows else None
        names = [name, *(each for each in self.program[name].aliases if each not in self.program)]
        return next((each for each in names if each in self.before.rows), None)

    def stays(self, name: str) -> bool:
        """Whether the row of the program is recorded with its region."""
        old = self.old(name)
        return old is not None and self.before.rows[old]["region"] == self.program[name].slot

    def continued(self) -> list[Outputs]:
        """The recorded rows that the program still has, whichever region they are for now."""
        names = {old for name in self.program if (old := self.old(name)) is not None}
        return [self.before.rows[each] for each in sorted(names)]

    def deleted(self) -> list[Outputs]:
        """The recorded rows that the run is to delete."""
        if self.operation == "refresh":
            return []
        kept = {self.old(name) for name in self.program if self.stays(name)} if self.operation == "up" else set()
        return [*(row for name, row in self.before.rows.items() if name not in kept), *self.before.replaced]

    def restoring(self, region: str) -> list[Outputs]:
        """The deleted rows that are to restore the region."""
        return [row for row in self.deleted() if row["onDestroy"] == "restore" and row["region"] == region]

    def restores(self, region: str) -> list[Restore]:
        """What the run is to restore: nothing that the program manages."""
        managed = self.wanted(region)
        found = [
            Restore(
                {name: value for name, value in previous(row).items() if name not in managed},
                bool(row.get("allowDowngrade")),
            )
            for row in self.restoring(region)
        ]
        return [each for each in found if each.values]

    def ends(self, region: str) -> list[Options]:
        """The defaults that the region may have after a run that does all it is to do, in whichever order."""
        before = self.before.regions[region]
        if before.by_policy:
            return [before.values]
        # Without a survey the run may not know that what it wants is no longer in force.
        wants = [self.wanted(region)] if self.surveyed else [self.wanted(region), {}]
        found = []
        for order, wanted, others in product(permutations(self.restores(region)), wants, ({}, self.changed_by_others)):
            values: Options = {**before.values, **wanted, **others}
            for each in order:
                values = each.onto(values)
            found.append(values)
        return found

    def asked(self, region: str, name: str) -> set[OptionValue]:
        """The values that rows of the run want for a default, with or without a reason."""
        wants = [each.options for each in self.declarations_of(region)]
        wants += [each.values for each in self.restores(region)]
        return {each[name] for each in wants if name in each}

    def floor(self, region: str, name: str) -> int:
        """How strict a default stays at least: as it was, as others have made it, or as is wanted with a reason."""
        with_reason = [each.options for each in self.declarations_of(region) if each.may_loosen]
        with_reason += [each.values for each in self.restores(region) if each.may_loosen]
        values = [self.before.regions[region].values, self.changed_by_others, *with_reason]
        return min(strictness(name, each[name]) for each in values if name in each)

    def must_ask(self, name: str) -> bool:
        """Whether the run cannot know that nothing is to be done for a row of the program."""
        wanted, region = self.program[name].options, self.before.regions[self.program[name].slot]
        if not self.stays(name) or (self.surveyed and differing(region.values, wanted)):
            return True
        row = self.before.rows[str(self.old(name))]
        return (
            bool(row.get("unfinished"))
            or not set(wanted) <= set(previous(row))
            or bool(differing(decode_defaults(row), wanted))
        )

    def may_refuse(self, name: str) -> bool:
        """Whether there is a reason not to bring about what a row of the program wants."""
        declared = self.program[name]
        region = self.before.regions[declared.slot]
        changes = differing(region.values, declared.options)
        if region.by_policy:
            return bool(changes)
        # Another row may have turned enforcement on, or made tokens optional, before this one comes.
        later = {**region.values, **self.wanted(declared.slot), **{name: region.values[name] for name in changes}}
        contradiction = any(brings_about_contradiction(each, declared.options) for each in (region.values, later))
        return (loosens(region.values, changes) and not declared.may_loosen) or contradiction


def previous(row: Outputs) -> dict[str, OptionValue]:
    """The recorded values from before the row managed its defaults."""
    return decode_defaults(row["previous"])
