"""Changes that loosen security, which nobody should make by accident. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imds_provider.options import HTTP_ENDPOINT, HTTP_TOKENS, Options, changes

Allowance = str | Mapping[str, str] | None
"""Why a fleet may be downgraded, or a reason for each instance that may be; None allows nothing."""

_LOOSER = {HTTP_TOKENS: "optional", HTTP_ENDPOINT: "enabled"}


def downgrades(observed: Options, wanted: Options) -> list[str]:
    """What would be loosened on an instance: ``httpTokens: required -> optional``."""
    differing = changes(observed, wanted)
    return [
        f"{name}: {observed[name]} -> {looser}" for name, looser in _LOOSER.items() if differing.get(name) == looser
    ]


def guard(found: Mapping[str, Sequence[str]], allow: Allowance) -> list[str]:
    """A sentence for each instance that would be loosened without a reason.

    ``found`` has the :func:`downgrades` of each instance.
    """
    return [
        f"{instance_id} would be loosened ({', '.join(what)}): "
        "keep what it has, or give a reason for it in allowDowngrade."
        for instance_id, what in sorted(found.items())
        if what and not _reason(allow, instance_id).strip()
    ]


def _reason(allow: Allowance, instance_id: str) -> str:
    return allow.get(instance_id, "") if isinstance(allow, Mapping) else allow or ""
