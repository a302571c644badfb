"""Auto Scaling's actions: the handlers of those that localcloud serves, and what moto lacks for the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localcloud.api.answer import Answer
from localcloud.autoscaling import groups
from localcloud.autoscaling.describe_groups import describe_groups
from localcloud.autoscaling.describe_launch_configurations import describe_launch_configurations
from localcloud.ec2.request import Request

HANDLERS: Mapping[str, Callable[[Request], Answer]] = {
    "DescribeAutoScalingGroups": describe_groups,
    "DescribeLaunchConfigurations": describe_launch_configurations,
}


def handle(request: Request) -> Answer:
    return HANDLERS.get(request.call.action, _forward)(request)


def _forward(request: Request) -> Answer:
    store, scope = request.store, request.scope
    existing = {instance.id for _, instance in store.instances(*scope)}
    policies = {name: group.mixed_instances_policy for name, group in groups.all_groups(scope).items()}
    answer = request.forward()
    if answer.code == "OK" and request.call.action == "UpdateAutoScalingGroup":
        name = request.call.params["AutoScalingGroupName"]
        groups.complete_update(groups.all_groups(scope)[name], request.call.params, policies[name])
    groups.settle_launches(store, scope, existing)
    return answer
