"""A program written for 0.2.0 still runs: its names are exported and take the same arguments with the same defaults."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Protocol, get_type_hints

import pytest

import imds_components
import imds_provider
from imds_provider.rules.options import OPTIONS
from tests.contract import api_0_2_0

RELEASED: dict[str, Any] = get_type_hints(api_0_2_0)
"""The protocol of each exported name."""
CHANGED_DEFAULTS = {
    ("MetadataWaveHealthy", "soak_minutes"),  # CHANGELOG, after 0.3.0: not set means until CloudWatch covers the change
    ("Rollout", "soak_minutes"),
}


def breaking_differences(released: Any, current: Callable[..., object]) -> Iterator[str]:  # noqa: ANN401  a protocol
    """Each difference that can break a call which the released signature allows. Types are left to mypy."""
    before = dict(list(inspect.signature(released.__call__).parameters.items())[1:])
    now = inspect.signature(current).parameters
    for name, parameter in before.items():
        if name not in now:
            yield f"{name} was removed"
        elif now[name].kind is not parameter.kind:
            yield f"{name} was {parameter.kind.description} and is {now[name].kind.description}"
        elif now[name].default != parameter.default:
            yield f"{name} had the default {parameter.default!r} and has {now[name].default!r}"
    positional = [name for name, parameter in before.items() if parameter.kind is not parameter.KEYWORD_ONLY]
    if list(now)[: len(positional)] != positional:
        yield f"the positional arguments were {positional}"
    yield from (
        f"{name} is new and required"
        for name, parameter in now.items()
        if name not in before and parameter.default is parameter.empty
    )


@pytest.mark.parametrize("name", RELEASED)
def test_every_call_that_0_2_0_allowed_is_allowed_with_the_same_defaults(name: str) -> None:
    accepted = {argument for changed, argument in CHANGED_DEFAULTS if changed == name}
    found = list(breaking_differences(RELEASED[name], getattr(api_0_2_0, name)))
    assert [each for each in found if each.split(" had the default")[0] not in accepted] == []
    assert len(found) == len(accepted)


@pytest.mark.parametrize("name", RELEASED)
def test_every_attribute_of_0_2_0_can_be_read(name: str) -> None:
    result = inspect.get_annotations(RELEASED[name].__call__, eval_str=False)["return"]
    promised = [] if result == "object" else _attributes(getattr(api_0_2_0, result))
    current = getattr(api_0_2_0, name)
    assert [each for each in promised if each not in current.__annotations__ and not hasattr(current, each)] == []


def _attributes(protocol: type) -> list[str]:
    return [name for name in {**inspect.get_annotations(protocol), **vars(protocol)} if not name.startswith("_")]


def test_every_name_of_0_2_0_is_exported() -> None:
    assert set(RELEASED) <= {*imds_provider.__all__, *imds_components.__all__}


def test_launch_defaults_takes_its_arguments_by_name_and_requires_tokens_by_default() -> None:
    parameters = inspect.signature(imds_components.launch_defaults).parameters.values()
    assert {each.kind for each in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert {each.name: each.default for each in parameters} == {
        "http_tokens": "required",
        **dict.fromkeys(option.argument for option in OPTIONS[1:]),
        "metadata_options": None,
        "allow_downgrade": None,
    }


class _Before(Protocol):
    def __call__(self, name: str, size: int = 1, *, region: str | None = None) -> object: ...


def _the_same(name: str, size: int = 1, *, region: str | None = None) -> None: ...
def _with_more(name: str, size: int = 1, extra: int = 0, *, mode: str = "", region: str | None = None) -> None: ...
def _removed(name: str, size: int = 1) -> None: ...
def _renamed(name: str, size: int = 1, *, place: str | None = None) -> None: ...
def _reordered(size: int, name: str = "", *, region: str | None = None) -> None: ...
def _other_default(name: str, size: int = 2, *, region: str | None = None) -> None: ...
def _keyword_only(name: str, *, size: int = 1, region: str | None = None) -> None: ...
def _required(name: str, size: int = 1, *, region: str | None = None, mode: str) -> None: ...


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        (_the_same, []),
        (_with_more, []),
        (_removed, ["region was removed"]),
        (_renamed, ["region was removed"]),
        (
            _reordered,
            [
                "name had the default <class 'inspect._empty'> and has ''",
                "size had the default 1 and has <class 'inspect._empty'>",
                "the positional arguments were ['name', 'size']",
            ],
        ),
        (_other_default, ["size had the default 1 and has 2"]),
        (_keyword_only, ["size was positional or keyword and is keyword-only"]),
        (_required, ["mode is new and required"]),
    ],
)
def test_a_breaking_difference_is_found_and_an_addition_is_none(
    current: Callable[..., object], expected: list[str]
) -> None:
    assert list(breaking_differences(_Before, current)) == expected
