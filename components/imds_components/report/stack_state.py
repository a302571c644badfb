"""The records of one stack: what its resources recorded of instances, groups and accounts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal

from imds_provider.rules import account_state, resource_state
from imds_provider.rules.account_defaults import HTTP_TOKENS_ENFORCED, decode_defaults
from imds_provider.rules.barrier_state import APPLIED_IDS, PENDING_START_IDS, targets
from imds_provider.rules.observation import Observation
from imds_provider.rules.options import Options, changes, decode
from imds_provider.rules.resource_state import PENDING_START, UNFINISHED
from imds_provider.rules.target import Target

from ..fleet.exemptions import parse_day
from .last_update import LastUpdate
from .posture import AccountRegion, Exempt, Group, Instance, Record, Source, Status, status_of
from .state import Resource, State, is_secret, mapping, sequence, text

_DYNAMIC = "pulumi-python:dynamic/imds:"
_ROW = f"{_DYNAMIC}InstanceMetadataOptions"
_BARRIER = f"{_DYNAMIC}MetadataOptionsApplied"
_ACCOUNT = f"{_DYNAMIC}AccountMetadataDefaults"
_FLEET = "imds:index:FleetMetadata"

_Confirmed = Literal["applied", "pending-start", "unknown"]


def records_of(state: State, environment: str, update: LastUpdate) -> Iterator[Record]:
    """The records of a stack, its source last. ``environment`` is how the report calls the stack.

    An instance counts as compliant only if its options were seen to be applied after its last change.
    """
    return _Stack(state, environment, update).records()


@dataclass(frozen=True)
class _Stack:
    state: State
    environment: str
    update: LastUpdate

    def records(self) -> Iterator[Record]:
        rows = list(self.state.of_type(_ROW))
        fleets = list(self.state.of_type(_FLEET))
        exempt = {fleet.name: _exemptions(fleet) for fleet in fleets}
        for row in rows:
            component = self.state.component_of(row)
            yield self._instance(row, component, exempt.get(component, {}).get(row.id))
        managed = {(self.state.component_of(row), row.id) for row in rows}
        for fleet in fleets:
            yield from self._without_resource(fleet, exempt[fleet.name], managed)
            yield from self._groups(fleet)
        for account in self.state.of_type(_ACCOUNT):
            yield self._account_region(account)
        yield self._source(fleets)

    def _instance(self, row: Resource, fleet: str, exempt: Exempt | None) -> Instance:
        recorded = row.outputs
        target = Target.parse(recorded.get(resource_state.TARGET))
        # A refresh makes the inputs what it observed; the target keeps what the program wants.
        wanted = {} if row.is_read else target.wanted if target else decode(row.inputs)
        options = decode(recorded)
        confirmed = self._confirmed(recorded, target)
        unfinished = text(recorded.get(UNFINISHED))
        return Instance(
            environment=self.environment,
            account=text(recorded.get(resource_state.OWNER_ID)),
            region=text(recorded.get(resource_state.REGION)),
            instance=row.id,
            status=_status(options, wanted, exempt, confirmed="unknown" if unfinished else confirmed),
            fleet=fleet,
            options=options,
            wanted=wanted,
            pending=confirmed in ("pending", PENDING_START),
            exempt=exempt,
            unfinished=unfinished,
        )

    def _confirmed(self, recorded: Mapping[str, object], target: Target | None) -> str:
        """The state of the options: what the resource waited for itself or else a barrier saw after its last change."""
        if target is None:
            return "unknown"
        return text(recorded.get(resource_state.STATE)) or self._seen_by_barriers.get(str(target), "unknown")

    @cached_property
    def _seen_by_barriers(self) -> Mapping[str, _Confirmed]:
        """The state of the options by target, which names the instance and its last change."""
        seen: dict[str, _Confirmed] = {}
        for barrier in self.state.of_type(_BARRIER):
            applied, stopped = (set(sequence(barrier.outputs.get(each))) for each in (APPLIED_IDS, PENDING_START_IDS))
            for target in targets(barrier.outputs).values():
                if target.instance_id in applied:
                    seen[str(target)] = "applied"
                elif target.instance_id in stopped:
                    # The barrier of a wave may have seen it stopped, and the last one started.
                    seen.setdefault(str(target), "pending-start")
        return seen

    def _without_resource(
        self, fleet: Resource, exempt: Mapping[str, Exempt], managed: Iterable[tuple[str, str]]
    ) -> Iterator[Instance]:
        """The instances that a fleet reports and that have no resource of their own.

        Those that an AWS service manages count as exempt: the service alone can change them.
        """
        report = mapping(fleet.outputs.get("report"))
        operators = {
            text(each.get("instance")): text(each.get("operator"))
            for each in map(mapping, sequence(report.get("serviceManaged")))
        }
        unknown = [text(each) for each in sequence(report.get("unknown")) if each not in exempt]
        for instance in dict.fromkeys((*exempt, *unknown, *operators)):
            if instance and (fleet.name, instance) not in managed:
                yield Instance(
                    environment=self.environment,
                    account=self._account,
                    region=self._region_of(fleet),
                    instance=instance,
                    status="unknown" if instance in unknown else "exempt",
                    fleet=fleet.name,
                    exempt=exempt.get(instance),
                    operator=operators.get(instance, ""),
                )

    def _groups(self, fleet: Resource) -> Iterator[Group]:
        report = mapping(fleet.outputs.get("report"))
        for each in map(mapping, sequence(report.get("launchSources"))):
            option = text(each.get("option"))
            yield Group(
                environment=self.environment,
                account=self._account,
                region=text(each.get("region")),
                group=text(each.get("group")),
                launched_by=text(each.get("launchedBy")),
                option=option,
                value=None if each.get("value") == "unknown" else decode({option: each.get("value")}).get(option),
                wanted=decode({option: each.get("wanted")}).get(option, ""),
                decided_by=text(each.get("decidedBy")),
                fleet=fleet.name,
            )

    def _account_region(self, row: Resource) -> AccountRegion:
        defaults, inputs = decode_defaults(row.outputs), decode_defaults(row.inputs)
        managed = [] if row.is_read else account_state.managed(row.outputs)
        enforced = defaults.get(HTTP_TOKENS_ENFORCED)
        return AccountRegion(
            environment=self.environment,
            account=self._account,
            region=text(row.outputs.get(resource_state.REGION)),
            defaults=defaults,
            wanted={name: inputs[name] for name in managed if name in inputs},
            enforced=None if enforced is None else enforced == "enabled",
            managed_by=text(row.outputs.get(account_state.MANAGED_BY)),
            unfinished=text(row.outputs.get(UNFINISHED)),
        )

    def _source(self, fleets: Iterable[Resource]) -> Source:
        hidden = sorted(each.name for each in fleets if is_secret(each.outputs.get("report")))
        encrypted = f"the reports of its fleets are encrypted, so not all is known of {', '.join(hidden)}."
        return Source(
            kind="stack",
            environment=self.environment,
            result=self.update.result,
            account=self._account,
            region=self._region,
            at=self.update.at,
            problem=self.update.problem or (encrypted if hidden else ""),
        )

    @cached_property
    def _account(self) -> str:
        """The account of all resources; "" if they are in several or it is not known."""
        owners = {text(row.outputs.get(resource_state.OWNER_ID)) for row in self.state.of_type(_ROW)} - {""}
        return _only(owners or {self.update.account})

    @cached_property
    def _region(self) -> str:
        tokens = (_ROW, _BARRIER, _ACCOUNT)
        found = {
            text(each.outputs.get(resource_state.REGION)) for token in tokens for each in self.state.of_type(token)
        }
        return _only((found - {""}) or {self.update.region})

    def _region_of(self, fleet: Resource) -> str:
        """The region of a fleet; "" if it has several, since its report names none."""
        barriers = (each for each in self.state.of_type(_BARRIER) if each.parent == fleet.urn)
        return _only({text(each.outputs.get(resource_state.REGION)) for each in barriers})


def _status(options: Options, wanted: Options, exempt: Exempt | None, *, confirmed: str) -> Status:
    """The status of an instance whose options were last ``confirmed`` to be in this state."""
    if exempt is None and confirmed == "unknown":
        return "not-compliant" if changes(options, wanted) else "unknown"
    stopped = confirmed == PENDING_START
    return status_of(
        Observation("", "stopped" if stopped else "running", "pending" if stopped else confirmed, options),
        wanted,
        exempt,
    )


def _exemptions(fleet: Resource) -> dict[str, Exempt]:
    """The exemptions of a fleet by instance, those that have ended included."""
    entries = map(mapping, sequence(mapping(fleet.outputs.get("report")).get("exempt")))
    return {
        text(each.get("instance")): Exempt(text(each.get("reason")), parse_day(each.get("until")) or date.min)
        for each in entries
    }


def _only(values: Iterable[str]) -> str:
    """The value if it is the only one, else ""."""
    found = set(values)
    return found.pop() if len(found) == 1 else ""
