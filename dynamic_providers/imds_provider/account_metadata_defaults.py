"""The resource ``AccountMetadataDefaults``: an account's defaults for the instances launched in a region."""

# Annotations are not strings here: Pulumi evaluates them for each resource, which takes twice as long with strings.

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from .host import runtime
from .host.property_bags import is_known
from .host.provider_base import Provider, Resource, checked, fail_if, reporting_errors
from .host.restore_defaults import restore_defaults
from .program.ownership import own_defaults
from .rules import account_state
from .rules.account_defaults import AccountDefaults, decode_defaults
from .rules.account_state import account_key, previous
from .rules.resource_state import (
    ALLOW_DOWNGRADE,
    CHANGE,
    DEFAULT_TIMEOUT_SECONDS,
    ON_DESTROY,
    REGION,
    RESTORE,
    Properties,
    merge_previous,
)
from .waiting.apply_defaults import apply_defaults


class AccountMetadataDefaultsProvider(Provider):
    """Create, read, update and delete. Its module and name are stored in the state of every stack: never rename it."""

    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        result = checked(news, account_state.check)
        if not result.failures:
            runtime.state().manage(account_key(result.inputs), account_state.default_names(result.inputs))
        return result

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        # After a refresh the engine compares with the inputs of the last run, whose planned change is out of date.
        news = {**_news, CHANGE: None} if runtime.state().was_read(account_key(_olds)) else _news
        replaces = account_state.replaces(_olds, news)
        runtime.state().remember(account_key(_olds), previous(_olds), stays=not replaces)
        return DiffResult(changes=account_state.changed(_olds, news, is_known), replaces=replaces)

    @reporting_errors
    def create(self, props: Properties) -> CreateResult:
        return CreateResult(str(props[REGION]), _apply(props, recorded={}))

    @reporting_errors
    def read(self, id_: str, props: Properties) -> ReadResult:
        recorded = {**props, REGION: id_}
        runtime.state().remember(account_key(recorded), previous(recorded))
        seen = runtime.aws().account_defaults(id_).read(runtime.deadline(recorded))
        runtime.state().read(account_key(recorded))
        return ReadResult(
            id_, account_state.refreshed_outputs(recorded, seen), account_state.refreshed_inputs(recorded, seen)
        )

    @reporting_errors
    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        if account_state.needs_ec2(_olds, _news):
            return UpdateResult(_apply(_news, recorded=_olds))
        return UpdateResult(account_state.carried_over(_olds, _news))

    @reporting_errors
    def delete(self, _id: str, _props: Properties) -> None:
        if _props.get(ON_DESTROY) == RESTORE:
            restore_defaults({**_props, REGION: _id})


def _apply(inputs: Properties, *, recorded: Properties) -> dict[str, object]:
    """Apply the inputs and return the outputs to record."""
    wanted, key = decode_defaults(inputs), account_key(inputs)

    def remember(seen: AccountDefaults) -> None:
        # Before anything is sent, since another resource may manage the same defaults at the same time.
        runtime.state().remember(key, {name: seen.values[name] for name in wanted})

    outcome = apply_defaults(
        runtime.aws().account_defaults(str(inputs[REGION])),
        wanted,
        runtime.deadline(inputs),
        allow_downgrade=inputs.get(ALLOW_DOWNGRADE),
        found=remember,
    )
    seen_before = {**outcome.before.values, **runtime.state().before(key)}
    before = merge_previous(previous(recorded), seen_before, wanted)
    runtime.state().remember(key, before)
    return account_state.outputs(inputs, outcome.after, before, str(outcome.problem or ""))


