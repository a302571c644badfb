"""The control endpoint: JSON under `/_localcloud/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from localcloud.autoscaling.seeds import seed_group, seed_launch_configuration
from localcloud.cloudwatch.alarms import AlarmSeed
from localcloud.ec2.account_json import check_defaults, defaults_from_wire
from localcloud.ec2.account_levels import CLEARED, Policy, Scope
from localcloud.ec2.fields import checked
from localcloud.ec2.instances import check_change, check_seed
from localcloud.ec2.launch_seeds import seed_image, seed_parameter, seed_template
from localcloud.ec2.seeding import seed_instance
from localcloud.ec2.store import InstanceStore
from localcloud.ec2.workload import non_negative
from localcloud.faults import Fault
from localcloud.http.pipeline import Cloud

PREFIX = "/_localcloud/"

Json = Any  # parsed JSON; whoever uses it checks it


def respond(cloud: Cloud, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Return the status and JSON body of an answer."""
    try:
        value = json.loads(body) if body else {}
        with cloud.store.lock:
            result = _route(cloud, method, path.removeprefix(PREFIX), value)
    except LookupError as error:
        return 404, json.dumps({"error": str(error.args[0])}).encode()
    except (ValueError, TypeError) as error:
        return 400, json.dumps({"error": str(error)}).encode()
    return 200, json.dumps(result).encode()


def _route(cloud: Cloud, method: str, path: str, value: Json) -> Json:
    resource, _, rest = path.partition("/")
    if resource == "instances" and rest:
        return _instance(cloud, method, rest, value)
    if resource in _SCOPED and rest:
        account, _, region = rest.partition("/")
        return _SCOPED[resource](cloud, (account, region), method, value)
    handler = _ROUTES.get((method, path))
    if handler is None:
        raise LookupError(f"unknown route {method} {PREFIX}{path}")
    return handler(cloud, value)


def _instance(cloud: Cloud, method: str, rest: str, value: Json) -> Json:
    instance_id, _, verb = rest.partition("/")
    instance = cloud.store.find(instance_id)
    if instance is None:
        raise LookupError(f"instance {instance_id} does not exist")
    if method == "POST" and verb:
        cloud.store.move(instance, verb)
    elif method == "POST":
        cloud.store.change(instance, check_change(instance_id, value))
    return cloud.store.view(instance)


def _account_defaults(cloud: Cloud, scope: Scope, method: str, value: Json) -> Json:
    levels = cloud.store.account_levels
    if method == "POST":
        levels.change(scope, check_defaults(value))
    return defaults_from_wire(levels.effective(scope))


def _declarative_policy(cloud: Cloud, scope: Scope, method: str, value: Json) -> Json:
    policy = None
    if method == "POST":
        chosen = {name: each for name, each in check_defaults(value["defaults"]).items() if each not in CLEARED}
        policy = Policy(chosen, str(value["exception_message"]))
    cloud.store.account_levels.set_policy(scope, policy)
    return {}


def _alarm(cloud: Cloud, scope: Scope, method: str, value: Json) -> Json:
    if method != "POST":
        raise LookupError(f"unknown method {method} of alarms")
    seed = checked(AlarmSeed, value, "alarm")
    cloud.alarms.set(
        scope,
        seed["name"],
        seed["state"],
        reason=seed["reason"],
        composite=seed["composite"],
        after=non_negative("after", seed["after"]),
    )
    return {}


def _reset(cloud: Cloud, _value: Json) -> Json:
    cloud.journal.reset()
    return {}


def _wipe(cloud: Cloud, _value: Json) -> Json:
    cloud.wipe()
    return {}


def _settings(cloud: Cloud, value: Json) -> Json:
    cloud.store.settings = cloud.store.settings.changed(value)
    if "throttle" in value:
        cloud.throttle.refill()
    return cloud.store.settings.as_json()


def _seed(cloud: Cloud, value: Json) -> Json:
    return [cloud.store.view(seed_instance(cloud.store, each)) for each in [check_seed(each) for each in value]]


def _seeds(add: Callable[[InstanceStore, object], Json]) -> Callable[[Cloud, Json], Json]:
    """A route for a list of seeds, each of which `add` adds to the store."""
    return lambda cloud, value: [add(cloud.store, each) for each in value]


def _advance(cloud: Cloud, value: Json) -> Json:
    cloud.clock.advance(float(value["seconds"]))
    return {}


def _add_faults(cloud: Cloud, value: Json) -> Json:
    cloud.faults.add([Fault.from_json(each) for each in value])
    return cloud.faults.as_json()


def _clear_faults(cloud: Cloud, _value: Json) -> Json:
    cloud.faults.clear()
    return []


_SCOPED: dict[str, Callable[[Cloud, Scope, str, Json], Json]] = {
    "account-defaults": _account_defaults,
    "declarative-policies": _declarative_policy,
    "alarms": _alarm,
}
"""Resources of an account in a region, whose path ends with both."""

_ROUTES: dict[tuple[str, str], Callable[[Cloud, Json], Json]] = {
    ("GET", "counts"): lambda cloud, _: cloud.journal.counts(),
    ("GET", "log"): lambda cloud, _: cloud.journal.log(),
    ("POST", "reset"): _reset,
    ("POST", "wipe"): _wipe,
    ("GET", "settings"): lambda cloud, _: cloud.store.settings.as_json(),
    ("POST", "settings"): _settings,
    ("POST", "advance"): _advance,
    ("GET", "time"): lambda cloud, _: cloud.store.aws_now(),
    ("GET", "instances"): lambda cloud, _: cloud.store.views(),
    ("POST", "seed"): _seed,
    ("POST", "seed-images"): _seeds(seed_image),
    ("POST", "seed-parameters"): _seeds(seed_parameter),
    ("POST", "seed-templates"): _seeds(seed_template),
    ("POST", "seed-launch-configurations"): _seeds(seed_launch_configuration),
    ("POST", "seed-groups"): _seeds(seed_group),
    ("GET", "faults"): lambda cloud, _: cloud.faults.as_json(),
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _clear_faults,
}
