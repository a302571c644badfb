"""The resource ``InstanceMetadataOptions``: the metadata options of one instance."""

# Annotations are not strings here: Pulumi evaluates them for each resource, which takes twice as long with strings.

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from .aws import Ec2
from .errors import InstanceGoneError, InstanceMissingError, WaveStoppedError
from .host import runtime
from .host.property_bags import is_known
from .host.provider_base import Provider, Resource, checked, fail_if, reporting_errors
from .host.restore import confirm_account, restore
from .program.ownership import own
from .rules import resource_state, wave_check_state
from .rules.observation import Observation, Verdict, judge_as_found
from .rules.options import Options, decode, unknown, unknown_reason
from .rules.planned_change import parse_found_line
from .rules.resource_state import (
    ALLOW_DOWNGRADE,
    CHANGE,
    DEFAULT_TIMEOUT_SECONDS,
    FOUND,
    IF_GONE,
    INSTANCE_ID,
    ON_DESTROY,
    REGION,
    RESTORE,
    TARGET,
    UNFINISHED,
    UNHEALTHY,
    WAIT,
    WARN,
    Properties,
    instance_key,
    previous,
)
from .rules.target import Target
from .rules.wave_health import recently_changed, rollout_stopped
from .waiting.apply import Outcome, apply_options, find
from .waiting.waiter import CONFIRM_MISSING_SECONDS


