"""Stack files for the accounts of an organization: selection, names, placeholders, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from imds_components.stacks import yaml_text
from imds_components.stacks.changes import left, plan, stack_names
from imds_components.stacks.command import main
from imds_components.stacks.stack_file import Origin, check_template, origin, render
from imds_components.stacks.template import Target, fill, fill_name, needs_tags
from imds_provider.errors import InvalidInputError
from imds_provider.rules.organization import Account, Unit, select, with_tags

ROOT, WORKLOADS, PROD = Unit("r-ab12", "Root"), Unit("ou-ab12-11111111", "Workloads"), Unit("ou-ab12-22222222", "Prod")
OTHER = Unit("ou-ab12-33333333", "Production")
SHOP = Account("111111111111", "shop", units=(ROOT, WORKLOADS, PROD), tags={"Environment": "prod"})
BLOG = Account("222222222222", "blog", units=(ROOT, WORKLOADS), tags={"Environment": "dev"})
BANK = Account("333333333333", "bank", units=(ROOT, WORKLOADS, OTHER))
GONE = Account("444444444444", "gone", "SUSPENDED", units=(ROOT, WORKLOADS, PROD))
ALL = (GONE, BANK, BLOG, SHOP)
TEMPLATE = """\
config:
  aws:region: ${region}
  aws:assumeRoles:
    - roleArn: arn:aws:iam::${account_id}:role/imds
  aws:allowedAccountIds: ["${account_id}"]
  imds:options: {httpTokens: required}
  imds:fleets:
    all:
      select: {"tag:Owner": ["${account_name}"]}
      preflight: off
      exemptions:
        - {instance: i-0123456789abcdef0, reason: old agent, until: 2099-12-31}
