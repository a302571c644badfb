from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi.automation import PulumiCommand

from localcloud.client import LocalCloud
from localcloud.settings import Settings
from tests.support.engine import Stack, copy_project, find_engine
from tools.sandbox import ROOT

PENDING_SECONDS = 0.2

StackOf = Callable[[Path, str], Stack]


@pytest.fixture(scope="session")
def engine() -> PulumiCommand:
    return find_engine()


@pytest.fixture(autouse=True)
def _no_configuration_of_this_user(monkeypatch: pytest.MonkeyPatch) -> None:
    # The Automation API passes this process's environment on.
    for name in [name for name in os.environ if name.startswith(("AWS_", "PULUMI_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud.in_process(Settings(pending=PENDING_SECONDS)) as cloud:
        yield cloud


@pytest.fixture
def stack_of(engine: PulumiCommand, tmp_path: Path) -> StackOf:
    """Makes a stack of a copy of a project, given its folder and the stack's name."""
    return lambda project, name: Stack(copy_project(project, tmp_path / "project"), tmp_path, engine, name)


@pytest.fixture
def stack(stack_of: StackOf) -> Stack:
    """A stack of this project."""
    return stack_of(ROOT, "test")


@pytest.fixture
def attach(stack_of: StackOf) -> Stack:
    """A stack of examples/attach."""
    return stack_of(ROOT / "examples" / "attach", "test")
