"""The command line of ``imds-stacks``."""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from imds_provider.errors import AwsError, ImdsError, InvalidInputError
from imds_provider.rules.organization import Account, select, with_tags
from imds_provider.rules.validation import quote

from . import changes, folder, sources, stack_file, yaml_text
from .template import NAMES, Target, needs_tags

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-\d+")
_TEMPLATE_NAME = re.compile(r"[\w.-]+")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 1 for a difference found by ``--check``, 2 for an error."""
    given = _parser().parse_args(arguments)
    try:
        return _run(given)
    except AwsError as error:
        hint = " Only the organization's management account and its delegated administrators may list accounts; "
        print(f"error: {error}{hint}others can use --accounts.", file=sys.stderr)
    except (ImdsError, OSError, UnicodeDecodeError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 2


def _run(given: argparse.Namespace) -> int:
    file: Path = given.template
    if not _TEMPLATE_NAME.fullmatch(file.name):
        raise InvalidInputError(
            f"{quote(file.name)}: the template's file name may have letters, digits, _, - and . only."
        )
    content = yaml_text.load(str(file), file.read_text("utf-8"))
    stack_file.check_template(file.name, content)
    into: Path = given.to or folder.config_folder(Path.cwd())
    accounts = _accounts(given, needs_tags(content, given.name))
    targets = [Target(account, region) for account in accounts for region in dict.fromkeys(given.region)]
    named = changes.stack_names(targets, given.name)
    existing = folder.stack_files(into)
    planned = [each for each in changes.plan(file.name, content, named, existing) if each.diff]
    for each in planned:
        if given.write:
            folder.write(into, each)
        sys.stdout.write(each.diff)
    for gone in changes.left(file.name, named, existing):
        _note(
            f"{into / gone.file}: account {gone.origin.account} in {gone.origin.region} is not selected any more. "
            f"To stop managing it: `pulumi destroy --stack {gone.stack}`, then `pulumi stack rm {gone.stack}`, which "
            "removes the file too."
        )
    new = sum(each.before is None for each in planned)
    done = "nothing to write" if not planned else "written" if given.write else "nothing is written without --write"
    _note(f"Stack files: {len(named)} in all, {new} new, {len(planned) - new} changed; {done}.")
    return 1 if planned and given.check else 0


def _accounts(given: argparse.Namespace, with_placeholders: bool) -> Sequence[Account]:  # noqa: FBT001  one caller
    source: sources.Accounts
    source = sources.AccountsFile(given.accounts) if given.accounts else sources.organization(given.profile)
    if given.accounts and given.ou:
        raise InvalidInputError(f"{given.accounts} has no organizational units: leave out --ou, or --accounts.")
    selected = select(source.accounts(), units=given.ou, excluded=given.exclude)
    for each in selected.inactive:
        _note(f"account {each.id} ({quote(each.name)}) is skipped: it is {each.state.replace('_', ' ').lower()}.")
    accounts: Sequence[Account] = selected.accounts
    if given.tag or with_placeholders:
        accounts = with_tags(source.tagged(accounts), _tags(given.tag))
    if not accounts:
        raise InvalidInputError("no active account is selected: check --ou, --tag and --exclude.")
    return accounts


def _tags(given: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """A key that is given twice has the values of both."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for key, values in given:
        wanted[key] += values
    return wanted


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise argparse.ArgumentTypeError(f"{quote(value)} is not a region such as eu-west-1")
    return value


def _tag(value: str) -> tuple[str, list[str]]:
    key, separator, values = value.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"{quote(value)} is not Key=Value[,Value]")
    return key, values.split(",")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="imds-stacks",
        description="Write a stack file for each account of an AWS organization and each region, from a template.",
        epilog=f"Placeholders: {NAMES}; in the template as ${{account_id}}, in --name as {{account_id}}. "
        "Exit status: 0; 1 if --check finds a difference; 2 for an error.",
    )
    add = parser.add_argument
    add("template", type=Path, help="a stack file with placeholders in its values")
    add("--region", type=_region, action="append", required=True, help="a region; may be repeated")
    add("--to", type=Path, metavar="DIR", help="where the files go; by default stackConfigDir of Pulumi.yaml")
    add("--name", default="{account_id}-{region}", help="how stacks are named (default: %(default)s)")
    add(
        "--ou",
        action="append",
        default=[],
        help="only accounts below this unit: an ID, or a path such as Workloads/Prod",
    )
    add(
        "--tag", type=_tag, action="append", default=[], metavar="KEY=VALUE[,VALUE]", help="only accounts with this tag"
    )
    add(
        "--exclude",
        action="append",
        default=[],
        metavar="ACCOUNT|OU",
        help="not this account, or those below this unit",
    )
    add(
        "--accounts",
        type=Path,
        metavar="FILE",
        help="the answer of `aws organizations list-accounts`, without calling AWS",
    )
    add("--profile", help="the AWS profile to call Organizations with")
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--write", action="store_true", help="write the files; without it, the diff is only shown")
    either.add_argument("--check", action="store_true", help="exit with status 1 if there is a diff, for CI")
    return parser