"""


def target(account: Account = SHOP, region: str = "eu-west-1") -> Target:
    return Target(account, region)


def content(text: str = TEMPLATE) -> dict[str, object]:
    return yaml_text.load("all.yaml", text)


def rendered(account: Account = SHOP, text: str = TEMPLATE, existing: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(render("all.yaml", content(text), target(account), existing))
    return made


# Selection


@pytest.mark.parametrize(
    ("units", "excluded", "selected"),
    [
        ((), (), [SHOP, BLOG, BANK]),
        (["Workloads/Prod"], (), [SHOP]),
        (["/Workloads/Prod/"], (), [SHOP]),
        ([PROD.id, OTHER.id], (), [SHOP, BANK]),
        ([ROOT.id], [BLOG.id], [SHOP, BANK]),
        (["Workloads"], ["Workloads/Prod"], [BLOG, BANK]),
        ([WORKLOADS.id], [PROD.id, BANK.id], [BLOG]),
    ],
)
def test_accounts_are_selected_by_unit_and_below_without_what_is_excluded(
    units: list[str], excluded: list[str], selected: list[Account]
) -> None:
    assert list(select(ALL, units=units, excluded=excluded).accounts) == selected


def test_a_suspended_account_is_not_selected_but_named() -> None:
    found = select(ALL, units=["Workloads/Prod"])
    assert (found.accounts, found.inactive) == ((SHOP,), (GONE,))


@pytest.mark.parametrize("wrong", ["Workloads/Prd", "ou-ab12-99999999", "Prod", "999999999999"])
def test_an_exclusion_of_what_does_not_exist_is_an_error_since_it_would_exclude_nothing(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="the organization has no such"):
        select(ALL, excluded=[wrong])


def test_an_account_has_each_tag_with_one_of_its_values() -> None:
    assert with_tags(ALL, {"Environment": ["prod", "stage"]}) == (SHOP,)
    assert with_tags(ALL, {"Environment": ["prod"], "Team": ["web"]}) == ()


# Names


def test_a_stack_is_named_after_what_cannot_move() -> None:
    names = stack_names([target(), target(BLOG, "us-east-1")], "{account_id}-{region}")
    assert list(names) == ["111111111111-eu-west-1", "222222222222-us-east-1"]


@pytest.mark.parametrize("name", ["../../x", "a b", "", "-x", ".hidden", "a/b", "é", "a\nb", "x" * 101])
def test_an_account_whose_name_is_no_stack_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a valid stack name"):
        stack_names([target(Account("111111111111", name))], "{account_name}")


@pytest.mark.parametrize("name", ["shop", "SHOP"])
def test_two_accounts_with_one_name_are_refused(name: str) -> None:
    twins = [target(), target(Account("222222222222", name))]
    with pytest.raises(InvalidInputError, match="would both have the stack"):
        stack_names(twins, "{account_name}-{region}")


def test_a_name_without_its_region_is_refused_for_two_regions() -> None:
    with pytest.raises(InvalidInputError, match=r"use \{account_id\} and \{region\} in --name"):
        stack_names([target(), target(region="eu-central-1")], "{account_id}")


@pytest.mark.parametrize("pattern", ["{account_id", "}{", "{nonsense}", "{account_id}-{}"])
def test_a_pattern_with_a_mistake_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInputError):
        fill_name(pattern, target())


# Placeholders


def test_placeholders_are_filled_in_values_and_not_in_keys() -> None:
    given = {"${region}": ["${account_id}/${tag:Environment}", {"a": "$${region} $5 ${account_path}", "b": 1}]}
    assert fill(given, target()) == {"${region}": ["111111111111/prod", {"a": "${region} $5 Workloads/Prod", "b": 1}]}


@pytest.mark.parametrize("text", ["${nonsense}", "${}", "${account_id", "${ account_id }", "${tag:Team}"])
def test_a_placeholder_that_cannot_be_filled_is_an_error(text: str) -> None:
    with pytest.raises(InvalidInputError):
        fill(text, target())


def test_tags_are_asked_for_only_where_a_placeholder_needs_them() -> None:
    assert not needs_tags(content(), "{account_id}")
    assert not needs_tags({"a": "$${tag:Team}"}, "{account_id}")
    assert needs_tags(content(), "{tag:Environment}-{account_id}")
    assert needs_tags({"a": [{"b": "x ${tag:Team}"}]}, "{account_id}")


@pytest.mark.parametrize(
    "name",
    ["x]\n  aws:region: us-east-1\n#", 'x"', "'", "a: b", "${region}", "{a}", "- x", "# x", "&x", "!!int 3", "\x85"],
)
def test_an_account_name_stays_a_value_whatever_it_looks_like_in_yaml(name: str) -> None:
    made = rendered(Account("111111111111", name))
    assert made["config"]["imds:fleets"]["all"]["select"] == {"tag:Owner": [name]}
    assert made["config"]["aws:region"] == "eu-west-1"
    assert set(made) == {"config"}


@pytest.mark.parametrize(
    "value", ["012345678912", "1e3", "0x1F", "off", "2099-12-31", "1_000", "12:30", "~", "null", ""]
)
def test_a_value_that_a_parser_could_take_for_something_else_is_quoted(value: str) -> None:
    text = yaml_text.dump({"a": value})
    assert text[3] in "\"'"
    assert yaml.safe_load(text) == {"a": value}


def test_words_that_the_engine_takes_for_strings_stay_strings() -> None:
    fleet = rendered()["config"]["imds:fleets"]["all"]
    assert (fleet["preflight"], fleet["exemptions"][0]["until"]) == ("off", "2099-12-31")


# Files


def test_what_stack_init_wrote_is_kept_and_nothing_else() -> None:
    text = "secretsprovider: awskms://alias/x\nencryptedkey: abc=\nencryptionsalt: v1:x:v1:y:z==\nconfig:\n  a:b: c\n"
    made = rendered(existing=text)
    assert made.pop("config") == rendered()["config"]
    assert made == {"secretsprovider": "awskms://alias/x", "encryptedkey": "abc=", "encryptionsalt": "v1:x:v1:y:z=="}


def test_the_header_says_what_a_file_is_for() -> None:
    text = render("all.yaml", content(), target(), None)
    assert origin(text) == Origin("all.yaml", "111111111111", "eu-west-1")
    assert origin(f"encryptionsalt: x\n{text}") == origin(text)
    assert origin("config: {}\n") is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('["${account_id}"]', '["999999999999"]', "aws:allowedAccountIds must list 111111111111 alone"),
        ('["${account_id}"]', '["${account_id}", "999999999999"]', "aws:allowedAccountIds must list"),
        ('aws:allowedAccountIds: ["${account_id}"]', "", "aws:allowedAccountIds must list"),
        ("iam::${account_id}:", "iam::999999999999:", "must be one of account 111111111111"),
        ("arn:aws:iam::${account_id}:role/imds", "imds", "must be one of account 111111111111"),
        ("${region}", "us-east-1", "aws:region must be eu-west-1"),
        ("httpTokens: required", "httpTokens: on", "imds:options.httpTokens must be"),
    ],
)
def test_a_template_whose_result_is_not_bound_to_its_account_and_region_is_refused(
    before: str, after: str, message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        rendered(text=TEMPLATE.replace(before, after))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{TEMPLATE}  shop:password: {{secure: v1:abc}}\n", "config.shop:password is a secret"),
        (f"{TEMPLATE}  aws:secretKey: abc\n", "config.aws:secretKey is a secret"),
        (f"{TEMPLATE}  shop:keys: [{{secure: v1:abc}}]\n", r"config.shop:keys\[0\] is a secret"),
        (f"{TEMPLATE}  aws:region: us-east-1\n", "aws:region is set twice"),
        (f"name: x\n{TEMPLATE}", '"name" is not a key of a stack file'),
        ("environment: [x]\n", "config is missing"),
        ("- x\n", "must be a YAML object"),
        ("a: [\n", "is not valid YAML"),
        ("a: !!python/object:os.system x\n", "is not valid YAML"),
    ],
)
def test_a_template_with_a_secret_or_a_mistake_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        check_template("all.yaml", content(text))


def planned(account: Account, existing: Mapping[str, str], name: str = "all.yaml") -> list[str]:
    return [each.diff for each in plan(name, content(), {"web": target(account)}, existing)]


def test_a_diff_shows_what_would_be_written_and_nothing_if_it_is_there() -> None:
    [diff] = planned(SHOP, {})
    assert diff.startswith("--- /dev/null\n+++ Pulumi.web.yaml\n")
    text = render("all.yaml", content(), target(), None)
    assert planned(SHOP, {"Pulumi.web.yaml": text}) == [""]
    [diff] = planned(SHOP, {"Pulumi.web.yaml": text.replace("required", "optional")})
    assert "-    httpTokens: optional\n+    httpTokens: required\n" in diff


def test_a_file_that_the_engine_formatted_anew_needs_no_change() -> None:
    header, _, _ = render("all.yaml", content(), target(), None).partition("config:")
    text = f"encryptionsalt: v1:x\n{header}{yaml.safe_dump(rendered())}"
    assert planned(SHOP, {"Pulumi.web.yaml": text}) == [""]


def test_a_file_that_somebody_else_wrote_is_not_overwritten() -> None:
    with pytest.raises(InvalidInputError, match=r"Pulumi\.web\.yaml was not written by imds-stacks"):
        planned(SHOP, {"Pulumi.web.yaml": "config: {}\n"})


def test_the_file_and_state_of_an_account_are_not_taken_over_for_another() -> None:
    text = render("all.yaml", content(), target(), None)
    with pytest.raises(InvalidInputError, match=r"Pulumi\.web\.yaml is that of account 111111111111 in eu-west-1"):
        planned(BLOG, {"Pulumi.web.yaml": text})


def test_files_of_accounts_that_left_are_listed_unless_another_template_made_them() -> None:
    text = render("all.yaml", content(), target(), None)
    existing = {"Pulumi.web.yaml": text, "Pulumi.old.yaml": text, "Pulumi.mine.yaml": "config: {}\n"}
    assert [each.stack for each in left("all.yaml", {"web": target()}, existing)] == ["old"]
    assert list(left("dev.yaml", {"web": target()}, existing)) == []


# Without an organization


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: imds\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "all.yaml").write_text(TEMPLATE)
    listed = [{"Id": each.id, "Name": each.name, "Status": each.state} for each in ALL]
    (tmp_path / "accounts.json").write_text(json.dumps({"Accounts": listed}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*more: str) -> int:
    return main(["all.yaml", "--accounts", "accounts.json", "--region", "eu-west-1", *more])


def test_nothing_is_written_unless_asked_for(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    assert run("--check") == 1
    assert not (project / "stacks").exists()
    shown = capsys.readouterr()
    assert shown.out.count("+++ Pulumi.") == 6
    assert 'account 444444444444 ("gone") is skipped: it is suspended.' in shown.err


def test_written_files_need_no_change_and_none_is_ever_deleted(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--write") == 0
    files = sorted(file.name for file in (project / "stacks").iterdir())
    assert files == [f"Pulumi.{each.id}-eu-west-1.yaml" for each in (SHOP, BLOG, BANK)]
    capsys.readouterr()
    assert run("--check") == 0
    assert capsys.readouterr().out == ""
    assert run("--exclude", BANK.id, "--write") == 0
    assert "`pulumi stack rm 333333333333-eu-west-1`" in capsys.readouterr().err
    assert sorted(file.name for file in (project / "stacks").iterdir()) == files


def test_nothing_is_written_if_one_file_would_be_wrong(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--write", "--exclude", BANK.id) == 0
    kept = project / "stacks" / f"Pulumi.{BANK.id}-eu-west-1.yaml"
    kept.write_text("config: {}\n")
    (project / "all.yaml").write_text(TEMPLATE.replace("required", "optional"))
    assert run("--write") == 2
    assert "was not written by imds-stacks" in capsys.readouterr().err
    assert "optional" not in (project / "stacks" / f"Pulumi.{SHOP.id}-eu-west-1.yaml").read_text()
    assert kept.read_text() == "config: {}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ou", "Workloads"], "has no organizational units"),
        (["--tag", "Team=web"], "has no tags"),
        (["--exclude", SHOP.id, "--exclude", BLOG.id, "--exclude", BANK.id], "no active account is selected"),
    ],
)
def test_what_the_file_of_accounts_cannot_answer_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
    assert project.exists()


def test_without_a_project_the_folder_has_to_be_given(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "Pulumi.yaml").unlink()
    assert run("--write") == 2
    assert "or give --to" in capsys.readouterr().err
    assert run("--write", "--to", "elsewhere") == 0
    assert len(list((project / "elsewhere").iterdir())) == 3
