"""Existing instances to start with."""

from __future__ import annotations

from math import inf

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance

from localcloud.api.metadata_options import DEFAULTS
from localcloud.ec2.instances import STATES, Seed, options_to_wire
from localcloud.ec2.option_history import OptionHistory
from localcloud.ec2.store import GONE, STOPPED, InstanceStore
from localcloud.ec2.workload import DAY


def seed_instance(store: InstanceStore, seed: Seed) -> Instance:
    """Add an existing instance.

    Raises:
        ValueError: the ID is taken.
    """
    region, account = seed.get("region", "us-east-1"), seed.get("account", DEFAULT_ACCOUNT_ID)
    state = seed.get("state", "running")
    if store.find(seed["id"]) is not None:
        raise ValueError(f"{seed['id']} already exists")
    reservation = ec2_backends[account][region].run_instances(
        seed.get("image", "ami-0123456789abcdef0"),
        1,
        None,
        [],
        instance_type=seed.get("instance_type", "t3.micro"),
        is_instance_type_default=True,  # otherwise moto searches its 1,300 types
        region_name=region,
    )
    [instance] = reservation.instances
    instance.id = seed["id"]
    if state in GONE:
        instance.terminate()
    elif state in STOPPED:
        instance.stop()
    instance.instance_state.name, instance.instance_state.code = state, STATES[state]
    instance.add_tags({**({"Name": seed["name"]} if "name" in seed else {}), **seed.get("tags", {})})
    values = {**DEFAULTS, **options_to_wire(seed.get("options", {}))}
    ago = seed.get("launched_days_ago", 0) * DAY
    launched_at = store.clock.now() - ago if "launched_days_ago" in seed else -inf
    history = OptionHistory(values, launched_at=launched_at, applied_at=-inf, pending=seed.get("pending"))
    history.set_running(launched_at, running=state == "running")
    store.adopt(instance, history, launched_ago=ago)
    if seed.get("metadata_state") == "pending":
        store.set_options(instance, {}, pending=True)
    if "operator" in seed:
        store.operators[instance.id] = seed["operator"]
    store.set_behaviour(instance, seed)
    return instance
