"""Policies for single resources, which are judged before they are created or changed.

A value that a preview does not know is not judged there: the run judges it, still before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..account_defaults import NO_HOP_LIMIT, NO_PREFERENCE
from ..launch_defaults import LAUNCHERS
from ..loosening import is_reason
from ..options import HTTP_ENDPOINT, HTTP_PUT_RESPONSE_HOP_LIMIT, HTTP_TOKENS
from ..validation import quote, whole_number
from .resources import ACCOUNT_DEFAULTS, INSTANCE_OPTIONS, UNKNOWN, DeclaredResource
from .settings import ANY, Settings

LAUNCHING = tuple(LAUNCHERS)
OWN = (INSTANCE_OPTIONS, ACCOUNT_DEFAULTS)

_SET_TOKENS = 'set http_tokens="required" in its metadata_options, or call launch_defaults() before the first resource.'
_NOT_SET = (None, UNKNOWN, NO_PREFERENCE, NO_HOP_LIMIT)


def requires_tokens_at_launch(resource: DeclaredResource, _settings: Settings) -> Iterator[str]:
    """What launches instances requires tokens. An instance that does not set them is for the policy of the stack."""
    tokens = resource.option(HTTP_TOKENS)
    if tokens is UNKNOWN or tokens == "required":
        return
    if tokens is not None:
        yield f"{resource} launches with http_tokens={quote(tokens)}, so IMDSv1 calls are answered: {_SET_TOKENS}"
    elif not LAUNCHERS[resource.type].is_instance:
        yield f"{resource} does not set http_tokens, so IMDSv1 calls may be answered: {_SET_TOKENS}"


def has_reason(resource: DeclaredResource, _settings: Settings) -> Iterator[str]:
    """Optional tokens of an instance or an account's default need a recorded reason."""
    tokens = resource.option(HTTP_TOKENS)
    if tokens in ("required", None) or UNKNOWN in (tokens, resource.reason) or is_reason(resource.reason):
        return
    yield (
        f"{resource} wants httpTokens={tokens} and gives no reason: require tokens, or give the reason in "
        "allow_downgrade (allowDowngrade in a stack file)."
    )


def hop_limit_in_range(resource: DeclaredResource, settings: Settings) -> Iterator[str]:
    """A hop limit that is set is in the range."""
    limit = resource.option(HTTP_PUT_RESPONSE_HOP_LIMIT)
    if limit not in _NOT_SET:
        for found in whole_number(settings.minimum, settings.maximum).check(limit):
            yield f"{resource}: {found.within(HTTP_PUT_RESPONSE_HOP_LIMIT).in_python()}"


def endpoint_as_configured(resource: DeclaredResource, settings: Settings) -> Iterator[str]:
    """The endpoint is what the configuration says, and a template or launch configuration that is to disable it does.

    An instance that leaves it unset is not judged, since it may exist already.
    """
    endpoint = resource.option(HTTP_ENDPOINT)
    wanted = settings.endpoint
    if wanted in (ANY, endpoint) or endpoint is UNKNOWN:
        return
    if endpoint not in _NOT_SET:
        yield f'{resource} has http_endpoint={quote(endpoint)}: set it to "{wanted}".'
    elif wanted == "disabled" and resource.type in LAUNCHERS and not LAUNCHERS[resource.type].is_instance:
        yield f'{resource} does not set http_endpoint, which EC2 enables: set it to "disabled".'
