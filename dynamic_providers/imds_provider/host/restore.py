"""Restore the previous options when an ``InstanceMetadataOptions`` with ``onDestroy: restore`` is deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..aws import Ec2
from ..errors import ConfigurationError, InstanceGoneError, InstanceMissingError
from ..rules.loosening import is_reason, loosened
from ..rules.options import OPTION_NAMES, Options, one_after_another, render
from ..rules.resource_state import (
    ALLOW_DOWNGRADE,
    INSTANCE_ID,
    OWNER_ID,
    REGION,
    WAIT,
    InstanceKey,
    Properties,
    instance_key,
    previous,
)
from ..waiting.apply import Outcome, apply_options
from ..waiting.clock import Deadline
from ..waiting.waiter import CONFIRM_MISSING_SECONDS
from . import runtime


def restore(recorded: Properties) -> None:
    """Restore the values from before the options were managed.

    Not those of options that another resource of this run manages, nor those that would loosen the instance without a
    recorded reason; both are warned of. Nothing is done for an instance that is gone.

    Raises :class:`ImdsError` if the restore failed.
    """
    instance_id, key = str(recorded[INSTANCE_ID]), instance_key(recorded)
    before = values_to_restore(instance_id, key, previous(recorded))
    if not before:
        return
    ec2 = runtime.ec2(recorded.get(REGION))
    deadline = runtime.deadline(recorded)
    try:
        outcomes = [_apply(ec2, recorded, options, deadline) for options in one_after_another(before)]
    except InstanceGoneError:
        return
    except InstanceMissingError:
        confirm_account(recorded)
        return
    if not is_reason(recorded.get(ALLOW_DOWNGRADE)):
        observed = outcomes[0].before.options
        warn_of_kept(instance_id, key, observed, before, loosened(observed, before))


def _apply(ec2: Ec2, recorded: Properties, options: Options, deadline: Deadline) -> Outcome:
    outcome = apply_options(
        ec2,
        str(recorded[INSTANCE_ID]),
        options,
        deadline,
        wait_until_applied=recorded.get(WAIT) is not False,
        allow_downgrade=recorded.get(ALLOW_DOWNGRADE),
        keep_stricter=True,
        missing_grace_seconds=CONFIRM_MISSING_SECONDS,
    )
    if outcome.problem is not None:
        raise outcome.problem
    return outcome


def values_to_restore(subject: str, key: InstanceKey, before: Options, names: Iterable[str] = OPTION_NAMES) -> Options:
    """The values from before that no other resource of this run manages, with a warning of those that are lost.

    ``subject`` is what they belong to, and ``names`` are the values that there are, in order.
    """
    managed, known = runtime.state().managed(key), runtime.state().before(key)
    lost = {name: value for name, value in before.items() if name in managed and known.get(name) != value}
    if lost and runtime.state().report_once(key):
        runtime.engine().warn(
            f"{subject} is now managed by another resource of this program, so {render(lost, names)} is not "
            "restored, and these previous values are lost. To keep them, declare the rename in `aliases`."
        )
    return {name: value for name, value in before.items() if name not in managed}


def warn_of_kept(
    subject: str,
    key: InstanceKey,
    observed: Options,
    before: Options,
    kept: Collection[str],
    *,
    names: Iterable[str] = OPTION_NAMES,
) -> None:
    """Warn of the values that were not loosened to those from before, for lack of a reason."""
    if kept and runtime.state().report_once(key):
        order = [name for name in names if name in kept]
        runtime.engine().warn(
            f"{subject} keeps {render(observed, order)} instead of the previous {render(before, order)}: "
            f"allow_downgrade gives no reason to loosen it. To loosen it, manage it again with {render(before, order)} "
            "and a reason."
        )


def confirm_account(recorded: Properties) -> None:
    """Raise :class:`ConfigurationError` if the credentials belong to another account than the missing instance did."""
    owner, region = recorded.get(OWNER_ID), recorded.get(REGION)
    if not owner or not isinstance(region, str):
        return
    account = runtime.aws().account_id(region)
    if account != owner:
        raise ConfigurationError(
            f"{recorded[INSTANCE_ID]} belongs to account {owner}, but the credentials in use belong to {account}: "
            "run again with credentials of its account."
        )
