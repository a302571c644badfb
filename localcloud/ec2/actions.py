"""Which handler serves which of EC2's actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localcloud.api.answer import Answer
from localcloud.ec2 import account_defaults, forwarded, monitoring
from localcloud.ec2.describe_instances import describe_instances
from localcloud.ec2.describe_status import describe_status
from localcloud.ec2.modify_options import modify_options
from localcloud.ec2.request import Request
from localcloud.ec2.run_instances import run_instances

HANDLERS: Mapping[str, Callable[[Request], Answer]] = {
    "DescribeInstances": describe_instances,
    "DescribeInstanceStatus": describe_status,
    "ModifyInstanceMetadataOptions": modify_options,
    "GetInstanceMetadataDefaults": account_defaults.get_defaults,
    "ModifyInstanceMetadataDefaults": account_defaults.modify_defaults,
    "RunInstances": run_instances,
    "MonitorInstances": monitoring.monitor,
    "UnmonitorInstances": monitoring.unmonitor,
}


def handle(request: Request) -> Answer:
    return HANDLERS.get(request.call.action, forwarded.forward)(request)
