"""DescribeLaunchConfigurations."""

from __future__ import annotations

from moto.autoscaling.models import autoscaling_backends

from localcloud.api.answer import Answer
from localcloud.autoscaling.records import record_count
from localcloud.ec2 import pages
from localcloud.ec2.request import Request


def describe_launch_configurations(request: Request) -> Answer:
    """Launch configurations by name, those that do not exist left out."""
    call = request.call
    account, region = request.scope
    size = record_count(call)
    names = call.list_param("LaunchConfigurationNames.member")
    found = autoscaling_backends[account][region].describe_launch_configurations(names)
    page, token = pages.page(pages.after_token(call.params.get("NextToken"), {each.name: each for each in found}), size)
    return request.serialized({"LaunchConfigurations": page, "NextToken": token})
