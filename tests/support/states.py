"""States of stacks, as `pulumi stack export` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from imds_provider.rules.options import Options
from imds_provider.rules.target import Change, Target

STACK_URN = "urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod"
REGION = "eu-west-1"
OWNER = "123456789012"
REQUIRED: Options = {"httpTokens": "required"}
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:AAAA"}
"""An encrypted value."""

Resource = dict[str, Any]


def state(*resources: Resource, pending: Sequence[Resource] = (), at: str = "2026-11-25T04:00:00.5Z") -> dict[str, Any]:
    """The state of the stack ``prod``, with operations that its last update has not completed."""
    return {
        "version": 3,
        "deployment": {
            "manifest": {"time": at, "magic": "", "version": "v3.259.0"},
            "resources": [{"urn": STACK_URN, "custom": False, "type": "pulumi:pulumi:Stack"}, *resources],
            "pending_operations": [{"resource": each, "type": "creating"} for each in pending],
        },
    }


def resource(type_token: str, name: str, *, parent: str = STACK_URN, **fields: Any) -> Resource:  # noqa: ANN401  JSON
    urn = f"urn:pulumi:prod::shop::{type_token}::{name}"
    return {"urn": urn, "type": type_token, "parent": parent, **fields}


def dynamic(kind: str, name: str, outputs: Mapping[str, object], *, parent: str = STACK_URN, **fields: Any) -> Resource:  # noqa: ANN401  JSON
    token = f"pulumi-python:dynamic/imds:{kind}"
    return resource(token, name, parent=parent, custom=True, outputs={"__provider": "gASV", **outputs}, **fields)


def target(instance: str, wanted: Options = REQUIRED, change: str = "c1") -> str:
    return str(Target(instance, wanted, Change(change)))


def row(
    instance: str,
    options: Mapping[str, object] = REQUIRED,
    *,
    wanted: Options = REQUIRED,
    change: str = "c1",
    parent: str = STACK_URN,
    outputs: Mapping[str, object] | None = None,
    **fields: Any,  # noqa: ANN401  JSON
) -> Resource:
    """A resource of an instance, which a barrier waits for unless ``outputs`` have a ``state``."""
    recorded = {
        "instanceId": instance,
        "region": REGION,
        "ownerId": OWNER,
        **options,
        "target": target(instance, wanted, change),
        **(outputs or {}),
    }
    inputs = {"instanceId": instance, "region": REGION, **wanted}
    kind = "InstanceMetadataOptions"
    return dynamic(kind, f"web-{instance}", recorded, parent=parent, id=instance, inputs=inputs, **fields)


def barrier(
    targets: Sequence[str],
    *,
    pending_start: Sequence[str] = (),
    name: str = "web",
    region: str = REGION,
    parent: str = STACK_URN,
) -> Resource:
    """A barrier that saw these targets applied, but for the instances that are to start first."""
    ids = {each.split()[0] for each in targets}
    outputs = {
        "region": region,
        "targets": {each.split()[0]: each for each in targets},
        "appliedIds": sorted(ids - set(pending_start)),
        "pendingStartIds": list(pending_start),
    }
    return dynamic("MetadataOptionsApplied", name, outputs, parent=parent, id="applied")


def fleet(name: str = "web", **report: object) -> Resource:
    """The component of a fleet, with these keys in its report."""
    return resource("imds:index:FleetMetadata", name, custom=False, outputs={"report": report})
