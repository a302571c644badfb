"""The wheel and the source distribution: what `make dist` builds from a commit, built here from the working tree."""

from __future__ import annotations

import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from html.parser import HTMLParser
from pathlib import Path

import pytest
from readme_renderer.markdown import render

from hatch_build import with_absolute_links
from tools.distributions import build, check, refuse_uncommitted
from tools.engine.processes import SetUpError, run
from tools.sandbox import ROOT

EPOCH = "1700000000"
PACKAGES = {"imds_components": "components", "imds_provider": "dynamic_providers"}
"""The packages, each with the folder of the repository that it is in."""
PLUGIN = "pulumi-plugin.json"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return build(ROOT, tmp_path_factory.mktemp("dist"), epoch=EPOCH)


@pytest.fixture
def wheel(files: list[Path]) -> Path:
    return next(file for file in files if file.suffix == ".whl")


@pytest.fixture
def sdist(files: list[Path]) -> Path:
    return next(file for file in files if file.suffix == ".gz")


@pytest.fixture
def sources(sdist: Path, tmp_path: Path) -> Path:
    """The folder that the source distribution unpacks to."""
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path)  # noqa: S202  built above
    return tmp_path / sdist.name.removesuffix(".tar.gz")


@pytest.fixture
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def _in_repository(*, but: str = "") -> set[str]:
    """The files of both packages, as they are named from the folder that each is in."""
    folders = [(ROOT / folder, ROOT / folder / package) for package, folder in PACKAGES.items()]
    found = ((file.relative_to(source), file) for source, package in folders for file in package.rglob("*"))
    return {
        str(name) for name, file in found if file.is_file() and "__pycache__" not in name.parts and file.name != but
    }


def test_the_wheel_has_both_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    installed = {name for name in names if ".dist-info/" not in name}
    assert installed == {*_in_repository(but=PLUGIN), f"pulumi_imds/{PLUGIN}"}
    assert {f"{package}/py.typed" for package in PACKAGES} < installed
    assert sorted(name.partition(".dist-info/")[2] for name in names - installed) == [
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    ]


def test_the_source_distribution_has_what_the_wheel_is_built_from_and_nothing_else(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {f"{PACKAGES[name.partition('/')[0]]}/{name}" for name in _in_repository()}
    others = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "hatch_build.py", "pyproject.toml", ".gitignore"}
    assert names == sources | others


def test_the_source_distribution_builds_the_same_wheel_byte_for_byte(
    sources: Path, files: list[Path], tmp_path: Path
) -> None:
    again = build(sources, tmp_path / "again", epoch=EPOCH)
    assert {file.name: file.read_bytes() for file in again} == {file.name: file.read_bytes() for file in files}


def test_an_index_accepts_both(files: list[Path]) -> None:
    check(files)


def test_a_wheel_with_a_package_that_is_not_for_users_is_refused(sources: Path, tmp_path: Path) -> None:
    project = sources / "pyproject.toml"
    project.write_text(project.read_text().replace("packages = [", 'packages = ["components/tests", '))
    (sources / "components" / "tests").mkdir()
    (sources / "components" / "tests" / "__init__.py").touch()
    with pytest.raises(SetUpError, match=r"W202.*\n.*tests/"):
        check(build(sources, tmp_path / "spoilt", epoch=EPOCH))


def test_the_metadata_say_what_it_is_and_what_it_needs(metadata: Message) -> None:
    assert metadata["Name"] == "pulumi-imds"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Keywords"]
    assert metadata.get_all("Provides-Extra") == ["aws", "report"]
    classifiers = metadata.get_all("Classifier") or []
    assert "Programming Language :: Python :: 3.10" in classifiers
    assert "Typing :: Typed" in classifiers


def test_all_urls_are_below_the_one_address_of_the_repository(metadata: Message) -> None:
    urls = dict(each.split(", ") for each in metadata.get_all("Project-URL") or ())
    assert urls.keys() == {"Repository", "Documentation", "Changelog", "Issues"}
    assert all(url.startswith(urls["Repository"]) for url in urls.values())
    assert (ROOT / "pyproject.toml").read_text().count(urls["Repository"]) == 1


class _Targets(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  its base has it
        self.found += [value or "" for name, value in attrs if name in ("href", "src")]


def test_every_link_of_the_long_description_leads_to_a_file_of_the_tagged_repository(metadata: Message) -> None:
    html = render(str(metadata.get_payload()))
    assert html
    targets = _Targets()
    targets.feed(html)
    repository = (metadata.get_all("Project-URL") or [""])[0].split(", ")[1]
    tag = f"v{metadata['Version']}"
    pages, raw = f"{repository}/blob/{tag}/", f"{repository}/raw/{tag}/"
    links = [each for each in targets.found if not each.startswith("#")]
    assert len(links) > 10
    assert [each for each in links if not each.startswith((pages, raw))] == []
    paths = [each.removeprefix(pages).removeprefix(raw).partition("#")[0] for each in links]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert {raw + "docs/preview.svg", raw + "docs/report-light.png"} <= set(links), "an image needs the file itself"


@pytest.mark.parametrize(
    ("markdown", "absolute"),
    [
        ("[a](b.md)", "[a](P/b.md)"),
        ("![a](b.svg)", "![a](F/b.svg)"),
        ("[`a`](b.md) and [c](d#e)", "[`a`](P/b.md) and [c](P/d#e)"),
        ("[a](https://x.example/b)", "[a](https://x.example/b)"),
        ("[a](#b)", "[a](#b)"),
        ("`a[b](c)`", "`a[b](c)`"),
        ('<source srcset="a.png"><img alt="b" src="c.png">', '<source srcset="F/a.png"><img alt="b" src="F/c.png">'),
        ('<img src="https://x.example/b.png">', '<img src="https://x.example/b.png">'),
        ("```python\na[b](c)\n```\n[d](e)", "```python\na[b](c)\n```\n[d](P/e)"),
    ],
)
def test_links_become_absolute_and_code_stays(markdown: str, absolute: str) -> None:
    assert with_absolute_links(markdown, "P", "F") == absolute


def test_a_build_of_uncommitted_changes_is_refused_by_name(tmp_path: Path) -> None:
    run(["git", "init", "--quiet", tmp_path], limit=60)
    refuse_uncommitted(tmp_path)
    (tmp_path / "forgotten.py").touch()
    with pytest.raises(SetUpError, match=r"in no commit: forgotten\.py"):
        refuse_uncommitted(tmp_path)
