"""Restore the previous defaults when an ``AccountMetadataDefaults`` with ``onDestroy: restore`` is deleted."""

from __future__ import annotations

from ..errors import DeclarativePolicyError, InvalidInputError
from ..rules.account_changes import subject
from ..rules.account_defaults import DEFAULT_NAMES, default_changes, loosened_defaults, render_defaults
from ..rules.account_state import account_key, previous
from ..rules.loosening import is_reason
from ..rules.options import Options
from ..rules.resource_state import ALLOW_DOWNGRADE, REGION, Properties
from ..waiting.apply_defaults import apply_defaults
from . import runtime
from .restore import values_to_restore, warn_of_kept


def restore_defaults(recorded: Properties) -> None:
    """Restore the values from before the defaults were managed.

    Not those that another resource of this run manages, nor those that would loosen the account without a recorded
    reason, nor anything that a declarative policy decides or that enforcement would turn against launches; all of them
    are warned of.

    Raises :class:`ImdsError` if the restore failed.
    """
    api = runtime.aws().account_defaults(str(recorded[REGION]))
    what, key = subject(api.region), account_key(recorded)
    before = values_to_restore(what, key, previous(recorded), DEFAULT_NAMES)
    if not before:
        return
    reason = recorded.get(ALLOW_DOWNGRADE)
    try:
        outcome = apply_defaults(api, before, runtime.deadline(recorded), allow_downgrade=reason, keep_stricter=True)
    except DeclarativePolicyError:
        _warn_of_policy(what, before)
        return
    except InvalidInputError as error:
        runtime.engine().warn(f"{render_defaults(before)} is not restored: {error}")
        return
    if outcome.problem is not None:
        raise outcome.problem
    observed = outcome.before.values
    if outcome.before.is_managed_by_policy and default_changes(observed, before):
        _warn_of_policy(what, before)
    elif not is_reason(reason):
        warn_of_kept(what, key, observed, before, loosened_defaults(observed, before), names=DEFAULT_NAMES)


def _warn_of_policy(what: str, before: Options) -> None:
    runtime.engine().warn(
        f"{what} keeps its defaults, since an organization's declarative policy decides them: "
        f"{render_defaults(before)} is not restored."
    )
