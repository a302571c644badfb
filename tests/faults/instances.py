"""The instances of every case, what two programs want for them, and their options after a restore."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import boto3

from imds_provider.rules.options import Options, from_ec2
from localcloud.client import LocalCloud
from tests.support.ec2_options import to_ec2
from tests.support.fakes import LAX
from tests.support.provider_run import REGION
from tests.support.stack_in_process import Program, Row

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

BEFORE: Mapping[str, Options] = {
    "web": {**LAX, "instanceMetadataTags": "enabled"},
    "api": {**LAX, "httpTokens": "required"},
    "worker": LAX,
    "database": LAX,
    "alone": LAX,
}
"""The options before anything is managed. ``database`` is stopped."""

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
"""Changes values, adds options, releases one, and loosens the tokens of ``worker`` with a reason."""

WITH_REASON = ("worker", "database")
"""The instances whose rows give a reason to loosen."""
RESTORED: Mapping[str, Options] = {**BEFORE, "web": {**BEFORE["web"], "httpTokens": "required"}}
"""The options once all that ``FIRST`` manages is restored: nothing gives a reason to loosen ``web``."""

PENDING_SECONDS = 1.0


@dataclass
class Fleet:
    """The instances by name, what somebody else has set on them, and when they were launched (monotonic clock)."""

    ids: Mapping[str, str]
    drift: dict[str, dict[str, str | int]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    launched_at: float = 0.0

    def program(self, wanted: Mapping[str, Options], *, on_destroy: str, timeout: float) -> Program:
        """The program that wants these options; ``alone`` waits for itself, the others at a barrier."""
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
        """The options that EC2 really has, by name, of the instances that are still there."""
        options = {view["id"]: from_ec2(view["options"]) for view in cloud.instances()}
        return {name: options[id_] for name, id_ in self.ids.items() if name not in self.gone and id_ in options}


def launch(cloud: LocalCloud) -> Fleet:
    """Instances that were launched long ago."""
    ids = {name: f"i-{character * 17}" for name, character in zip(BEFORE, "abcde", strict=True)}
    cloud.seed(
        [
            {
                "id": ids[name],
                "region": REGION,
                "options": to_ec2(options),
                "state": "stopped" if name == STOPPED else "running",
            }
            for name, options in BEFORE.items()
        ]
    )
    return Fleet(ids)


def launch_now(cloud: LocalCloud) -> Fleet:
    """Instances that EC2 launches now, and that not every part of it knows yet."""
    ids = {}
    ec2 = client(cloud)
    started = time.monotonic()
    for name, options in BEFORE.items():
        answer = ec2.run_instances(
            ImageId="ami-0123456789abcdef0",
            MinCount=1,
            MaxCount=1,
            MetadataOptions=to_ec2(options),  # type: ignore[arg-type]  # the same names
        )
        ids[name] = answer["Instances"][0]["InstanceId"]
    ec2.close()
    cloud.stop(ids[STOPPED])
    return Fleet(ids, launched_at=started)


def client(cloud: LocalCloud) -> EC2Client:
    """A client of EC2, to be closed."""
    ec2: EC2Client = boto3.client("ec2", **cloud.connection(REGION))
    return ec2
