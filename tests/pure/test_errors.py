"""One taxonomy: whatever this project raises on purpose is in the tree, and the tree is as it is drawn."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pulumi
import pytest

import imds_components
import imds_provider
from imds_provider import errors
from imds_provider.errors import ImdsError, InvalidInputError
from imds_provider.program.errors import ProgramError

MODULES = sorted(
    each.name
    for package in (imds_components, imds_provider)
    for each in walk_packages(package.__path__, f"{package.__name__}.")
)
PROTOCOLS = {"imds_components.access": {"KeyError"}}
"""What a protocol of Python's demands, such as that of a mapping."""


def drawn() -> Iterator[tuple[str, str]]:
    """The pairs of an error and its base in the docstring."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"(?P<branch>(?:│   |    )*[├└]── )?(?P<name>\w+Error)\b", line)
        if found is None:
            continue
        depth = len(found["branch"] or "") // 4
        path = [*path[:depth], found["name"]]
        if depth:
            yield path[-1], path[-2]


def defined(error: type[ImdsError] = ImdsError) -> Iterator[tuple[str, str]]:
    for each in (found for found in error.__subclasses__() if found.__module__.startswith("imds_provider.")):
        yield each.__name__, error.__name__
        yield from defined(each)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    for module in MODULES:
        import_module(module)
    assert sorted(drawn()) == sorted(defined())


@pytest.mark.parametrize("module", MODULES)
def test_what_is_raised_by_name_is_in_the_tree(module: str) -> None:
    found = import_module(module)
    tree = ast.parse(Path(found.__file__ or "").read_text())
    raised = [
        each.exc.func
        for each in ast.walk(tree)
        if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call) and ast.unparse(each.exc.func)[0].isupper()
    ]
    outside = {
        ast.unparse(each)
        for each in raised
        if not (isinstance(each, ast.Name) and issubclass(getattr(found, each.id, object), ImdsError))
    }
    assert outside == PROTOCOLS.get(module, set())


def test_a_wrong_argument_is_still_a_value_error_and_a_program_still_ends_without_a_traceback() -> None:
    assert issubclass(InvalidInputError, ValueError)
    assert issubclass(ProgramError, pulumi.RunError)
