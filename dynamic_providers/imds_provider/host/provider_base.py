"""What this project's dynamic resources and their providers have in common: glue to Pulumi, no rules."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pulumi
from pulumi import dynamic
from pulumi.dynamic import CheckFailure, CheckResult, ConfigureRequest

from ..errors import ImdsError
from ..program.explicit_providers import refuse_explicit_provider
from ..rules.resource_state import REGION, IsKnown
from ..rules.validation import Violation
from . import runtime
from .property_bags import is_known, translate_input, translate_output

Bag = dict[str, Any]  # what pulumi.dynamic passes and takes

P = ParamSpec("P")
R = TypeVar("R")


class Provider(dynamic.ResourceProvider):
    """Holds nothing, since it is pickled into the state of every stack: no configuration and no credentials."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        runtime.configure(req.config.get)


class Resource(dynamic.Resource):
    """Spells the names of its own properties in Pulumi's way, and leaves those alone that people chose."""

    def __init__(self, provider: Provider, name: str, props: Bag, opts: pulumi.ResourceOptions | None = None) -> None:
        refuse_explicit_provider(f"{type(self).__name__} {name}", opts)
        super().__init__(provider, name, props, opts)

    def translate_input_property(self, prop: str) -> str:
        return translate_input(prop)

    def translate_output_property(self, prop: str) -> str:
        return translate_output(prop)


def told(operation: Callable[P, R]) -> Callable[P, R]:
    """A provider's operation whose error the engine is told as a sentence, before it fails with it."""

    @wraps(operation)
    def tell(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except ImdsError as error:
            raise runtime.reported(error) from None

    return tell


def checked(news: Bag, check: Callable[[Bag, IsKnown], list[Violation]]) -> CheckResult:
    """The inputs, in the default region if they name none, and everything that ``check`` finds wrong with them."""
    inputs = dict(news)
    if inputs.get(REGION) is None:
        inputs[REGION] = runtime.aws().default_region()
    failures = [CheckFailure(".".join(map(str, each.path)), each.in_python()) for each in check(inputs, is_known)]
    return CheckResult(inputs, failures)
