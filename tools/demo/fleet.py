"""The instances of the demo, with the IDs in stacks/Pulumi.local.yaml and stacks/Pulumi.fleet.yaml."""

from __future__ import annotations

from localcloud.autoscaling.seeds import TemplateReference
from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions, Seed

REGION = "eu-west-1"
PORT = 5599
"""The port that the stack files name."""
PENDING_SECONDS = 1.5
WEB, GATEWAY = "i-0a1000000000000a1", "i-0e1000000000000e2"


def _instance(
    instance_id: str,
    name: str,
    options: MetadataOptions | None = None,
    *,
    state: str = "running",
    pending: float | None = None,
) -> Seed:
    return {
        "id": instance_id,
        "name": name,
        "region": REGION,
        "options": options or {},
        "state": state,
        "pending": pending,
    }


FLEET = [
    _instance(WEB, "web-1"),
    _instance("i-0a1000000000000a2", "web-2"),
    _instance("i-0b1000000000000b1", "api-1", {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}),
    _instance("i-0b1000000000000b2", "api-2", {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}),
    _instance("i-0c1000000000000c1", "worker-1", {"HttpTokens": "required"}),
    _instance("i-0c1000000000000c2", "worker-2", {"HttpPutResponseHopLimit": 2}),
    _instance("i-0d1000000000000d1", "database", pending=6.0),
    _instance("i-0e1000000000000e1", "cache", {"HttpProtocolIpv6": "enabled", "InstanceMetadataTags": "enabled"}),
    _instance(GATEWAY, "gateway", {"HttpPutResponseHopLimit": 64}),
    _instance("i-0f1000000000000f1", "nightly", state="stopped"),
    _instance("i-0f1000000000000f2", "vault", {"HttpEndpoint": "disabled"}),
    _instance("i-0f1000000000000f3", "archive", {"HttpEndpoint": "disabled", "HttpTokens": "required"}),
]


def _shop(digit: str, name: str, *, legacy_calls_per_minute: float = 0.0, state: str = "running") -> Seed:
    return {
        "id": f"i-05a0000000000000{digit}",
        "name": name,
        "region": REGION,
        "tags": {"Team": "shop"},
        "state": state,
        "workload": {"legacy_calls_per_minute": legacy_calls_per_minute},
    }


BILLING, AGENT = "i-05a0000000000000c", "i-05a0000000000000b"
GROUP, TEMPLATE = "shop-workers", "shop-worker"
"""An autoscaling group to which shop-7 and shop-8 belong, and the template that it launches them from."""

SHOP = [
    *(_shop(digit, f"shop-{digit}") for digit in "12345678"),
    _shop("9", "shop-night", state="stopped"),
    _shop("a", "shop-cart"),
    _shop(AGENT[-1], "shop-agent", legacy_calls_per_minute=2),
    _shop(BILLING[-1], "shop-billing", legacy_calls_per_minute=0.5),
]


def seed_shop(cloud: LocalCloud) -> None:
    """Launch the shop, of which two instances belong to a group whose template allows IMDSv1."""
    cloud.seed(SHOP)
    cloud.seed_templates([{"name": TEMPLATE, "region": REGION, "versions": [{"options": {"HttpTokens": "optional"}}]}])
    workers = [each["id"] for each in SHOP if each.get("name") in ("shop-7", "shop-8")]
    template: TemplateReference = {"name": TEMPLATE, "version": "$Default"}
    cloud.seed_groups([{"name": GROUP, "region": REGION, "template": template, "instances": workers}])
