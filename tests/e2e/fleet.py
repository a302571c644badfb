"""Instances, the configuration of stacks that manage them, and the modifications that were sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imds_components.fleet.waves import Rollout, assign
from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions, Seed
from tests.support.engine import Run

REGION = "eu-west-1"
MODIFY = "ModifyInstanceMetadataOptions"
WEB, API, WORKER, DATABASE, CACHE = (f"i-{digit * 17}" for digit in "abcde")
FIVE = {"web": WEB, "api": API, "worker": WORKER, "database": DATABASE, "cache": CACHE}

BARRIER = "MetadataOptionsApplied instances"

REQUIRED = {"httpTokens": "required"}
IN_ORDER = [
    instance_id
    for wave in assign([f"i-{number:017x}" for number in range(1, 9)], Rollout(waves=[*range(1, 9)])).values()
    for instance_id in wave
]
"""Eight instances in the order in which a fleet changes them, so that the first is its first wave."""


def row(name: str) -> str:
    """The resource of an instance in this project's own stack."""
    return f"InstanceMetadataOptions instances-{name}"


def rows(*names: str) -> set[str]:
    return {row(name) for name in names}


def aws_config(cloud: LocalCloud) -> dict[str, object]:
    """The configuration with which pulumi-aws and this project use the embedded EC2."""
    return {
        "aws:region": REGION,
        "aws:endpoints": [dict.fromkeys(("ec2", "sts", "cloudwatch", "autoscaling"), cloud.url)],
        "aws:accessKey": "test",
        "aws:secretKey": "test",
        "aws:skipCredentialsValidation": True,
        "aws:skipRequestingAccountId": True,
        "aws:skipMetadataApiCheck": True,
    }


def managing(cloud: LocalCloud, instances: Mapping[str, str], **options: object) -> dict[str, object]:
    """The configuration of this project's stack for these instances and options."""
    return {**aws_config(cloud), "imds:instances": dict(instances), "imds:options": options}


def instance(instance_id: str, options: MetadataOptions | None = None, *, state: str = "running") -> Seed:
    return {"id": instance_id, "region": REGION, "options": options or {}, "state": state}


def member(instance_id: str, options: MetadataOptions | None = None, *, team: str = "web") -> Seed:
    """An instance of the team, which :func:`fleet` selects if it is ``web``."""
    return {**instance(instance_id, options), "tags": {"Team": team}}


def fleet(cloud: LocalCloud, *, wanted: object = REQUIRED, **given: object) -> dict[str, object]:
    """The configuration of a stack with these options and the fleet ``web``, with more keys of the fleet in ``given``.

    ``soakMinutes`` is 0 unless it is given, since most tests need only what CloudWatch has at once. None leaves it out.
    """
    rollout = given.pop("rollout", {})
    assert isinstance(rollout, dict)
    watched = {name: value for name, value in {"soakMinutes": 0, **rollout}.items() if value is not None}
    web = {"select": {"tag:Team": ["web"]}, "rollout": watched, **given}
    return {**aws_config(cloud), "imds:options": wanted, "imds:fleets": {"web": web}}


def fleet_rows(*instance_ids: str) -> set[str]:
    """The resources of instances in the fleet ``web``."""
    return {f"InstanceMetadataOptions web-{each}" for each in instance_ids}


def barriers(*waves: int) -> set[str]:
    return {f"MetadataOptionsApplied web-{REGION}-wave-{each}" for each in waves}


def checks(*waves: int) -> set[str]:
    return {f"MetadataWaveHealthy web-{REGION}-wave-{each}" for each in waves}


def errors(run: Run) -> str:
    """The errors of a run that failed, which shows no traceback."""
    assert "Traceback" not in run.text
    return "\n".join(run.messages("error"))


def tokens(cloud: LocalCloud, instance_ids: Iterable[str]) -> set[str]:
    """The values of HttpTokens that the instances have."""
    return {cloud.instance(each)["options"]["HttpTokens"] for each in instance_ids}


def modifications(cloud: LocalCloud) -> dict[str, dict[str, str]]:
    """The modifications since the last call of this, by instance; there is at most one for each."""
    calls = [dict(call["params"]) for call in cloud.log(MODIFY) if "DryRun" not in call["params"]]
    cloud.reset()
    sent = {call.pop("InstanceId"): call for call in calls}
    assert len(sent) == len(calls), calls
    return sent


def planned_changes(preview: Run) -> dict[str, str]:
    """The changes that a preview lists, by instance ID: ``httpTokens: optional -> required``."""
    (report,) = preview.messages("info")
    # Each line has its name, its ID and what will change.
    return dict(line.split(maxsplit=2)[1:] for line in report.splitlines() if line.startswith(" "))
