"""Nothing is loosened without a recorded reason."""

from __future__ import annotations

from ..errors import LooseningRefusedError
from .allowed_values import REASON
from .options import HTTP_ENDPOINT, HTTP_TOKENS, Options, changes

_LOOSER = {HTTP_TOKENS: "optional", HTTP_ENDPOINT: "enabled"}


def loosened(observed: Options, wanted: Options) -> list[str]:
    """The options that a change from ``observed`` to ``wanted`` would loosen."""
    differing = changes(observed, wanted)
    return [name for name, looser in _LOOSER.items() if differing.get(name) == looser]


def can_be_loosened(options: Options) -> list[str]:
    """The options that something looser than their value could take the place of."""
    return [name for name, looser in _LOOSER.items() if options.get(name, looser) != looser]


def render_loosened(observed: Options, wanted: Options) -> str:
    """What would be loosened, as in ``httpTokens: required -> optional``."""
    return ", ".join(f"{name}: {observed[name]} -> {wanted[name]}" for name in loosened(observed, wanted))


def without_loosening(observed: Options, wanted: Options) -> Options:
    """The wanted options that do not loosen the instance."""
    kept = loosened(observed, wanted)
    return {name: value for name, value in wanted.items() if name not in kept}


def without_loosest(options: Options) -> Options:
    """The options without the values that nothing is looser than: setting one can only loosen."""
    return {name: value for name, value in options.items() if _LOOSER.get(name) != value}


def is_reason(given: object) -> bool:
    """Whether a value says why something may be loosened: a string that is not blank."""
    return REASON.accepts(given)


def require_reason(instance_id: str, observed: Options, wanted: Options, reason: object) -> None:
    """Raise :class:`LooseningRefusedError` if the change would loosen the instance and ``reason`` gives none."""
    if loosened(observed, wanted) and not is_reason(reason):
        raise LooseningRefusedError(refusal(instance_id, observed, wanted))


def refusal(
    instance_id: str,
    observed: Options,
    wanted: Options,
    key: str = "allow_downgrade (imds:allowDowngrade in a stack file)",
) -> str:
    """The error for an instance that would be loosened without a reason; ``key`` is where to give one."""
    return loosening_refusal(instance_id, render_loosened(observed, wanted), key)


def loosening_refusal(subject: str, change: str, key: str) -> str:
    """The error for a ``change``, such as ``httpTokens: required -> optional``, without a reason in ``key``."""
    return f"{subject} would be loosened ({change}): keep the current value, or give the reason in {key}."
