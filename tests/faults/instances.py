"""The instances that every cell is about, what two programs want of them, and what must hold of them in the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3

from imds_provider.rules.options import OPTIONS, Options, from_ec2
from localcloud.client import LocalCloud
from tests.support.provider_run import REGION
from tests.support.stack_in_process import Program, Row

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

LAX: Options = {
    "httpTokens": "optional",
    "httpPutResponseHopLimit": 1,
    "httpEndpoint": "enabled",
    "httpProtocolIpv6": "disabled",
    "instanceMetadataTags": "disabled",
}
BEFORE: Mapping[str, Options] = {
    "web": {**LAX, "instanceMetadataTags": "enabled"},
    "api": {**LAX, "httpTokens": "required"},
    "worker": LAX,
    "database": LAX,
    "alone": LAX,
}
"""The options before anything was managed. ``database`` is stopped."""

STOPPED = "database"
FIRST: Mapping[str, Options] = {
    "web": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
    "api": {"httpPutResponseHopLimit": 3},
    "worker": {"httpTokens": "required", "httpProtocolIpv6": "enabled", "instanceMetadataTags": "enabled"},
    "database": {"httpTokens": "required"},
    "alone": {"httpPutResponseHopLimit": 2, "instanceMetadataTags": "enabled"},
}
SECOND: Mapping[str, Options] = {
    "web": {"httpTokens": "required", "httpPutResponseHopLimit": 4},
    "api": {"httpPutResponseHopLimit": 3, "httpTokens": "required"},
    "worker": {"httpTokens": "optional", "httpProtocolIpv6": "enabled"},
    "database": {"httpTokens": "required", "httpPutResponseHopLimit": 2},
    "alone": {"httpPutResponseHopLimit": 5, "instanceMetadataTags": "enabled"},
}
"""Changes values, adds options, lets one go, and loosens the tokens of ``worker`` because it is asked to."""

WITH_REASON = ("worker", "database")
"""Those that may be loosened."""
RESTORED: Mapping[str, Options] = {**BEFORE, "web": {**BEFORE["web"], "httpTokens": "required"}}
"""The options once everything is restored that was managed as ``FIRST`` says: nothing gives a reason to loosen web."""

PENDING_SECONDS = 1.0


@dataclass
class Fleet:
    """The instances, what others than this project have done to them, and when by this machine they were launched."""

    ids: Mapping[str, str]
    behind: dict[str, dict[str, str | int]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    launched_at: float = 0.0

    def program(self, wanted: Mapping[str, Options], *, on_destroy: str, timeout: float) -> Program:
        """The program that wants this; ``alone`` waits for itself, the others for their barrier."""
        rows = (
            Row(
                name,
                self.ids[name],
                options,
                wait=name == "alone",
                on_destroy=on_destroy,
                allow_downgrade="its agent calls IMDSv1" if name in WITH_REASON else None,
            )
            for name, options in wanted.items()
        )
        return Program(tuple(rows), timeout)

    def truth(self, cloud: LocalCloud) -> dict[str, Options]:
        """What EC2 really has, by name, of those that are still there."""
        options = {view["id"]: from_ec2(view["options"]) for view in cloud.instances()}
        return {name: options[id_] for name, id_ in self.ids.items() if name not in self.gone and id_ in options}


def launch(cloud: LocalCloud) -> Fleet:
    """Instances that have been there for long."""
    ids = {name: f"i-{character * 17}" for name, character in zip(BEFORE, "abcde", strict=True)}
    cloud.seed(
        [
            {
                "id": ids[name],
                "region": REGION,
                "options": _by_ec2s_names(options),  # type: ignore[typeddict-item]  # the five options
                "state": "stopped" if name == STOPPED else "running",
            }
            for name, options in BEFORE.items()
        ]
    )
    return Fleet(ids)


def launch_now(cloud: LocalCloud) -> Fleet:
    """Instances that EC2 launches now, and of which every part of it has yet to hear."""
    ids = {}
    ec2 = client(cloud)
    started = time.monotonic()
    for name, options in BEFORE.items():
        given = _by_ec2s_names(options)
        answer = ec2.run_instances(ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, MetadataOptions=given)  # type: ignore[arg-type]  # the five options
        ids[name] = answer["Instances"][0]["InstanceId"]
    ec2.close()
    cloud.stop(ids[STOPPED])
    return Fleet(ids, launched_at=started)


def client(cloud: LocalCloud) -> EC2Client:
    """EC2 for what is not this project's to do; to be closed."""
    ec2: EC2Client = boto3.client("ec2", **cloud.connection(REGION))
    return ec2


def _by_ec2s_names(options: Options) -> dict[str, str | int]:
    return {option.ec2_name: options[option.name] for option in OPTIONS}
