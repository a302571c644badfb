"""The properties of ``AccountMetadataDefaults``: which inputs are valid, what counts as a change, what is recorded.

The property names are a contract with the state of every stack that uses the resource.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import allowed_values
from .account_defaults import (
    DEFAULT_NAMES,
    AccountDefaults,
    decode_defaults,
    default_changes,
    default_violations,
    in_words,
)
from .options import Options, OptionValue
from .planned_change import asks_for_change
from .resource_state import (
    ALLOW_DOWNGRADE,
    CHANGE,
    ON_DESTROY,
    PREVIOUS,
    REGION,
    TIMEOUT_SECONDS,
    UNFINISHED,
    InstanceKey,
    IsKnown,
    Properties,
    forbidden,
    manages_otherwise,
    merge_previous,
)
from .validation import Key, Violation, violations

MANAGED_BY = "managedBy"
"""``account``, or ``declarative-policy`` where an organization decides."""

SETTINGS = (REGION, ON_DESTROY, TIMEOUT_SECONDS, ALLOW_DOWNGRADE)
"""The recorded inputs that are not defaults."""

_KEYS = (
    Key(REGION, allowed_values.REGION_OF_RESOURCE, required=True),
    Key(ON_DESTROY, allowed_values.ON_DESTROY, required=True),
    Key(TIMEOUT_SECONDS, allowed_values.TIMEOUT_SECONDS, required=True),
    Key(CHANGE, allowed_values.LINE),
    Key(ALLOW_DOWNGRADE, allowed_values.REASON),
)


def check(inputs: Properties, is_known: IsKnown) -> list[Violation]:
    """Everything about the inputs that is not allowed."""
    if why := forbidden(inputs):
        return why
    return [*default_violations(inputs, is_known=is_known), *violations(inputs, _KEYS, is_known=is_known)]


def replaces(recorded: Properties, inputs: Properties) -> list[str]:
    """The properties that differ and replace the resource."""
    return [REGION] if inputs.get(REGION) != recorded.get(REGION) else []


def changed(recorded: Properties, inputs: Properties, is_known: IsKnown) -> bool:
    """Whether the new inputs differ from the recorded outputs, without asking EC2.

    ``timeoutSeconds`` is compared with nothing: it says how to carry out a change.
    """
    return (
        bool(replaces(recorded, inputs))
        or manages_otherwise(recorded, inputs, is_known, given=default_names(inputs), managed=managed(recorded))
        or needs_ec2(recorded, inputs)
    )


def needs_ec2(recorded: Properties, inputs: Properties) -> bool:
    """Whether an update has to ask EC2.

    It does if a default is newly set, or differs from the recorded or live value, or if the last change is unfinished.
    """
    wanted = decode_defaults(inputs)
    return (
        not set(wanted) <= set(managed(recorded))
        or bool(default_changes(decode_defaults(recorded), wanted))
        or bool(recorded.get(UNFINISHED))
        or asks_for_change(inputs.get(CHANGE), in_words(wanted))
    )


def account_key(properties: Properties) -> InstanceKey:
    """What identifies the defaults of a region in a run, beside the instances."""
    return properties.get(REGION), "account defaults"


def default_names(inputs: Properties) -> list[str]:
    """The defaults that are set, known or not."""
    return [name for name in DEFAULT_NAMES if inputs.get(name) is not None]


def previous(recorded: Properties) -> dict[str, OptionValue]:
    """The recorded values from before the defaults were first managed."""
    values = recorded.get(PREVIOUS)
    return decode_defaults(values) if isinstance(values, Mapping) else {}


def managed(recorded: Properties) -> list[str]:
    """The defaults that the program set when the outputs were recorded: those with a previous value."""
    return list(previous(recorded) if PREVIOUS in recorded else decode_defaults(recorded))


def outputs(inputs: Properties, seen: AccountDefaults, before: Options, unfinished: str = "") -> dict[str, object]:
    """The outputs to record: the inputs that are not defaults, and what was observed."""
    return {
        **({UNFINISHED: unfinished} if unfinished else {}),
        **_settings(inputs),
        **_observed(seen),
        PREVIOUS: dict(before),
    }


def carried_over(recorded: Properties, inputs: Properties) -> dict[str, object]:
    """The outputs after an update that does not ask EC2."""
    kept = {name: value for name, value in recorded.items() if name not in SETTINGS}
    before = merge_previous(previous(recorded), {}, decode_defaults(inputs))
    return {**kept, **_settings(inputs), PREVIOUS: before}


def refreshed_outputs(recorded: Properties, seen: AccountDefaults) -> dict[str, object]:
    """The outputs after a refresh. Without recorded ones (``opts.id``) the defaults count as managed from now on.

    A change that was not completed stays unfinished: whether its values are in force is for the next run to compare.
    """
    before = {name: seen.values[name] for name in managed(recorded)}
    return {PREVIOUS: before, **recorded, **_observed(seen)}


def refreshed_inputs(recorded: Properties, seen: AccountDefaults) -> dict[str, object]:
    """Inputs that match the defaults as they are, so that the next preview shows the difference to the program."""
    return {**_settings(recorded), **{name: seen.values[name] for name in managed(recorded)}}


def _settings(inputs: Properties) -> dict[str, object]:
    return {name: inputs[name] for name in SETTINGS if inputs.get(name) is not None}


def _observed(seen: AccountDefaults) -> dict[str, object]:
    return {**seen.values, MANAGED_BY: seen.managed_by}
