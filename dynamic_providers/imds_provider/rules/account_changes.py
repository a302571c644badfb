"""Which changes of an account's defaults are refused, and how changes that fail are reported."""

from __future__ import annotations

from ..errors import DeclarativePolicyError, ImdsError, InvalidInputError, LooseningRefusedError
from .account_defaults import (
    HTTP_TOKENS_ENFORCED,
    AccountDefaults,
    default_changes,
    enforcement_violations,
    loosened_defaults,
    render_default_changes,
    render_defaults,
)
from .loosening import is_reason, loosening_refusal
from .options import HTTP_TOKENS, Options

REASON_KEY = "allow_downgrade (imds:accountDefaults.allowDowngrade in a stack file)"


def subject(region: str) -> str:
    """The account whose defaults are meant, in messages."""
    return f"the account in {region}"


def objection(
    region: str, seen: AccountDefaults, wanted: Options, reason: object, key: str = REASON_KEY
) -> ImdsError | None:
    """Why the change from what was ``seen`` to ``wanted`` must not be sent, if it must not.

    ``reason`` is why the defaults may be loosened, and ``key`` is where one is given. Nothing is wrong with a change
    that changes nothing, so what a declarative policy has set already may be wanted as well.
    """
    changes = default_changes(seen.values, wanted)
    if not changes:
        return None
    if seen.is_managed_by_policy:
        return DeclarativePolicyError(policy_refusal(region, seen, wanted))
    loosening = {name: wanted[name] for name in loosened_defaults(seen.values, wanted)}
    if loosening and not is_reason(reason):
        change = render_default_changes(seen.values, loosening)
        return LooseningRefusedError(loosening_refusal(subject(region), change, key))
    # What others have set against each other is not for a change of something else to resolve.
    if {HTTP_TOKENS, HTTP_TOKENS_ENFORCED} & set(changes) and enforcement_violations({**seen.values, **changes}):
        return InvalidInputError(contradiction(region, wanted))
    return None


def without_loosening_defaults(observed: Options, wanted: Options) -> Options:
    """The wanted defaults that do not loosen anything."""
    kept = loosened_defaults(observed, wanted)
    return {name: value for name, value in wanted.items() if name not in kept}


def contradiction(region: str, wanted: Options) -> str:
    """Report a change after which optional tokens would be the default where IMDSv2 is enforced."""
    return (
        f"{subject(region)} would have a default of optional tokens where IMDSv2 is enforced "
        f"({render_defaults(wanted)}), so that every launch that names none fails: set httpTokens to required or "
        "no-preference, or httpTokensEnforced to disabled."
    )


def policy_refusal(region: str, seen: AccountDefaults, wanted: Options) -> str:
    """Report defaults that a declarative policy decides otherwise, with the message of whoever set it."""
    said = f", which says: {seen.exception_message.strip().rstrip('.')}" if seen.exception_message.strip() else ""
    return (
        f"{subject(region)} would change ({render_default_changes(seen.values, wanted)}), but an organization's "
        f"declarative policy decides this{said}. Remove them from the program there, or have the policy changed."
    )


def timeout_reason(region: str, wanted: Options, seen: AccountDefaults, seconds: float) -> str:
    """Report defaults that did not show the wanted values in time."""
    return (
        f"{subject(region)} did not reach {render_defaults(wanted)} within {seconds:g} s; last seen: "
        f"{render_defaults(seen.values)}. Run the same command again to go on waiting, and check that no other stack, "
        "tool or person sets them back."
    )


def made_stricter(region: str, seen: AccountDefaults, wanted: Options) -> str:
    """Report defaults that somebody else has made stricter than wanted since they were changed."""
    return (
        f"{subject(region)} was changed by somebody else during the wait, to {_instead_of(seen, wanted)}, which is "
        "stricter and is kept. Agree on one value, then run `pulumi up` again."
    )


def changed_twice(region: str, seen: AccountDefaults, wanted: Options) -> str:
    """Report defaults that somebody else changes as often as they are changed here."""
    return (
        f"{subject(region)} was changed twice by somebody else during the wait, the last time to "
        f"{_instead_of(seen, wanted)}: another stack, tool or person manages the same defaults. Agree on one owner, "
        "then run `pulumi up` again."
    )


def _instead_of(seen: AccountDefaults, wanted: Options) -> str:
    return render_defaults(seen.values, default_changes(seen.values, wanted))
