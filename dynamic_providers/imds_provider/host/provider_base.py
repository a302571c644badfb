"""The base of the dynamic resources and of their providers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import pulumi
from pulumi import dynamic
from pulumi.dynamic import CheckFailure, CheckResult, ConfigureRequest

from ..errors import ImdsError
from ..program.errors import ProgramError
from ..program.explicit_providers import refuse_explicit_provider
from ..rules.resource_state import REGION, IsKnown, Properties
from ..rules.validation import Violation
from . import runtime
from .property_bags import Spelling, is_known

P = ParamSpec("P")
R = TypeVar("R")


class Provider(dynamic.ResourceProvider):
    """The base of the providers. Pulumi pickles them into the state of every stack, so they hold no values."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        runtime.run().configure(req.config.get)


class Resource(dynamic.Resource):
    """The base of the resources: spells its own properties as Pulumi does, and refuses explicit AWS providers."""

    def __init__(
        self, provider: Provider, name: str, props: dict[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
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


def checked(news: Properties, check: Callable[[Properties, IsKnown], list[Violation]]) -> CheckResult:
    """The inputs, with the default region if they name none, and a failure for each violation that ``check`` finds."""
    inputs = dict(news)
    if inputs.get(REGION) is None:
        inputs[REGION] = runtime.aws().default_region()
    failures = [CheckFailure(".".join(map(str, each.path)), each.in_python()) for each in check(inputs, is_known)]
    return CheckResult(inputs, failures)


def fail_if(unfinished: str | None) -> None:
    """Fail the program with why a change was not completed. Raises :class:`ProgramError`."""
    if unfinished:
        raise ProgramError(unfinished)
