from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from localcloud.settings import Settings
from tests.automation.inline import InlineStack, Program
from tests.support.engine import find_engine

PENDING_SECONDS = 0.2

StackOf = Callable[[str, Mapping[str, object], Program], InlineStack]


@pytest.fixture(scope="session")
def engine() -> PulumiCommand:
    return find_engine()


@pytest.fixture(autouse=True)
def _no_configuration_of_this_user(monkeypatch: pytest.MonkeyPatch) -> None:
    # An inline program and its engine see this process's environment.
    for name in [name for name in os.environ if name.startswith(("AWS_", "PULUMI_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        yield cloud


@pytest.fixture
def stack_of(engine: PulumiCommand, tmp_path: Path) -> StackOf:
    """Makes a stack with an inline program, given its name, its configuration and the program."""
    return lambda name, config, program: InlineStack(tmp_path / name, engine, name, config, program)
