"""The configuration of a program, and the region in which an attached instance is described."""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import TypeVar

import pulumi
import pytest

from imds_components import access, stack_config
from imds_components.access import Configuration
from imds_components.attachments import Attachment
from imds_components.stack_config import StackConfigError

T = TypeVar("T")
WEB = f"i-{'a' * 17}"


def with_config(config: Mapping[str, str], look: Callable[[], T]) -> T:
    """What an inline program finds for which the Automation API has set the configuration."""

    def program() -> T:
        pulumi.runtime.set_all_config(dict(config))
        return look()

    return contextvars.copy_context().run(program)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({"aws:region": "from-json", "aws:profile": "ops"}))
    monkeypatch.setenv("PULUMI_CONFIG_AWS_MAXRETRIES", "3")
    monkeypatch.setenv("PULUMI_CONFIG_AWS_PROFILE", "own-variable")


def test_configuration_is_what_pulumi_reads_with_pulumis_precedence() -> None:
    def look() -> list[str | None]:
        return [Configuration().get(f"aws:{key}") for key in ("region", "profile", "maxRetries", "token")]

    assert with_config({}, look) == ["from-json", "own-variable", "3", None]
    given = {"aws:region": "set", "aws:profile": "set", "aws:maxRetries": "9"}
    assert with_config(given, look) == ["set", "set", "9", None]


def test_the_keys_that_are_set_can_be_listed() -> None:
    config = Configuration()
    assert with_config({"imds:options": "{}"}, lambda: (sorted(config), len(config))) == (
        ["aws:profile", "aws:region", "imds:options"],
        3,
    )
    assert "imds:options" not in config


@pytest.mark.parametrize("inline", [True, False])
def test_an_unknown_key_is_refused_wherever_it_is_set(inline: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    slip = {"imds:optoins": "{}"}
    if not inline:
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(slip))
    with pytest.raises(StackConfigError) as caught:
        with_config(slip if inline else {}, stack_config.load)
    assert caught.value.problems == ("imds:optoins is not a known key; did you mean options?",)


def test_a_key_in_a_variable_of_its_own_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_IMDS_OPTIONS", '{"httpTokens": "required"}')
    assert with_config({}, stack_config.load).options == {"httpTokens": "required"}


def resource(**attributes: object) -> pulumi.Resource:
    return SimpleNamespace(**attributes)  # type: ignore[return-value]  # only its attributes are looked at


def test_a_region_argument_takes_precedence_over_the_region_of_the_resource() -> None:
    own = Attachment("web", WEB, resource(region="us-west-2"))
    assert access.region_of(own, "eu-west-1") == "eu-west-1"
    assert access.region_of(own, None) == "us-west-2"


@pytest.mark.parametrize("given", [None, resource(), resource(region=None)], ids=["an id", "no region", "none"])
def test_without_either_region_the_one_of_the_stack_is_used(given: pulumi.Resource | None) -> None:
    assert access.region_of(Attachment("web", WEB, given), None) is None
