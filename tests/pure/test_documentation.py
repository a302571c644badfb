from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from imds_components.stack_config import StackConfigError, parse
from tests.faults import fleet_cases, scenarios

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("README.md")),
    ROOT / "tests" / "README.md",
]
EXAMPLES = sorted(each.parent for each in (ROOT / "examples").glob("*/README.md"))
PROJECTS = [each for each in EXAMPLES if (each / "Pulumi.yaml").exists()]
SCENARIOS = [
    *(each.name for each in scenarios.SCENARIOS),
    *(f"fleet/{each.name}" for each in fleet_cases.SCENARIOS),
]
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
TESTED_BY = re.compile(r"`make faults`: ((?:`[^`]+`(?:, )?)+)")
INLINE = re.compile(r"`(imds:\w+: \{[^`]*\})`")
VARIABLE = re.compile(r"i-[0-9a-f]+|\S*[a-z][A-Z=]\S*|\d[\d,.-]*|\bshop\b|[:;,()]")
"""What differs between messages: instance IDs, names of options, numbers, the name of the fleet, punctuation."""


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text("utf-8")) if found == language]


def quoted_phrases(page: Path) -> list[str]:
    """The longest constant part of each line that the page quotes from the output, if it has four words or more."""
    lines = [line for block in blocks(page, "") for line in block.splitlines()]
    phrases = [max((part.strip() for part in VARIABLE.split(line)), key=len) for line in lines]
    return [each for each in phrases if len(each.split()) > 3]


def stack_files() -> list[tuple[str, dict[str, object]]]:
    """The stack files, ESC environments and single keys that the documentation shows, by where they are.

    A stack file that names an environment is merged with the one before it on the page, as the engine does.
    """
    found = []
    for page in PAGES:
        environment: object = {}
        for number, block in enumerate(blocks(page, "yaml")):
            content = yaml.safe_load(dedent(block)) or {}
            if "values" in content:
                environment = content = {"config": content["values"]["pulumiConfig"]}
            elif "environment" in content:
                content = merged(content, environment)
            if "config" in content:
                found.append((f"{page.name} {number}", content["config"]))
        for number, line in enumerate(INLINE.findall(page.read_text("utf-8"))):
            found.append((f"{page.name} inline {number}", yaml.safe_load(line)))
    return found


def merged(given: Any, base: Any) -> Any:  # noqa: ANN401  YAML
    if not isinstance(given, dict) or not isinstance(base, dict):
        return given
    return {**base, **{name: merged(value, base.get(name)) for name, value in given.items()}}


@pytest.mark.parametrize("config", [pytest.param(config, id=where) for where, config in stack_files()])
def test_every_example_of_a_stack_file_is_valid(config: dict[str, object]) -> None:
    # An example of one key leaves out the options, without which no instance can be managed.
    sections = {"imds:options": {"httpTokens": "required"}, **config}
    parse({key: value if isinstance(value, str) else json.dumps(value) for key, value in sections.items()})


def test_the_page_for_other_tools_shows_every_stack_file_that_it_maps_to() -> None:
    assert len([where for where, _ in stack_files() if where.startswith("coming-from.md")]) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", page.read_text("utf-8"))
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_every_scenario_that_the_reliability_page_names_exists() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = [name for group in TESTED_BY.findall(text) for name in re.findall(r"`([^`]+)`", group)]
    assert len(named) > 30
    assert [name for name in named if not any(fnmatch(each, name) for each in SCENARIOS)] == []


def test_the_configuration_page_quotes_the_errors_for_a_wrong_stack_file() -> None:
    with pytest.raises(StackConfigError) as caught:
        parse({"imds:options": json.dumps({"httpPutResponseHopLimt": 2, "httpTokens": "on"})})
    assert f"{caught.value}\n" in blocks(ROOT / "docs" / "configuration.md", "")


@pytest.mark.parametrize("page", ["fleets.md", "road-to-imdsv2.md"])
def test_messages_that_a_page_quotes_are_those_of_the_code(page: str) -> None:
    folders = (ROOT / "components", ROOT / "dynamic_providers")
    code = "\n".join(file.read_text("utf-8") for folder in folders for file in sorted(folder.rglob("*.py")))
    literals = re.sub(r"""["']\s*\n\s*f?["']""", "", code)
    phrases = quoted_phrases(ROOT / "docs" / page)
    assert len(phrases) > 5
    assert [each for each in phrases if each not in literals] == []


EXAMPLES = sorted(each.parent for each in (ROOT / "examples").glob("*/README.md"))


@pytest.mark.parametrize(
    "example", [each for each in EXAMPLES if (each / "Pulumi.yaml").exists()], ids=lambda it: it.name
)
def test_the_commands_of_an_example_set_what_its_project_declares(example: Path) -> None:
    declared = yaml.safe_load((example / "Pulumi.yaml").read_text("utf-8")).get("config", {})
    commands = re.findall(r"pulumi config set (?:--path )?'?([\w:]+)", (example / "README.md").read_text("utf-8"))
    assert set(commands) - {"aws:region"} == set(declared)


def test_the_list_of_examples_has_all_of_them() -> None:
    listed = re.findall(r"\]\((\w+)/README\.md\)", (ROOT / "examples" / "README.md").read_text("utf-8"))
    assert sorted(listed) == [each.name for each in EXAMPLES]
