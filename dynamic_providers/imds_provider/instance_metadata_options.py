"""The resource ``InstanceMetadataOptions``: one instance's metadata options, under Pulumi's control."""

# Annotations are no texts here: Pulumi evaluates them anew for each resource, and texts take it twice as long.

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from .aws import Ec2
from .errors import InstanceGoneError, InstanceMissingError, WaveStoppedError
from .host import runtime
from .host.property_bags import is_known
from .host.provider_base import Bag, Provider, Resource, checked, told
from .host.restore import confirm_account, restore
from .program.errors import ProgramError
from .program.explicit_providers import refuse_explicit_provider
from .program.ownership import own
from .rules import planned_change as seen_by_program
from .rules import resource_state as p
from .rules import wave_check_state as gate
from .rules.observation import Observation, Verdict, judge_as_found
from .rules.options import Options, decode, unknown, unknown_reason
from .rules.target import Target
from .rules.wave_health import recently_changed, stopped
from .waiting.apply import Outcome, apply_options, find
from .waiting.waiter import CONFIRM_MISSING_SECONDS


class InstanceMetadataOptionsProvider(Provider):
    """Create, read, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Bag, news: Bag) -> CheckResult:
        result = checked(news, p.check)
        if not result.failures:
            runtime.state().manage(*p.place(result.inputs), p.option_names(result.inputs))
            if not _olds:
                _announce(result.inputs)
        return result

    def diff(self, _id: str, _olds: Bag, _news: Bag) -> DiffResult:
        # The engine compares what a refresh has read with the inputs of the last run, and what that run saw is no news.
        was_read = runtime.state().was_read(*p.place(_olds))
        found = p.diff(_olds, {**_news, p.CHANGE: None} if was_read else _news, is_known)
        runtime.state().remember(*p.place(_olds), p.previous(_olds), stays=not found.replaces)
        if found.changed:
            _announce(_news)
        return DiffResult(changes=found.changed, replaces=found.replaces)

    @told
    def create(self, props: Bag) -> CreateResult:
        return CreateResult(props[p.INSTANCE_ID], _bring_unless_gone(props, recorded={}))

    @told
    def read(self, id_: str, props: Bag) -> ReadResult:
        ec2 = runtime.ec2(props.get(p.REGION))
        recorded = {p.REGION: ec2.region, **props, p.INSTANCE_ID: id_}
        runtime.state().remember(*p.place(recorded), p.previous(recorded))
        seen = _look(ec2, recorded)
        runtime.state().read(*p.place(recorded))
        if seen is None:
            return ReadResult(None, {})
        target = p.refreshed_target(recorded, seen, runtime.run().id, ec2.now())
        outputs = {**p.refreshed_outputs(recorded, seen), **target}
        return ReadResult(id_, outputs, p.refreshed_inputs(recorded, seen))

    @told
    def update(self, _id: str, _olds: Bag, _news: Bag) -> UpdateResult:
        if p.needs_ec2(_olds, _news):
            _require_healthy(_news, _olds)
            return UpdateResult(_bring_unless_gone(_news, recorded=_olds))
        return UpdateResult(p.carried_over(_olds, _news))

    @told
    def delete(self, _id: str, _props: Bag) -> None:
        if _props.get(p.ON_DESTROY) == p.RESTORE:
            restore({**_props, p.INSTANCE_ID: _id})


def _require_healthy(inputs: Bag, recorded: Bag) -> None:
    """Refuse to change an instance again that has refused calls since a change of this stack required tokens."""
    what, target = inputs.get(p.UNHEALTHY), Target.parse(recorded.get(p.TARGET))
    if not what or target is None:
        return
    rule, now = gate.rule(inputs), runtime.ec2(inputs.get(p.REGION)).now()
    if any(each.required_at is not None for each in recently_changed([target], rule, now)):
        raise WaveStoppedError(stopped("", {target.instance_id: [str(what)]}, rule, refused=True))


def _bring_unless_gone(inputs: Bag, *, recorded: Bag) -> dict[str, object]:
    """Bring the instance onto the inputs and give the outputs to record, also of one that is gone where that is said.

    A fleet that replaces its instances must not be stopped by one of them. The next run selects it no more.
    """
    try:
        return _bring(inputs, recorded=recorded)
    except (InstanceGoneError, InstanceMissingError) as error:
        if inputs.get(p.IF_GONE) != p.WARN:
            raise
        runtime.engine().warn(f"{error} The others go on.")
        return p.outputs_if_gone(inputs, recorded)


def _bring(inputs: Bag, *, recorded: Bag) -> dict[str, object]:
    """Bring the instance onto the inputs and give the outputs to record."""
    wanted = decode(inputs)
    deadline = runtime.deadline(inputs.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
    ec2 = runtime.ec2(inputs.get(p.REGION))
    wait = inputs.get(p.WAIT) is not False

    def remember(seen: Observation) -> None:
        # Before anything is sent, since another resource may manage the same options at the same time.
        runtime.state().remember(
            *p.place(inputs), {name: seen.options[name] for name in wanted if name in seen.options}
        )

    outcome = _as_found(inputs, wanted) if not recorded.get(p.UNFINISHED) else None
    outcome = outcome or apply_options(
        ec2,
        inputs[p.INSTANCE_ID],
        wanted,
        deadline,
        wait_until_applied=wait,
        allow_downgrade=inputs.get(p.ALLOW_DOWNGRADE),
        found=remember,
    )
    _warn(outcome, wanted, waited=wait)
    before = {**outcome.before.options, **runtime.state().before(*p.place(inputs))}
    was = p.merge_previous(p.previous(recorded), before, wanted)
    runtime.state().remember(*p.place(inputs), was)
    change = p.mark_of(
        runtime.run().id,
        ec2.now(),
        recorded,
        outcome.before.options,
        outcome.after.options,
        changed=outcome.left_something_to_wait_for,
    )
    problem = str(outcome.problem or "")
    return p.outputs(inputs, outcome.after, was, change, problem, changed=outcome.modified)


def _as_found(inputs: Bag, wanted: Options) -> Outcome | None:
    """What became of an instance that the program saw to have what is wanted: nothing."""
    seen = seen_by_program.found(inputs[p.INSTANCE_ID], inputs.get(p.FOUND), wanted)
    return Outcome(seen, seen, judge_as_found(seen, wanted), modified=False) if seen else None


def _announce(inputs: Bag) -> None:
    """Have the instance described along with others: its create or update comes next."""
    instance_id, region = inputs[p.INSTANCE_ID], inputs[p.REGION]
    if is_known(instance_id) and is_known(region) and not inputs.get(p.FOUND):
        runtime.aws().announce(region, instance_id)


def _look(ec2: Ec2, recorded: Bag) -> Observation | None:
    """The instance as it is, or None once it is certain that there is none any more."""
    deadline = runtime.deadline(recorded.get(p.TIMEOUT_SECONDS), p.DEFAULT_TIMEOUT_SECONDS)
    try:
        return find(ec2, recorded[p.INSTANCE_ID], deadline, missing_grace_seconds=CONFIRM_MISSING_SECONDS)
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


def _fail_if(unfinished: str | None) -> None:
    if unfinished:
        raise ProgramError(unfinished)


class InstanceMetadataOptions(Resource, module="imds", name="InstanceMetadataOptions"):
    """The metadata options of one EC2 instance, brought about and kept in view.

    Only the options that are set are managed; at least one must be. The instance itself may belong to this program,
    to another one, or to nobody. Source: EC2 API reference, ``ModifyInstanceMetadataOptions``.
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
    """What :class:`MetadataOptionsApplied` has to know to wait for the instance."""
    unfinished: pulumi.Output[str | None]
    """Why the last change was not seen through; then the run has failed, and the next one goes on."""

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
        timeout_seconds: pulumi.Input[float] = p.DEFAULT_TIMEOUT_SECONDS,
        wave: pulumi.Input[int] | None = None,
        allow_downgrade: pulumi.Input[str] | None = None,
        change: pulumi.Input[str | None] | None = None,
        found: pulumi.Input[str | None] | None = None,
        unhealthy: pulumi.Input[str] | None = None,
        days: pulumi.Input[int] | None = None,
        if_gone: pulumi.Input[Literal["fail", "warn"]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Bring an instance onto the options given here.

        :param instance_id: ``i-`` and 8 or 17 hexadecimal digits. Another one replaces the resource.
        :param http_tokens: ``required`` (IMDSv2 only) or ``optional``.
        :param http_put_response_hop_limit: 1 to 64 network hops for the answer to a token request; containers need 2.
        :param http_endpoint: ``enabled`` or ``disabled``. While it is disabled only it and the tokens are looked at.
        :param http_protocol_ipv6: ``enabled`` or ``disabled``.
        :param instance_metadata_tags: ``enabled`` or ``disabled``: whether the metadata shows the instance's tags.
        :param region: by default ``aws:region``, then what boto3 finds. Another one replaces the resource.
        :param on_destroy: ``retain`` leaves the instance as it is, ``restore`` puts back the values from before the
            options were first managed here, but not what another resource manages, and nothing that loosens without
            a reason.
        :param wait: whether to wait until EC2 says that the options are applied. Several instances wait faster
            together, with :class:`MetadataOptionsApplied`.
        :param timeout_seconds: 1 to 3600: how long one operation may take.
        :param wave: not used any more. 0.2.0 recorded with it in which wave of a fleet a change was made.
        :param allow_downgrade: the reason why ``http_tokens`` may go from ``required`` to ``optional``, or
            ``http_endpoint`` from ``disabled`` to ``enabled``. Without one such a change is refused, and a restore
            keeps the stricter value.
        :param change: what differs on the live instance, as ``change_line`` in
            ``imds_provider.rules.planned_change`` has it: with it the resource is updated. The components give it.
        :param found: a live instance that has all options already, as ``found_line`` there has it: it is recorded
            without being described again. The components give it.
        :param unhealthy: what is wrong with the live instance: with it, it is not changed again if a change of the last
            ``days`` (14 by default) required tokens. Fleets give both.
        :param if_gone: whether a terminated instance, or one that does not exist, fails the resource, as it does by
            default, or is warned of.
        """
        refuse_explicit_provider(f"InstanceMetadataOptions {name}", opts)
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
                "instance_id": own(name, opts, instance_id, options),
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
            # Pulumi records nothing of a create that raises. What EC2 has taken must be recorded, so it is the program
            # that fails.
            self.unfinished.apply(_fail_if)
