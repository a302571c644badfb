"""A dynamic resource that does nothing, to measure the time of the engine, the program and the dynamic host."""

from __future__ import annotations

from typing import Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from imds_provider.rules.options import OPTION_NAMES


class IdleProvider(ResourceProvider):
    """Record the inputs. Pickled into the state by reference, like the providers of the project."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=False)

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("idle", props)


class Idle(Resource):
    """An idle resource with the properties of an instance of a fleet, since each property costs Pulumi time."""

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
        others = ("allowDowngrade", "change", "found", "unhealthy", "days", "ifGone")
        outputs = ("state", "previous", "ownerId", "target", "unfinished")
        super().__init__(IdleProvider(), name, {**dict.fromkeys((*OPTION_NAMES, *others, *outputs)), **given})
