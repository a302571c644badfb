"""The command line of `imds-report`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

from imds_provider.errors import InvalidInputError
from imds_provider.rules.allowed_values import DAYS, DEFAULT_DAYS, INSTANCE_ID, REGION
from imds_provider.rules.options import HTTP_TOKENS, OPTION_KEYS, OPTION_NAMES, Options, parse_options
from imds_provider.rules.validation import Rule, Violation, unknown_keys, violations

from .failing import FAIL_ON, FailOn
from .formats import FORMATS, Context, Format, format_of
from .live_accounts import ALL_REGIONS, Access

_DESCRIPTION = """\
Report where instances, accounts and launching groups stand, from the stacks of Pulumi, from live instances, or both:
then what is shown is live, and the stacks say which fleet it belongs to, what is wanted of it and what is exempt."""
_EPILOG = """\
Exit status: 0 if nothing of --fail-on was found, 1 if something was, 2 if the arguments are wrong or no source could
be read."""


@dataclass(frozen=True)
class Arguments:
    """What to report, how, and what to fail on.

    ``accesses`` is empty without ``--live``, and ``days`` is None if no calls are to be counted.
    """

    files: Sequence[Path]
    stacks: Sequence[str]
    all_stacks: bool
    folder: Path
    accesses: Sequence[Access]
    regions: Sequence[str]
    filters: Mapping[str, Sequence[str]]
    instances: Sequence[str]
    wanted: Options
    days: int | None
    format: Format
    output: Path | None
    fail_on: frozenset[FailOn]
    title: str

    @property
    def has_stacks(self) -> bool:
        """Whether any stack is a source."""
        return bool(self.files or self.stacks or self.all_stacks)

    @property
    def selects(self) -> bool:
        """Whether the live report is about some instances only."""
        return bool(self.filters or self.instances)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} See {self.prog} --help.\n")


def parse(given: Sequence[str] | None = None) -> Arguments:
    """Parse the arguments of the command line. Exits with 2 and one line if they are wrong."""
    parser = _parser()
    found = parser.parse_args(given)
    if not (found.files or found.stack or found.all_stacks or found.live):
        parser.error("give the file of a state, --stack, --all-stacks or --live.")
    if not found.live:
        for name in ("region", "profile", "role_arn", "filter", "instance", "require", "days", "no_calls"):
            if getattr(found, name):
                parser.error(f"--{name.replace('_', '-')} needs --live.")
    try:
        return Arguments(
            files=found.files,
            stacks=_split(found.stack),
            all_stacks=found.all_stacks,
            folder=found.cwd,
            accesses=_accesses(found.profile, found.role_arn) if found.live else (),
            regions=_regions(_split(found.region)),
            filters=_filters(found.filter),
            instances=_each(INSTANCE_ID, "--instance", _split(found.instance)),
            wanted=_wanted(found.require),
            days=None if found.no_calls else _days(found.days),
            format=found.format or format_of(found.output),
            output=found.output,
            fail_on=_fail_on(_split(found.fail_on)),
            title=found.title,
        )
    except InvalidInputError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="imds-report", description=_DESCRIPTION, epilog=_EPILOG)
    stacks = parser.add_argument_group("stacks")
    stacks.add_argument("files", nargs="*", type=Path, metavar="STATE.json", help="a file of `pulumi stack export`")
    stacks.add_argument("--stack", action="append", default=[], metavar="NAME", help="a stack, read by `pulumi`")
    stacks.add_argument("--all-stacks", action="store_true", help="all stacks of the project")
    stacks.add_argument("--cwd", type=Path, default=Path(), metavar="DIR", help="the project's folder (default: here)")
    live = parser.add_argument_group("live instances")
    live.add_argument("--live", action="store_true", help="read accounts and regions as they are now")
    live.add_argument(
        "--region",
        action="append",
        default=[],
        metavar="R",
        help=f'a region, or "{ALL_REGIONS}" of the account (default: that of the profile or environment)',
    )
    live.add_argument("--profile", action="append", default=[], metavar="P", help="a profile to use")
    live.add_argument(
        "--role-arn", action="append", default=[], metavar="ARN", help="a role to assume, with the first profile if any"
    )
    live.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME=VALUES",
        help="a filter of DescribeInstances, such as tag:Team=web,shop; all must match",
    )
    live.add_argument("--instance", action="append", default=[], metavar="ID", help="an instance")
    live.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="what instances should have (default: httpTokens=required)",
    )
    live.add_argument(
        "--days", metavar="N", help=f"for how many days to count IMDSv1 calls, 1 to 455 (default: {DEFAULT_DAYS})"
    )
    live.add_argument("--no-calls", action="store_true", help="do not ask CloudWatch for IMDSv1 calls")
    report = parser.add_argument_group("report")
    report.add_argument("--format", choices=FORMATS, help="default: by the file's ending, markdown without a file")
    report.add_argument("--output", type=Path, metavar="FILE", help="the file to write (default: standard output)")
    report.add_argument(
        "--fail-on",
        action="append",
        default=[],
        metavar="WHAT",
        help=f"what to exit with 1 for: {', '.join(FAIL_ON)}",
    )
    report.add_argument("--title", default=Context.title, help="(default: %(default)s)")
    return parser


def _split(values: Sequence[str]) -> list[str]:
    """The values of an option that may be repeated, or take several with commas between them."""
    return [each.strip() for value in values for each in value.split(",") if each.strip()]


def _accesses(profiles: Sequence[str], roles: Sequence[str]) -> list[Access]:
    if roles:
        if len(profiles) > 1:
            raise InvalidInputError("--role-arn takes one --profile at most.")
        return [Access(profiles[0] if profiles else None, role) for role in roles]
    return [Access(profile) for profile in profiles] or [Access()]


def _regions(names: Sequence[str]) -> Sequence[str]:
    _each(REGION, "--region", [each for each in names if each != ALL_REGIONS])
    return names


def _filters(given: Sequence[str]) -> dict[str, list[str]]:
    filters: dict[str, list[str]] = {}
    for each in given:
        name, equals, values = each.partition("=")
        if not (name and equals and values):
            raise InvalidInputError(f'--filter must be like tag:Team=web,shop, got "{each}".')
        filters.setdefault(name, []).extend(values.split(","))
    return filters


def _wanted(given: Sequence[str]) -> Options:
    if not given:
        return {HTTP_TOKENS: "required"}
    wrong = list(unknown_keys([each.partition("=")[0] for each in given], OPTION_NAMES))
    wanted = parse_options(given) or {}
    _raise_for("--require", wrong or violations(wanted, OPTION_KEYS))
    return wanted


def _days(given: str | None) -> int:
    days = DEFAULT_DAYS if given is None else int(given) if given.isdecimal() else given
    _raise_for("--days", list(DAYS.check(days)))
    return int(days)


def _each(rule: Rule, option: str, values: Sequence[str]) -> Sequence[str]:
    _raise_for(option, [found for value in values for found in rule.check(value)])
    return values


def _fail_on(names: Sequence[str]) -> frozenset[FailOn]:
    _raise_for("--fail-on", list(unknown_keys(names, FAIL_ON)))
    return frozenset(cast("Sequence[FailOn]", names))


def _raise_for(option: str, found: Sequence[Violation]) -> None:
    if found:
        raise InvalidInputError(" ".join(f"{' '.join((option, *map(str, each.path)))} {each.reason}" for each in found))
