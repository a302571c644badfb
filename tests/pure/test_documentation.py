from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from pathlib import Path
from textwrap import dedent

import pytest
import yaml  # type: ignore[import-untyped]  # Pulumi's own dependency, without types

from imds_components.stack_config import parse
from tests.faults import catalogue, fleets

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "tests" / "README.md"]
FAULTS = [*(each.name for each in catalogue.TROUBLES), *(f"fleet/{each.name}" for each in fleets.TROUBLES)]
STACK_FILE = re.compile(r"^ *```yaml\n(.*?)```", re.MULTILINE | re.DOTALL)
TESTED_BY = re.compile(r"`make faults`: ((?:`[^`]+`(?:, )?)+)")


def stack_files() -> list[tuple[str, dict[str, object]]]:
    """The examples of stack files in the documentation, by where they are."""
    found = []
    for page in PAGES:
        for number, block in enumerate(STACK_FILE.findall(page.read_text("utf-8"))):
            content = yaml.safe_load(dedent(block)) or {}
            if "config" in content:
                found.append((f"{page.name} {number}", content["config"]))
    return found


@pytest.mark.parametrize("config", [pytest.param(config, id=where) for where, config in stack_files()])
def test_every_example_of_a_stack_file_is_valid(config: dict[str, object]) -> None:
    # An example of one key leaves out the options, without which no instance can be managed.
    sections = {"imds:options": {"httpTokens": "required"}, **config}
    parse({key: value if isinstance(value, str) else json.dumps(value) for key, value in sections.items()})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", page.read_text("utf-8"))
    assert [each for each in named if not (ROOT / each).exists()] == []


def test_every_fault_that_the_reliability_page_names_exists() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    named = [name for group in TESTED_BY.findall(text) for name in re.findall(r"`([^`]+)`", group)]
    assert len(named) > 30
    assert [name for name in named if not any(fnmatch(each, name) for each in FAULTS)] == []
