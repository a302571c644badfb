"""``launch_defaults``: the metadata options of everything in a program that launches instances.

Decision 9 (docs/decisions/0009-launch-defaults.md) says why it takes both of Pulumi's mechanisms: a transformation, for
the resources of this program, and a transform, for those that remote components register.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

import pulumi
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.settings import get_monitor

from imds_provider.errors import InvalidInputError
from imds_provider.program.errors import ProgramError
from imds_provider.program.per_program import PerProgram
from imds_provider.rules.allowed_values import REASON
from imds_provider.rules.launch_defaults import (
    LAUNCHERS,
    METADATA_OPTIONS,
    Launcher,
    filled_in,
    ignored_paths,
    refusal,
    render_looser,
    set_options,
    spot_warning,
)
from imds_provider.rules.loosening import is_reason
from imds_provider.rules.options import OPTIONS, Options, as_arguments, from_arguments, render
from imds_provider.rules.validation import Violation, either, map_of

from .wanted_options import MetadataOptionsArgs, WantedOptions, wanted_options

_ARGUMENT = "metadata_options"
_REASONS = either(REASON, map_of(REASON), f"{REASON.allowed}, or a mapping from resource names to such reasons")
Reasons = str | Mapping[str, str]


def launch_defaults(
    *,
    http_tokens: str | None = "required",
    http_put_response_hop_limit: int | None = None,
    http_endpoint: str | None = None,
    http_protocol_ipv6: str | None = None,
    instance_metadata_tags: str | None = None,
    metadata_options: MetadataOptionsArgs | None = None,
    allow_downgrade: Reasons | None = None,
) -> None:
    """Launch every instance of this program with these metadata options. Call it before the first resource.

    It fills in the ``metadata_options`` of each ``aws.ec2.Instance``, ``SpotInstanceRequest``, ``LaunchTemplate`` and
    ``LaunchConfiguration``, also of those inside components, where an option is not set. An option that a resource
    sets wins, unless it is looser. An instance that exists is not changed: what is filled in applies when it is created
    or replaced; attach :class:`InstanceMetadata` to change it. A template or configuration is changed.

    :param metadata_options: the options as ``aws.ec2.InstanceMetadataOptionsArgs``, or its dictionary, instead of one
        by one.
    :param allow_downgrade: the reason why resources may be looser, or a mapping from the names of those that may to
        the reason of each.
    :raises pulumi.RunError: for options that are not allowed, and if other defaults are set already. Creating a
        resource that is looser without a reason raises it too.
    """
    single = {
        "http_tokens": None if _by_name(metadata_options).get("http_tokens") == http_tokens else http_tokens,
        "http_put_response_hop_limit": http_put_response_hop_limit,
        "http_endpoint": http_endpoint,
        "http_protocol_ipv6": http_protocol_ipv6,
        "instance_metadata_tags": instance_metadata_tags,
    }
    problems = [found.within("allowDowngrade").in_python() for found in _wrong_reasons(allow_downgrade)]
    wanted: Options = {}
    try:
        wanted = _plain(wanted_options(single, metadata_options))
    except InvalidInputError as error:
        problems.insert(0, str(error))
    if problems:
        raise ProgramError("\n".join(["launch_defaults cannot be used:", *problems]))
    defaults = LaunchDefaults(wanted, allow_downgrade)
    program = _program.get()
    if program.defaults is None:
        program.defaults = defaults
        defaults.register()
    elif program.defaults != defaults:
        raise ProgramError(
            f"launch_defaults is called with {defaults}, after a call with {program.defaults}: call it once, before "
            "the first resource."
        )


@dataclass(frozen=True)
class LaunchDefaults:
    """The launch defaults of a program, and the reasons why resources may be looser."""

    wanted: Options
    allow_downgrade: Reasons | None = None
    _reported: set[str] = field(default_factory=set, compare=False)

    def __str__(self) -> str:
        reasons = f" allow_downgrade={self.allow_downgrade!r}" if self.allow_downgrade else ""
        return f"{render(self.wanted)}{reasons}"

    def register(self) -> None:
        """Apply them to all resources that the running program registers from now on."""
        pulumi.runtime.register_stack_transformation(self.fill_own)
        if not isinstance(get_monitor(), MockMonitor):  # which runs no transforms, and has no remote components
            pulumi.runtime.register_resource_transform(self.fill_registered)

    def fill_own(self, args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        """Fill in a resource of this program, as its arguments are. Raises :class:`ProgramError`."""
        launcher = LAUNCHERS.get(args.type_)
        is_read = args.opts.id is not None or args.opts.urn is not None
        if launcher is None or is_read or _ARGUMENT not in args.props:
            return None
        given: object = args.props[_ARGUMENT]
        if inspect.isawaitable(given) or isinstance(given, pulumi.Output):
            # Which options it sets shows once it is known, when `fill_registered` gets it.
            judged = pulumi.Output.from_input(given).apply(partial(self._accept, launcher, args.name, _by_name))
            return pulumi.ResourceTransformationResult({**args.props, _ARGUMENT: judged}, args.opts)
        own = _by_name(given)
        self._judge(launcher, args.name, set_options(own))
        filled = filled_in(launcher, set_options(own), self.wanted)
        if not own and not filled:
            return None
        later = {
            name: value.apply(partial(self._accept, launcher, args.name, partial(_single, name)))
            for name, value in own.items()
            if isinstance(value, pulumi.Output)
        }
        return pulumi.ResourceTransformationResult(
            {**args.props, _ARGUMENT: {**own, **later, **as_arguments(filled)}},
            _ignoring(args.opts, _at_creation(launcher, args.opts, filled, sets_options=given is not None)),
        )

    async def fill_registered(self, args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
        """Fill in a resource as it reaches the engine, from this program or from a remote component.

        A value that a preview does not know is left as it is; the run judges it. Raises :class:`ProgramError`.
        """
        launcher = LAUNCHERS.get(args.type_)
        given: object = args.props.get(METADATA_OPTIONS)
        known = await _known(given)
        if launcher is None or known is _UNKNOWN:
            return None
        own = set_options({name: await _known(value) for name, value in _by_name(known).items()})
        self._judge(launcher, args.name, own)
        filled = filled_in(launcher, own, self.wanted)
        if not filled:
            return None
        completed: object = {**_by_name(given), **filled}
        if isinstance(given, pulumi.Output):  # It stays one, since it may be a secret.
            completed = given.apply(lambda known: {**_by_name(known), **filled})
        paths = _at_creation(launcher, args.opts, filled, sets_options=known is not None)
        # Options that are not returned stay as they are; of those that are, the SDK loses some.
        return pulumi.ResourceTransformResult(
            {**args.props, METADATA_OPTIONS: completed},
            _ignoring(args.opts, paths) if paths else None,  # type: ignore[arg-type]  # the SDK takes None
        )

    def _accept(
        self, launcher: Launcher, name: str, options_in: Callable[[object], Mapping[str, object]], value: object
    ) -> object:
        """The value of an output, unless the options in it are looser without a reason."""
        self._judge(launcher, name, set_options(options_in(value)))
        return value

    def _judge(self, launcher: Launcher, name: str, values: Mapping[str, object]) -> None:
        if launcher.is_spot_request:
            self._report_once(pulumi.log.warn, spot_warning(launcher, name))
        looser = render_looser(values, self.wanted)
        if not looser:
            return
        allowed = self.allow_downgrade
        reason = allowed.get(name) if isinstance(allowed, Mapping) else allowed
        if not is_reason(reason):
            raise ProgramError(refusal(launcher, name, looser))
        self._report_once(pulumi.log.info, f"{launcher.label} {name} launches with {looser}: {reason}")

    def _report_once(self, log: Callable[[str], None], line: str) -> None:
        """Log a line, unless it was logged for the same resource on its way to the engine."""
        if line not in self._reported:
            self._reported.add(line)
            log(line)


@dataclass
class _Program:
    """The launch defaults of a program, once they are set."""

    defaults: LaunchDefaults | None = None


_program = PerProgram(_Program)
_UNKNOWN = object()


def _at_creation(launcher: Launcher, opts: pulumi.ResourceOptions, filled: Options, *, sets_options: bool) -> list[str]:
    """The paths of what applies only when the resource is created. An import has to leave a template as it is."""
    creates = launcher.is_instance or opts.import_ is not None
    return ignored_paths(filled, sets_options=sets_options) if creates else []


def _ignoring(opts: pulumi.ResourceOptions, paths: list[str]) -> pulumi.ResourceOptions:
    """These options, with changes of the paths ignored as well."""
    changed = copy.copy(opts)
    changed.ignore_changes = [*dict.fromkeys([*(opts.ignore_changes or []), *paths])] or None
    return changed


def _single(name: str, value: object) -> Mapping[str, object]:
    return {name: value}


async def _known(value: object) -> object:
    """The value of an output, or of what else an argument is; ``_UNKNOWN`` if a preview does not know it."""
    if not isinstance(value, pulumi.Output):
        return value
    return await value.future() if await value.is_known() else _UNKNOWN


def _by_name(given: object) -> Mapping[str, object]:
    """The set arguments of metadata options, from a mapping or an object with attributes, as they are called there."""
    if isinstance(given, Mapping):
        values: Mapping[str, object] = given
    else:
        values = {option.argument: getattr(given, option.argument, None) for option in OPTIONS}
    return {name: value for name, value in values.items() if value is not None}


def _plain(wanted: WantedOptions) -> Options:
    """The options by property. Raises :class:`InvalidInputError` for outputs, which nothing can be compared with."""
    outputs = [name for name, value in wanted.items() if isinstance(value, pulumi.Output)]
    if outputs:
        raise InvalidInputError("\n".join(f"{name} must be a plain value, not an output." for name in outputs))
    return from_arguments(wanted)


def _wrong_reasons(allow_downgrade: object) -> Iterable[Violation]:
    return () if allow_downgrade is None else _REASONS.check(allow_downgrade)
