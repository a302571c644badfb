"""imds-stacks against an organization in the embedded cloud, which moto answers for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3
import pytest

from imds_components.stacks.command import main
from localcloud.client import LocalCloud

if TYPE_CHECKING:
    from mypy_boto3_organizations.client import OrganizationsClient

TEMPLATE = """\
config:
  aws:region: ${region}
  aws:assumeRoles:
    - roleArn: arn:aws:iam::${account_id}:role/imds
  aws:allowedAccountIds: ["${account_id}"]
  imds:options: {httpTokens: required}
"""


class Seeded(NamedTuple):
    shop: str
    blog: str
    closed: str
    sandboxes: list[str]


@pytest.fixture
def organizations(cloud: LocalCloud) -> Iterator[OrganizationsClient]:
    client: OrganizationsClient = boto3.client("organizations", **cloud.connection())
    yield client
    client.close()


@pytest.fixture
def seeded(organizations: OrganizationsClient) -> Seeded:
    """Workloads/Prod with shop and an account that was closed, Workloads with blog, Sandbox with 25: two pages."""
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]

    def unit(name: str, parent: str) -> str:
        return organizations.create_organizational_unit(ParentId=parent, Name=name)["OrganizationalUnit"]["Id"]

    def account(name: str, parent: str, **tags: str) -> str:
        answer = organizations.create_account(
            Email=f"{name}@example.com",
            AccountName=name,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        created = answer["CreateAccountStatus"]["AccountId"]
        organizations.move_account(AccountId=created, SourceParentId=root, DestinationParentId=parent)
        return created

    workloads, sandbox = unit("Workloads", root), unit("Sandbox", root)
    prod = unit("Prod", workloads)
    made = Seeded(
        account("shop", prod, Environment="prod"),
        account("blog", workloads, Environment="dev"),
        account("closed", prod, Environment="prod"),
        [account(f"sandbox-{number}", sandbox) for number in range(25)],
    )
    organizations.close_account(AccountId=made.closed)
    return made


@pytest.fixture
def project(cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project, with what people have in their environment to reach Organizations."""
    connection = cloud.connection()
    monkeypatch.setenv("AWS_ENDPOINT_URL", connection["endpoint_url"])
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", connection["aws_access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", connection["aws_secret_access_key"])
    (tmp_path / "Pulumi.yaml").write_text("name: imds\nruntime: python\n")
    (tmp_path / "all.yaml").write_text(TEMPLATE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(project: Path) -> list[str]:
    return [file.name.split(".")[1] for file in sorted(project.glob("Pulumi.*.yaml"))]


def run(*more: str) -> int:
    return main(["all.yaml", "--region", "eu-west-1", "--write", *more])


def test_every_account_of_every_page_has_a_stack_file_and_a_closed_one_has_none(
    cloud: LocalCloud, seeded: Seeded, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--exclude", "123456789012") == 0
    assert written(project) == sorted(f"{each}-eu-west-1" for each in (seeded.shop, seeded.blog, *seeded.sandboxes))
    assert f'account {seeded.closed} ("closed") is skipped: it is suspended.' in capsys.readouterr().err
    assert cloud.calls("ListTagsForResource") == 0, "no tag is needed"


def test_units_tags_and_regions_select(cloud: LocalCloud, seeded: Seeded, project: Path) -> None:
    cloud.reset()
    select = ["--ou", "Workloads", "--tag", "Environment=prod,stage", "--region", "us-east-1"]
    assert run(*select, "--name", "{tag:Environment}-{account_id}-{region}") == 0
    assert written(project) == [f"prod-{seeded.shop}-eu-west-1", f"prod-{seeded.shop}-us-east-1"]
    assert cloud.calls("ListTagsForResource") == 2, "only those of active accounts in the unit"


@pytest.mark.parametrize(
    "action",
    ["ListRoots", "ListAccountsForParent", "ListOrganizationalUnitsForParent", "ListTagsForResource"],
)
def test_a_permission_that_is_missing_is_named_and_nothing_is_written(
    cloud: LocalCloud, seeded: Seeded, project: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    assert seeded
    cloud.settings(denied=[f"organizations:{action}"])
    assert run("--tag", "Environment=prod") == 2
    message = capsys.readouterr().err
    assert f"the permission organizations:{action}" in message
    assert "management account and its delegated administrators" in message
    assert written(project) == []


def test_an_account_without_an_organization_is_an_error(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "is in no organization" in capsys.readouterr().err
    assert written(project) == []
