"""Restore the previous options when an ``InstanceMetadataOptions`` with ``onDestroy: restore`` is deleted."""

from __future__ import annotations

from ..aws import Ec2
from ..errors import ConfigurationError, InstanceGoneError, InstanceMissingError
from ..rules.loosening import is_reason, loosened
from ..rules.options import Options, one_after_another, render
from ..rules.resource_state import (
    ALLOW_DOWNGRADE,
    INSTANCE_ID,
    OWNER_ID,
    REGION,
    WAIT,
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
    before = _values_to_restore(recorded)
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
    _warn_of_kept(recorded, outcomes[0].before.options, before)


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


def _values_to_restore(recorded: Properties) -> Options:
    """The values from before of the options that no other resource of this run manages."""
    instance, before = instance_key(recorded), previous(recorded)
    managed, known = runtime.state().managed(instance), runtime.state().before(instance)
    lost = {name: value for name, value in before.items() if name in managed and known.get(name) != value}
    if lost and runtime.state().report_once(instance):
        runtime.engine().warn(
            f"{recorded[INSTANCE_ID]} is now managed by another resource of this program, so {render(lost)} is not "
            "restored, and these previous values are lost. To keep them, declare the rename in `aliases`."
        )
    return {name: value for name, value in before.items() if name not in managed}


def _warn_of_kept(recorded: Properties, observed: Options, before: Options) -> None:
    """Warn of the values that were not loosened."""
    kept = {name: observed[name] for name in loosened(observed, before)}
    if kept and not is_reason(recorded.get(ALLOW_DOWNGRADE)) and runtime.state().report_once(instance_key(recorded)):
        runtime.engine().warn(
            f"{recorded[INSTANCE_ID]} keeps {render(kept)} instead of the previous {render(before, kept)}: "
            f"allow_downgrade gives no reason to loosen it. To loosen it, manage it again with {render(before, kept)} "
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