class AccountMetadataDefaults(Resource, module="imds", name="AccountMetadataDefaults"):
    """The defaults of an account for the instances that are launched in a region, and its enforcement of IMDSv2.

    Only the defaults that are set are managed; at least one must be. They decide what neither a launch nor its launch
    template sets, and change no instance that exists. Source: EC2 API reference, ``ModifyInstanceMetadataDefaults``.
    """

    region: pulumi.Output[str]
    http_tokens: pulumi.Output[str]
    http_put_response_hop_limit: pulumi.Output[int]
    http_endpoint: pulumi.Output[str]
    instance_metadata_tags: pulumi.Output[str]
    http_tokens_enforced: pulumi.Output[str]
    managed_by: pulumi.Output[str]
    """``account``, or ``declarative-policy`` where an organization decides."""
    previous: pulumi.Output[Mapping[str, Any]]
    """The values from before the defaults were first managed here."""
    unfinished: pulumi.Output[str | None]
    """Why the last change was not completed; the run failed then, and the next one completes it."""

    def __init__(
        self,
        name: str,
        *,
        http_tokens: pulumi.Input[str] | None = None,
        http_put_response_hop_limit: pulumi.Input[int] | None = None,
        http_endpoint: pulumi.Input[str] | None = None,
        instance_metadata_tags: pulumi.Input[str] | None = None,
        http_tokens_enforced: pulumi.Input[str] | None = None,
        region: pulumi.Input[str] | None = None,
        on_destroy: pulumi.Input[Literal["retain", "restore"]] = "retain",
        timeout_seconds: pulumi.Input[float] = DEFAULT_TIMEOUT_SECONDS,
        allow_downgrade: pulumi.Input[str] | None = None,
        change: pulumi.Input[str | None] | None = None,
        forbidden: pulumi.Input[str | None] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Apply the defaults that are given; ``no-preference``, and -1 for the hop limit, clear one.

        :param http_tokens: ``required`` (IMDSv2 only), ``optional`` or ``no-preference``.
        :param http_put_response_hop_limit: 1 to 64 network hops for the answer to a token request, or -1.
        :param http_endpoint: ``enabled``, ``disabled`` or ``no-preference``.
        :param instance_metadata_tags: ``enabled``, ``disabled`` or ``no-preference``.
        :param http_tokens_enforced: ``enabled``, ``disabled`` or ``no-preference``. While it is enabled, launches whose
            tokens would be optional fail, and no instance can be changed to optional tokens.
        :param region: by default ``aws:region``, then what boto3 finds. Another one replaces the resource.
        :param on_destroy: ``retain`` leaves the defaults unchanged, ``restore`` restores the values from before they
            were first managed here, except those that another resource manages, that would loosen the account without
            a reason, or that a declarative policy decides.
        :param timeout_seconds: 1 to 3600: how long one operation may take.
        :param allow_downgrade: the reason why the account may be loosened: a default of required tokens or a disabled
            endpoint removed, or enforcement switched off. Without one such a change is refused, and a restore keeps
            the stricter value.
        :param change: what differs from the live defaults
            (:func:`imds_provider.rules.account_defaults.render_default_changes`): it makes the resource an update.
            Components pass it.
        :param forbidden: why nothing may be changed: the check fails with it, in a preview too. Components pass it.
        """
        defaults = {
            "http_tokens": http_tokens,
            "http_put_response_hop_limit": http_put_response_hop_limit,
            "http_endpoint": http_endpoint,
            "instance_metadata_tags": instance_metadata_tags,
            "http_tokens_enforced": http_tokens_enforced,
        }
        super().__init__(
            AccountMetadataDefaultsProvider(),
            name,
            {
                **defaults,
                "region": own_defaults(name, opts, region, defaults),
                "on_destroy": on_destroy,
                "timeout_seconds": timeout_seconds,
                "allow_downgrade": allow_downgrade,
                "change": change,
                "forbidden": forbidden,
                "managed_by": None,
                "previous": None,
                "unfinished": None,
            },
            opts,
        )
        if not pulumi.runtime.is_dry_run():
            # Pulumi records nothing of a create that raises. What EC2 has accepted must be recorded, so the program
            # fails instead.
            self.unfinished.apply(fail_if)
