"""The five instance metadata options: their names, allowed values, codec, differences and the request to send.

Options travel as a mapping from the Pulumi property (``httpTokens``) to its value; a
property that is absent is not managed (in what is wanted) or not known to the region (in what was observed).

Sources: EC2 API reference, ``ModifyInstanceMetadataOptions`` and ``InstanceMetadataOptionsResponse``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .validation import Key, Rule, Violation, choice, object_of, violations, whole_number

OptionValue = str | int
Options = Mapping[str, OptionValue]

HTTP_TOKENS = "httpTokens"
HTTP_PUT_RESPONSE_HOP_LIMIT = "httpPutResponseHopLimit"
HTTP_ENDPOINT = "httpEndpoint"
HTTP_PROTOCOL_IPV6 = "httpProtocolIpv6"
INSTANCE_METADATA_TAGS = "instanceMetadataTags"


@dataclass(frozen=True)
class Option:
    """One option under the three names it goes by, and its values, or the range of the hop limit (1 to 64)."""

    name: str
    argument: str
    ec2_name: str
    allowed: tuple[str, ...] | range

    @cached_property
    def rule(self) -> Rule:
        if isinstance(self.allowed, range):
            return whole_number(self.allowed[0], self.allowed[-1])
        return choice(*self.allowed)

    def accepts(self, value: object) -> bool:
        """Whether the value is allowed."""
        return self.rule.accepts(value)


OPTIONS: tuple[Option, ...] = (
    Option(HTTP_TOKENS, "http_tokens", "HttpTokens", ("optional", "required")),
    Option(HTTP_PUT_RESPONSE_HOP_LIMIT, "http_put_response_hop_limit", "HttpPutResponseHopLimit", range(1, 65)),
    Option(HTTP_ENDPOINT, "http_endpoint", "HttpEndpoint", ("disabled", "enabled")),
    Option(HTTP_PROTOCOL_IPV6, "http_protocol_ipv6", "HttpProtocolIpv6", ("disabled", "enabled")),
    Option(INSTANCE_METADATA_TAGS, "instance_metadata_tags", "InstanceMetadataTags", ("disabled", "enabled")),
)

OPTION_KEYS: tuple[Key, ...] = tuple(Key(option.name, option.rule) for option in OPTIONS)
OPTIONS_OBJECT = object_of(OPTION_KEYS)
"""Options as an object of the stack configuration."""

OPTION_NAMES: tuple[str, ...] = tuple(option.name for option in OPTIONS)

_APPLY_WHILE_DISABLED = frozenset({HTTP_ENDPOINT, HTTP_TOKENS})


def option_violations(
    values: Mapping[str, object], *, is_known: Callable[[object], bool] = lambda _: True
) -> list[Violation]:
    """Every option that may not be sent. ``values`` may hold other properties; they are not judged.

    A value that is not ``is_known`` (an output of a resource that does not exist yet) counts as set and is not judged.
    """
    if all(values.get(name) is None for name in OPTION_NAMES):
        return [none_set(option.argument for option in OPTIONS)]
    return violations(values, OPTION_KEYS, is_known=is_known)


def none_set(names: Iterable[str]) -> Violation:
    """The violation of inputs without any option, which are called by these names."""
    return Violation((), f"set at least one option to manage: {', '.join(names)}.")


def decode(values: Mapping[str, object]) -> dict[str, OptionValue]:
    """The options in a Pulumi property bag, with numbers as whole numbers: Pulumi has only floats, botocore takes none.

    Values are not judged, since a recorded one may be newer than this table.
    """
    decoded: dict[str, OptionValue] = {}
    for name in OPTION_NAMES:
        value = values.get(name)
        if isinstance(value, str):
            decoded[name] = value
        elif isinstance(value, int | float):
            decoded[name] = int(value)
    return decoded


def from_ec2(response: Mapping[str, object]) -> dict[str, OptionValue]:
    """The options in an ``InstanceMetadataOptionsResponse``; fields that the region does not know are absent."""
    observed: dict[str, OptionValue] = {}
    for option in OPTIONS:
        value = response.get(option.ec2_name)
        if isinstance(value, str | int):
            observed[option.name] = value
    return observed


def changes(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    """The wanted values that the instance does not have and can take.

    An option that is :func:`unknown` is not among them: what it is cannot be compared, so it is not touched.
    """
    cannot_compare = unknown(observed, wanted)
    return {
        name: value
        for name, value in can_apply(observed, wanted).items()
        if name not in cannot_compare and observed[name] != value
    }


def unknown(observed: Options, wanted: Options) -> list[str]:
    """The wanted options of which EC2 reports nothing, or a value that this version does not know.

    They count neither as compliant nor as drift.
    """
    applicable = can_apply(observed, wanted)
    return [
        option.name for option in OPTIONS if option.name in applicable and not option.accepts(observed.get(option.name))
    ]


def unknown_reason(observed: Options, names: Iterable[str]) -> str:
    """Why these options are :func:`unknown`, as the middle of a sentence."""
    missing = [name for name in names if name not in observed]
    newer = [name for name in names if name in observed]
    reasons = []
    if missing:
        reasons.append(f"EC2 does not report {', '.join(missing)} there")
    if newer:
        reasons.append(f"EC2 reports {render(observed, newer)}, which this version does not know")
    return " and ".join(reasons)


def can_apply(observed: Options, wanted: Options) -> Options:
    """The wanted options that can apply: while the endpoint is, or is to be, disabled, only itself and the tokens."""
    if wanted.get(HTTP_ENDPOINT, observed.get(HTTP_ENDPOINT)) != "disabled":
        return wanted
    return {name: value for name, value in wanted.items() if name in _APPLY_WHILE_DISABLED}


def one_after_another(wanted: Options) -> list[Options]:
    """The options in the order in which they can be restored.

    An endpoint is switched off last, since EC2 takes none of the others together with that.
    """
    others = {name: value for name, value in wanted.items() if name not in _APPLY_WHILE_DISABLED}
    return [others, wanted] if others and wanted.get(HTTP_ENDPOINT) == "disabled" else [wanted]


def modification(observed: Options, wanted: Options) -> dict[str, OptionValue]:
    """The parameters of the ``ModifyInstanceMetadataOptions`` to send, empty when nothing differs.

    ``required`` tokens go with every modification, as observed or, where EC2 does not report them, as wanted, because
    the value EC2 documents for one that leaves them out is ``optional``. Observed ``optional`` ones are left out:
    nothing is lost by that, and sending them would undo a ``required`` that somebody has set since. ``HttpEndpoint``
    goes along so that it is never switched.
    """
    differing = changes(observed, wanted)
    if not differing:
        return {}
    kept = {name: observed[name] for name in (HTTP_TOKENS, HTTP_ENDPOINT) if name in observed}
    if HTTP_TOKENS in wanted:
        kept.setdefault(HTTP_TOKENS, wanted[HTTP_TOKENS])
    if kept.get(HTTP_TOKENS) == "optional":
        del kept[HTTP_TOKENS]
    merged = {**kept, **differing}
    return {option.ec2_name: merged[option.name] for option in OPTIONS if option.name in merged}


def render(options: Options, names: Iterable[str] = OPTION_NAMES) -> str:
    """Options on one line for a person: ``httpTokens=required httpPutResponseHopLimit=2``."""
    return " ".join(f"{name}={options[name]}" for name in names if name in options)


def parse_options(words: Iterable[str]) -> dict[str, OptionValue] | None:
    """The options in words such as ``httpTokens=required``, as :func:`render` writes them; None if one is not."""
    pairs = dict(word.partition("=")[::2] for word in words)
    if not set(pairs) <= set(OPTION_NAMES):
        return None
    return {name: int(value) if value.isdecimal() else value for name, value in pairs.items()}


def render_changes(observed: Options, wanted: Options) -> str:
    """What will change on one line: ``httpTokens: optional -> required, httpPutResponseHopLimit: 1 -> 2``."""
    differing = changes(observed, wanted)
    return ", ".join(f"{name}: {observed[name]} -> {differing[name]}" for name in OPTION_NAMES if name in differing)


def from_arguments(values: object) -> dict[str, OptionValue]:
    """The options in a mapping as Python has it, by ``http_tokens`` or ``httpTokens``; empty for anything else."""
    if not isinstance(values, Mapping):
        return {}
    return decode({option.name: values.get(option.name, values.get(option.argument)) for option in OPTIONS})


def as_arguments(options: Options) -> dict[str, OptionValue]:
    """Options by the names that Python gives them: ``http_tokens``."""
    return {option.argument: options[option.name] for option in OPTIONS if option.name in options}
