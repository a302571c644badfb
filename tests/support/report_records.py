"""Records of a report: one of each kind that shows all that it can, and any number of instances."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timezone

from imds_components.report.formats import Context
from imds_components.report.posture import AccountRegion, Exempt, Group, Imdsv1Calls, Instance, Record, Source
from imds_provider.rules.imdsv1_usage import Imdsv1Usage

AT = datetime(2026, 11, 25, 4, 0, tzinfo=timezone.utc)
CONTEXT = Context(AT, "0.4.0", "Posture")
ACCOUNT, REGION = "123456789012", "eu-west-1"

SOURCE = Source("stack", "prod", "failed", ACCOUNT, REGION, AT, "the last update failed.")
INSTANCE = Instance(
    "prod",
    ACCOUNT,
    REGION,
    "i-0123456789abcdef0",
    "not-compliant",
    fleet="web",
    name="web-1",
    instance_state="running",
    options={"httpTokens": "optional", "httpPutResponseHopLimit": 2},
    wanted={"httpTokens": "required", "httpEndpoint": "enabled"},
    calls=Imdsv1Calls(14, Imdsv1Usage(1234.0, AT, AT)),
    autoscaling_group="web",
    operator="eks.amazonaws.com",
    unfinished="EC2 did not answer",
)
EXEMPT = Instance(
    "prod",
    ACCOUNT,
    REGION,
    "i-0123456789abcdef1",
    "exempt",
    exempt=Exempt("old agent", date(2027, 1, 31)),
    pending=True,
    calls=Imdsv1Calls(14, None),
)
GROUP = Group("prod", ACCOUNT, REGION, "web", "launch template web", "httpTokens", None, "required", "the image", "web")
DEFAULTS = AccountRegion(
    "prod",
    ACCOUNT,
    REGION,
    {"httpTokens": "required", "httpPutResponseHopLimit": -1, "httpTokensEnforced": "enabled"},
    {"httpTokens": "required"},
    enforced=True,
    managed_by="account",
)
RECORDS: tuple[Record, ...] = (INSTANCE, EXEMPT, GROUP, DEFAULTS, SOURCE)


def instances(number: int) -> Iterator[Instance]:
    """So many instances, made one by one."""
    for each in range(number):
        yield Instance(
            f"prod-{each % 40}",
            f"{each % 5:012}",
            REGION,
            f"i-{each:017x}",
            "compliant",
            fleet="web",
            name=f"web-{each}",
            options={"httpTokens": "required", "httpPutResponseHopLimit": 1},
            wanted={"httpTokens": "required"},
        )
