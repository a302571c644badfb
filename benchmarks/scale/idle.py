"""A dynamic resource that does nothing: what the engine, the program and the dynamic host take for themselves."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from imds_provider.rules.options import OPTION_NAMES
from imds_provider.rules.resource_state import PROPERTY_NAMES


class IdleProvider(ResourceProvider):
    """Records what it is given. The state of a run refers to it by name, as to the providers of the project."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("idle", props)


class Idle(Resource):
    """One of them, with the properties that an instance of a fleet has: each takes Pulumi some time."""

    def __init__(self, name: str) -> None:
        given = {
            "instanceId": name,
            "region": "eu-west-1",
            "httpTokens": "required",
            "onDestroy": "retain",
            "wait": False,
            "timeoutSeconds": 600,
            "wave": 1,
        }
        super().__init__(IdleProvider(), name, {**dict.fromkeys((*OPTION_NAMES, *PROPERTY_NAMES)), **given})