class InstanceMetadataOptionsProvider(Provider):
    """Create, read, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        result = checked(news, resource_state.check)
        if not result.failures:
            runtime.state().manage(instance_key(result.inputs), resource_state.option_names(result.inputs))
            if not _olds:
                _announce(result.inputs)
        return result

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        # After a refresh the engine compares with the inputs of the last run, whose planned change is out of date.
        news = {**_news, CHANGE: None} if runtime.state().was_read(instance_key(_olds)) else _news
        replaces = resource_state.replaces(_olds, news)
        runtime.state().remember(instance_key(_olds), previous(_olds), stays=not replaces)
        changed = resource_state.changed(_olds, news, is_known)
        if changed:
            _announce(_news)
        return DiffResult(changes=changed, replaces=replaces)

    @reporting_errors
    def create(self, props: Properties) -> CreateResult:
        return CreateResult(str(props[INSTANCE_ID]), _apply_unless_gone(props, recorded={}))

    @reporting_errors
    def read(self, id_: str, props: Properties) -> ReadResult:
        ec2 = runtime.ec2(props.get(REGION))
        recorded = {REGION: ec2.region, **props, INSTANCE_ID: id_}
        runtime.state().remember(instance_key(recorded), previous(recorded))
        seen = _find(ec2, id_, recorded)
        runtime.state().read(instance_key(recorded))
        if seen is None:
            return ReadResult(None, {})
        target = resource_state.refreshed_target(recorded, seen, runtime.run().id, ec2.now())
        outputs = {**resource_state.refreshed_outputs(recorded, seen), **target}
        return ReadResult(id_, outputs, resource_state.refreshed_inputs(recorded, seen))

    @reporting_errors
    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        if resource_state.needs_ec2(_olds, _news):
            _require_healthy(_news, _olds)
            return UpdateResult(_apply_unless_gone(_news, recorded=_olds))
        return UpdateResult(resource_state.carried_over(_olds, _news))

    @reporting_errors
    def delete(self, _id: str, _props: Properties) -> None:
        if _props.get(ON_DESTROY) == RESTORE:
            restore({**_props, INSTANCE_ID: _id})


def _announce(inputs: Properties) -> None:
    """Have the instance described along with others: its create or update comes next."""
    instance_id, region = inputs.get(INSTANCE_ID), inputs.get(REGION)
    if isinstance(instance_id, str) and isinstance(region, str) and not inputs.get(FOUND):
        runtime.aws().announce(region, instance_id)


def _require_healthy(inputs: Properties, recorded: Properties) -> None:
    """Refuse to change an instance again that has refused calls since a change of this stack required tokens."""
    reason, target = inputs.get(UNHEALTHY), Target.parse(recorded.get(TARGET))
    if not reason or target is None:
        return
    rule, now = wave_check_state.rule(inputs), runtime.ec2(inputs.get(REGION)).now()
    if any(each.required_at is not None for each in recently_changed([target], rule, now)):
        raise WaveStoppedError(rollout_stopped("", {target.instance_id: [str(reason)]}, rule, refused=True))


def _apply_unless_gone(inputs: Properties, *, recorded: Properties) -> dict[str, object]:
    """Apply the inputs and return the outputs to record, also those of a gone instance where that is a warning.

    A fleet that replaces its instances must not be stopped by one of them; the next run does not select it.
    """
    try:
        return _apply(inputs, recorded=recorded)
    except (InstanceGoneError, InstanceMissingError) as error:
        if inputs.get(IF_GONE) != WARN:
            raise
        runtime.engine().warn(f"{error} The run continues with the other instances.")
        return resource_state.outputs_if_gone(inputs, recorded)


def _apply(inputs: Properties, *, recorded: Properties) -> dict[str, object]:
    """Apply the inputs and return the outputs to record."""
    wanted, ec2, wait = decode(inputs), runtime.ec2(inputs.get(REGION)), inputs.get(WAIT) is not False

    def remember(seen: Observation) -> None:
        # Before anything is sent, since another resource may manage the same options at the same time.
        runtime.state().remember(
            instance_key(inputs), {name: seen.options[name] for name in wanted if name in seen.options}
        )

    outcome = None if recorded.get(UNFINISHED) else _as_found(inputs, wanted)
    outcome = outcome or apply_options(
        ec2,
        str(inputs[INSTANCE_ID]),
        wanted,
        runtime.deadline(inputs),
        wait_until_applied=wait,
        allow_downgrade=inputs.get(ALLOW_DOWNGRADE),
        found=remember,
    )
    _warn(outcome, wanted, waited=wait)
    seen_before = {**outcome.before.options, **runtime.state().before(instance_key(inputs))}
    before = resource_state.merge_previous(previous(recorded), seen_before, wanted)
    runtime.state().remember(instance_key(inputs), before)
    change = resource_state.last_change(
        runtime.run().id,
        ec2.now(),
        recorded,
        outcome.before.options,
        outcome.after.options,
        changed=outcome.left_something_to_wait_for,
    )
    problem = str(outcome.problem or "")
    return resource_state.outputs(inputs, outcome.after, before, change, problem, changed=outcome.modified)


def _as_found(inputs: Properties, wanted: Options) -> Outcome | None:
    """The outcome for an instance that the program found to have the wanted options."""
    seen = parse_found_line(str(inputs[INSTANCE_ID]), inputs.get(FOUND), wanted)
    return Outcome(seen, seen, judge_as_found(seen, wanted), modified=False) if seen else None


def _find(ec2: Ec2, instance_id: str, recorded: Properties) -> Observation | None:
    """Describe the instance; None once it is certain that it does not exist any more."""
    try:
        return find(ec2, instance_id, runtime.deadline(recorded), missing_grace_seconds=CONFIRM_MISSING_SECONDS)
    except InstanceGoneError:
        return None
    except InstanceMissingError:
        confirm_account(recorded)
        return None


def _warn(outcome: Outcome, wanted: Options, *, waited: bool) -> None:
    engine, seen = runtime.engine(), outcome.after
    if waited and outcome.verdict is Verdict.PENDING_START:
        engine.warn(f"{seen.instance_id} is {seen.instance_state}: its metadata options apply when it starts.")
    if names := unknown(seen.options, wanted):
        engine.warn(f"{seen.instance_id}: {unknown_reason(seen.options, names)}, so that is not managed.")


class InstanceMetadataOptions(Resource, module="imds", name="InstanceMetadataOptions"):
    """The metadata options of one EC2 instance.

    Only the options that are set are managed; at least one must be. The instance itself may belong to this program,
    to another one, or to none. Source: EC2 API reference, ``ModifyInstanceMetadataOptions``.
    """

    instance_id: pulumi.Output[str]
    region: pulumi.Output[str]
    http_tokens: pulumi.Output[str]
    http_put_response_hop_limit: pulumi.Output[int]
    http_endpoint: pulumi.Output[str]
    http_protocol_ipv6: pulumi.Output[str]
    instance_metadata_tags: pulumi.Output[str]
    state: pulumi.Output[str | None]
    """``applied``, ``pending-start`` on a stopped instance, or ``unknown``; not set with ``wait=False``."""
    previous: pulumi.Output[Mapping[str, Any]]
    """The values from before the options were first managed here."""
    owner_id: pulumi.Output[str]
    """The account that the instance belongs to."""
    target: pulumi.Output[str]
    """What :class:`MetadataOptionsApplied` must know to wait for the instance."""
    unfinished: pulumi.Output[str | None]
    """Why the last change was not completed; the run failed then, and the next one completes it."""

    def __init__(
        self,
        name: str,
        *,
        instance_id: pulumi.Input[str],
        http_tokens: pulumi.Input[str] | None = None,
        http_put_response_hop_limit: pulumi.Input[int] | None = None,
        http_endpoint: pulumi.Input[str] | None = None,
        http_protocol_ipv6: pulumi.Input[str] | None = None,
        instance_metadata_tags: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        on_destroy: pulumi.Input[Literal["retain", "restore"]] = "retain",
        wait: pulumi.Input[bool] = True,
        timeout_seconds: pulumi.Input[float] = DEFAULT_TIMEOUT_SECONDS,
        wave: pulumi.Input[int] | None = None,
        allow_downgrade: pulumi.Input[str] | None = None,
        change: pulumi.Input[str | None] | None = None,
        found: pulumi.Input[str | None] | None = None,
        unhealthy: pulumi.Input[str] | None = None,
        days: pulumi.Input[int] | None = None,
        if_gone: pulumi.Input[Literal["fail", "warn"]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Apply the options that are given.

        :param instance_id: ``i-`` and 8 or 17 hexadecimal digits. Another one replaces the resource.
        :param http_tokens: ``required`` (IMDSv2 only) or ``optional``.
        :param http_put_response_hop_limit: 1 to 64 network hops for the answer to a token request; containers need 2.
        :param http_endpoint: ``enabled`` or ``disabled``. While it is disabled only it and the tokens are compared.
        :param http_protocol_ipv6: ``enabled`` or ``disabled``.
        :param instance_metadata_tags: ``enabled`` or ``disabled``: whether the metadata shows the instance's tags.
        :param region: by default ``aws:region``, then what boto3 finds. Another one replaces the resource.
        :param on_destroy: ``retain`` leaves the instance unchanged, ``restore`` restores the values from before the
            options were first managed here, except those that another resource manages or that would loosen the
            instance without a reason.
        :param wait: whether to wait until EC2 reports the options as applied. Several instances wait faster together,
            with :class:`MetadataOptionsApplied`.
        :param timeout_seconds: 1 to 3600: how long one operation may take.
        :param wave: no longer used. 0.2.0 recorded the wave of a fleet in which a change was made.
        :param allow_downgrade: the reason why ``http_tokens`` may go from ``required`` to ``optional``, or
            ``http_endpoint`` from ``disabled`` to ``enabled``. Without one such a change is refused, and a restore
            keeps the stricter value.
        :param change: what differs on the live instance
            (:func:`imds_provider.rules.planned_change.change_line`): it makes the resource an update. Components pass
            it.
        :param found: a live instance that has the wanted options
            (:func:`imds_provider.rules.planned_change.found_line`): it is recorded without being described again.
            Components pass it.
        :param unhealthy: why the live instance is unhealthy: it is not changed again if a change of the last ``days``
            (14 by default) required tokens. Fleets pass both.
        :param if_gone: ``fail`` (the default) or ``warn``: what a terminated or missing instance does.
        """
        options = {
            "http_tokens": http_tokens,
            "http_put_response_hop_limit": http_put_response_hop_limit,
            "http_endpoint": http_endpoint,
            "http_protocol_ipv6": http_protocol_ipv6,
            "instance_metadata_tags": instance_metadata_tags,
        }
        super().__init__(
            InstanceMetadataOptionsProvider(),
            name,
            {
                "instance_id": own(name, opts, instance_id, options, region),
                **options,
                "region": region,
                "on_destroy": on_destroy,
                "wait": wait,
                "timeout_seconds": timeout_seconds,
                "wave": wave,
                "allow_downgrade": allow_downgrade,
                "change": change,
                "found": found,
                "unhealthy": unhealthy,
                "days": days,
                "if_gone": if_gone,
                "state": None,
                "previous": None,
                "owner_id": None,
                "target": None,
                "unfinished": None,
            },
            opts,
        )
        if not pulumi.runtime.is_dry_run():
            # Pulumi records nothing of a create that raises. What EC2 has accepted must be recorded, so the program
            # fails instead.
            self.unfinished.apply(fail_if)
