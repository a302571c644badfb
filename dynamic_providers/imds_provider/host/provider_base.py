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
from .property_bags import Spelling, is_known

Bag = dict[str, Any]  # what pulumi.dynamic passes and takes

P = ParamSpec("P")
R = TypeVar("R")


class Provider(dynamic.ResourceProvider):
    """Holds nothing, since it is pickled into the state of every stack: no configuration and no credentials."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        runtime.configure(req.config.get)


class Resource(dynamic.Resource):
    """The base of the resources: translates the names of its own properties, and takes no explicit AWS provider."""

    def __init__(self, provider: Provider, name: str, props: Bag, opts: pulumi.ResourceOptions | None = None) -> None:
        refuse_explicit_provider(f"{type(self).__name__} {name}", opts)
        self._spelling = Spelling(props)
        super().__init__(provider, name, props, opts)

    def translate_input_property(self, prop: str) -> str:
        return self._spelling.in_pulumi(prop)

    def translate_output_property(self, prop: str) -> str:
        return self._spelling.in_python(prop)


def reporting_errors(operation: Callable[P, R]) -> Callable[P, R]:
    """Report an expected error of the operation to the engine as one line, then re-raise it.

    The dynamic host prints its traceback below the resource, so that is cut short; the engine lists the lines of all
    resources together.
    """

    @wraps(operation)
    def reporting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return operation(*args, **kwargs)
        except ImdsError as error:
            runtime.engine().report(str(error))
            raise error.with_traceback(None) from None

    return reporting


def checked(news: Bag, check: Callable[[Bag, IsKnown], list[Violation]]) -> CheckResult:
    """The inputs, in the default region if they name none, and everything that ``check`` finds wrong with them."""
    inputs = dict(news)
    if inputs.get(REGION) is None:
        inputs[REGION] = runtime.aws().default_region()
    failures = [CheckFailure(".".join(map(str, each.path)), each.in_python()) for each in check(inputs, is_known)]
    return CheckResult(inputs, failures)
