"""DescribeAutoScalingGroups.

Source: Auto Scaling API reference. A group with a mixed instances policy has no launch template outside of it, and an
instance names the number of the version that it was launched from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from moto.autoscaling.models import FakeAutoScalingGroup, InstanceState, autoscaling_backends

from localcloud.api.answer import Answer
from localcloud.api.errors import AWSError
from localcloud.autoscaling import groups
from localcloud.autoscaling.records import list_members, record_count
from localcloud.ec2 import pages, templates
from localcloud.ec2.account_levels import Scope
from localcloud.ec2.request import Request
from localcloud.ec2.store import GONE


def describe_groups(request: Request) -> Answer:
    """Groups by name, those that do not exist left out, and by tag as in moto; without instances if so asked."""
    call, scope = request.call, request.scope
    account, region = scope
    size = record_count(call)
    filters: list[dict[str, Any]] = [
        {"Name": call.params.get(f"{prefix}.Name", ""), "Values": call.list_param(f"{prefix}.Values.member")}
        for prefix in list_members(call, "Filters")
    ]
    names = call.list_param("AutoScalingGroupNames.member")
    found = autoscaling_backends[account][region].describe_auto_scaling_groups([], filters=filters)
    by_name = {group.name: group for group in found if not names or group.name in names}
    page, token = pages.page(pages.after_token(call.params.get("NextToken"), by_name), size)
    lists_instances = call.params.get("IncludeInstances") != "false"
    there = {each.id for _, each in request.store.instances(*scope) if each.state not in GONE and lists_instances}
    views = [_view(request, each, there) for each in page]
    return request.serialized({"AutoScalingGroups": views, "NextToken": token})


def _view(request: Request, group: FakeAutoScalingGroup, there: Collection[str]) -> dict[str, object]:
    policy = group.mixed_instances_policy
    members = [each for each in group.instance_states if each.instance_id in there]
    return {
        "AutoScalingGroupName": group.name,
        "AutoScalingGroupARN": group.arn,
        "LaunchConfigurationName": groups.launch_configuration(group),
        "LaunchTemplate": None if policy else group.launch_template,
        "MixedInstancesPolicy": _policy_view(request.scope, policy) if policy else None,
        "MinSize": group.min_size,
        "MaxSize": group.max_size,
        "DesiredCapacity": group.desired_capacity,
        "DefaultCooldown": group.default_cooldown,
        "AvailabilityZones": group.availability_zones,
        "LoadBalancerNames": group.load_balancer_names,
        "TargetGroupARNs": group.target_group_arns,
        "HealthCheckType": group.health_check_type,
        "HealthCheckGracePeriod": group.health_check_grace_period,
        "Instances": [_instance_view(request, group, each) for each in members],
        "CreatedTime": group.created_time,
        "SuspendedProcesses": group.suspended_processes,
        "PlacementGroup": group.placement_group,
        "VPCZoneIdentifier": group.vpc_zone_identifier,
        "EnabledMetrics": group.enabled_metrics,
        "Tags": group.tags,
        "TerminationPolicies": group.termination_policies,
        "NewInstancesProtectedFromScaleIn": group.new_instances_protected_from_scale_in,
        "ServiceLinkedRoleARN": group.service_linked_role_arn,
        "CapacityRebalance": group.capacity_rebalance,
    }


def _policy_view(scope: Scope, policy: Mapping[str, Any]) -> dict[str, object]:
    """The policy, in which each launch template has its ID and its name."""
    launch: Mapping[str, Any] = policy["LaunchTemplate"]
    shown = [
        {**each, "LaunchTemplateSpecification": _completed(scope, each["LaunchTemplateSpecification"])}
        if each.get("LaunchTemplateSpecification")
        else each
        for each in launch.get("Overrides", ())
    ]
    return {**policy, "LaunchTemplate": {**launch, "Overrides": shown}}


def _completed(scope: Scope, specification: groups.Specification) -> groups.Specification:
    try:
        named = (specification.get("LaunchTemplateId"), specification.get("LaunchTemplateName"))
        template = templates.find_template(scope, *named)
    except AWSError:
        return specification
    return {**specification, "LaunchTemplateId": template.id, "LaunchTemplateName": template.name}


def _instance_view(request: Request, group: FakeAutoScalingGroup, state: InstanceState) -> dict[str, object]:
    launched_from = request.store.launched_from.get(state.instance_id)
    configuration = None if launched_from else groups.launch_configuration(group)
    template = launched_from and {
        "LaunchTemplateId": launched_from.id,
        "LaunchTemplateName": launched_from.name,
        "Version": str(launched_from.number),
    }
    return {
        "InstanceId": state.instance_id,
        "InstanceType": state.instance_type,
        "AvailabilityZone": state.availability_zone,
        "LifecycleState": state.lifecycle_state,
        "HealthStatus": state.health_status,
        "ImageId": state.instance.image_id,
        "LaunchTemplate": template,
        "LaunchConfigurationName": configuration,
        "ProtectedFromScaleIn": bool(state.protected_from_scale_in),
    }
