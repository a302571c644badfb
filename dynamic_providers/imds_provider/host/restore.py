"""What deleting an ``InstanceMetadataOptions`` does where ``onDestroy`` is ``restore``."""

from __future__ import annotations

from ..aws import Ec2
from ..errors import ConfigurationError, InstanceGoneError, InstanceMissingError
from ..rules import resource_state as p
from ..rules.loosening import is_reason, loosened
from ..rules.options import Options, one_after_another, render
from ..rules.resource_state import Bag
from ..waiting.apply import Outcome, apply_options
from ..waiting.clock import Deadline
from ..waiting.waiter import CONFIRM_MISSING_SECONDS
from . import runtime


def restore(recorded: Bag) -> None:
    """Put back what was there before the options were managed.

    Not what another resource of this run manages, nor what would loosen the instance without a recorded reason: either
    is warned of. An instance that is gone needs nothing. Raises :class:`ImdsError` where it could not be done.
    """
    before = _left_to_restore(recorded)
    if not before:
        return
    ec2 = runtime.ec2(recorded.get(p.REGION))
    deadline = runtime.deadline(recorded.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
    try:
        outcomes = [_put_back(ec2, recorded, options, deadline) for options in one_after_another(before)]
    except InstanceGoneError:
        return
    except InstanceMissingError:
        confirm_account(recorded)
        return
    _warn_of_kept(recorded, outcomes[0].before.options, before)


def _put_back(ec2: Ec2, recorded: Bag, options: Options, deadline: Deadline) -> Outcome:
    outcome = apply_options(
        ec2,
        str(recorded[p.INSTANCE_ID]),
        options,
        deadline,
        wait_until_applied=recorded.get(p.WAIT) is not False,
        allow_downgrade=recorded.get(p.ALLOW_DOWNGRADE),
        keep_stricter=True,
        missing_grace_seconds=CONFIRM_MISSING_SECONDS,
    )
    if outcome.problem is not None:
        raise outcome.problem
    return outcome


def _left_to_restore(recorded: Bag) -> Options:
    """The values from before, of the options that no other resource of this run manages."""
    place, before = p.place(recorded), p.previous(recorded)
    managed, known = runtime.state().managed(*place), runtime.state().before(*place)
    forgotten = {name: value for name, value in before.items() if name in managed and known.get(name) != value}
    if forgotten and runtime.state().report_once(*place):
        runtime.engine().warn(
            f"{recorded[p.INSTANCE_ID]} is managed by another resource of this program from now on, so "
            f"{render(forgotten)} is not restored, and these values from before are forgotten. To keep them, declare "
            "the rename in `aliases`."
        )
    return {name: value for name, value in before.items() if name not in managed}


def _warn_of_kept(recorded: Bag, observed: Options, before: Options) -> None:
    """Warn of what has not been loosened."""
    kept = {name: observed[name] for name in loosened(observed, before)}
    if kept and not is_reason(recorded.get(p.ALLOW_DOWNGRADE)) and runtime.state().report_once(*p.place(recorded)):
        runtime.engine().warn(
            f"{recorded[p.INSTANCE_ID]} keeps {render(kept)}, though it had {render(before, kept)} before: nothing in "
            f"allow_downgrade gives a reason to loosen it. To go back, manage it again with {render(before, kept)} and "
            "a reason."
        )


def confirm_account(recorded: Bag) -> None:
    """Refuse to take an instance for deleted when the credentials belong to another account than it did."""
    owner, region = recorded.get(p.OWNER_ID), recorded.get(p.REGION)
    if not owner or not isinstance(region, str):
        return
    account = runtime.aws().account_id(region)
    if account != owner:
        raise ConfigurationError(
            f"{recorded[p.INSTANCE_ID]} belongs to account {owner}, but the credentials in use belong to {account}: "
            "run again with credentials of its account."
        )
