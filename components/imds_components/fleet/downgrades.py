"""Which instances may be loosened: a reason for a whole fleet, or one for each instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imds_provider.rules.loosening import is_reason, loosened, refusal

from .member import Member

Allowance = str | Mapping[str, str] | None
"""Why a fleet may be loosened, or a reason by instance ID; None allows nothing."""


def refused_downgrades(members: Iterable[Member], allow: Allowance, key: str) -> list[str]:
    """One line per instance that its wanted options would loosen without a reason, in order of the IDs.

    ``key`` is where a reason is given.
    """
    return [
        refusal(each.instance_id, each.observation.options, each.wanted, key)
        for each in sorted(members, key=lambda member: member.instance_id)
        if loosened(each.observation.options, each.wanted) and reason_for(allow, each.instance_id) is None
    ]


def reason_for(allow: Allowance, instance_id: str) -> str | None:
    """The reason why the instance may be loosened, if there is one."""
    reason = allow.get(instance_id) if isinstance(allow, Mapping) else allow
    return reason if is_reason(reason) else None
