"""The control endpoint, JSON under `/_localcloud/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from localcloud.ec2.instances import checked_change, checked_seed
from localcloud.faults import Fault
from localcloud.http.pipeline import Cloud

PREFIX = "/_localcloud/"

Json = Any  # what json.loads gives: checked by whoever takes it


def respond(cloud: Cloud, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and JSON body for a request to the control endpoint."""
    try:
        given = json.loads(body) if body else {}
        with cloud.world.lock:
            result = _route(cloud, method, path.removeprefix(PREFIX), given)
    except LookupError as error:
        return 404, json.dumps({"error": str(error.args[0])}).encode()
    except (ValueError, TypeError) as error:
        return 400, json.dumps({"error": str(error)}).encode()
    return 200, json.dumps(result).encode()


def _route(cloud: Cloud, method: str, path: str, given: Json) -> Json:
    what, _, rest = path.partition("/")
    if what == "instances" and rest:
        return _instance(cloud, method, rest, given)
    handler = _ROUTES.get((method, path))
    if handler is None:
        raise LookupError(f"there is no {method} {PREFIX}{path}")
    return handler(cloud, given)


def _instance(cloud: Cloud, method: str, rest: str, given: Json) -> Json:
    instance_id, _, verb = rest.partition("/")
    instance = cloud.world.find(instance_id)
    if instance is None:
        raise LookupError(f"there is no instance {instance_id}")
    if method == "POST" and verb:
        cloud.world.move(instance, verb)
    elif method == "POST":
        cloud.world.change(instance, checked_change(instance_id, given))
    return cloud.world.view(instance)


def _reset(cloud: Cloud, _given: Json) -> Json:
    cloud.journal.reset()
    return {}


def _wipe(cloud: Cloud, _given: Json) -> Json:
    cloud.wipe()
    return {}


def _settings(cloud: Cloud, given: Json) -> Json:
    cloud.world.settings = cloud.world.settings.changed(given)
    if "throttle" in given:
        cloud.throttle.refill()
    return cloud.world.settings.as_json()


def _seed(cloud: Cloud, given: Json) -> Json:
    return [cloud.world.view(cloud.world.seed(each)) for each in [checked_seed(each) for each in given]]


def _advance(cloud: Cloud, given: Json) -> Json:
    cloud.clock.advance(float(given["seconds"]))
    return {}


def _faults(cloud: Cloud, given: Json) -> Json:
    cloud.faults.add([Fault.from_json(each) for each in given])
    return cloud.faults.listed()


def _clear_faults(cloud: Cloud, _given: Json) -> Json:
    cloud.faults.clear()
    return []


_ROUTES: dict[tuple[str, str], Callable[[Cloud, Json], Json]] = {
    ("GET", "counts"): lambda cloud, _: cloud.journal.counts(),
    ("GET", "log"): lambda cloud, _: cloud.journal.log(),
    ("POST", "reset"): _reset,
    ("POST", "wipe"): _wipe,
    ("GET", "settings"): lambda cloud, _: cloud.world.settings.as_json(),
    ("POST", "settings"): _settings,
    ("POST", "advance"): _advance,
    ("GET", "time"): lambda cloud, _: cloud.world.aws_now(),
    ("GET", "instances"): lambda cloud, _: cloud.world.views(),
    ("POST", "seed"): _seed,
    ("GET", "faults"): lambda cloud, _: cloud.faults.listed(),
    ("POST", "faults"): _faults,
    ("DELETE", "faults"): _clear_faults,
}
