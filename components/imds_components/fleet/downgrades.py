"""Who may be loosened: a reason for a whole fleet, or one for each instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imds_provider.rules.loosening import is_reason, loosened, refusal
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options

Allowance = str | Mapping[str, str] | None
"""Why a fleet may be downgraded, or a reason for each instance that may be; None allows nothing."""


def guard(members: Iterable[tuple[Observation, Options]], allow: Allowance) -> list[str]:
    """A sentence for each instance that its wanted options would loosen without a reason, in order of the ids."""
    return [
        refusal(seen.instance_id, seen.options, wanted)
        for seen, wanted in sorted(members, key=lambda each: each[0].instance_id)
        if loosened(seen.options, wanted) and reason_for(allow, seen.instance_id) is None
    ]


def reason_for(allow: Allowance, instance_id: str) -> str | None:
    """The reason why the instance may be loosened, if one is given."""
    reason = allow.get(instance_id) if isinstance(allow, Mapping) else allow
    return reason if is_reason(reason) else None
