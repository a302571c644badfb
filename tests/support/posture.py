"""Records of a posture report, with what a test does not care about filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timezone
from io import StringIO
from typing import Any

from imds_components.report.formats import Context, Write
from imds_components.report.posture import AccountRegion, Exempt, Group, Imdsv1Calls, Instance, Record, Source
from imds_components.report.tally import Tally
from imds_provider.rules.imdsv1_usage import Imdsv1Usage

CONTEXT = Context(datetime(2026, 11, 20, 12, tzinfo=timezone.utc), "0.4.0")
WANTED = {"httpTokens": "required"}
CALLS = Imdsv1Calls(31, Imdsv1Usage(1234, datetime(2026, 11, 19, 13, tzinfo=timezone.utc)))
EXEMPT = Exempt("agent 1.2 calls IMDSv1", date(2099, 1, 31))


def stack(environment: str = "prod", **given: Any) -> Source:  # noqa: ANN401  any field
    return Source(**{"kind": "stack", "environment": environment, "result": "succeeded", **given})


def live(environment: str = "default", **given: Any) -> Source:  # noqa: ANN401  any field
    return Source(**{"kind": "live", "environment": environment, "result": "read", **given})


def instance(number: int = 1, **given: Any) -> Instance:  # noqa: ANN401  any field
    """An instance that allows IMDSv1, in the stack `prod`."""
    return Instance(
        **{
            "environment": "prod",
            "account": "111111111111",
            "region": "eu-west-1",
            "instance": f"i-{number:017x}",
            "status": "not-compliant",
            "options": {"httpTokens": "optional"},
            "wanted": WANTED,
            **given,
        }
    )


def compliant(number: int = 1, **given: Any) -> Instance:  # noqa: ANN401  any field
    return instance(number, **{"status": "compliant", "options": WANTED, **given})


def group(**given: Any) -> Group:  # noqa: ANN401  any field
    return Group(
        **{
            "environment": "prod",
            "account": "111111111111",
            "region": "eu-west-1",
            "group": "web",
            "launched_by": "launch template web-lt (lt-0a) version 3 ($Default)",
            "option": "httpTokens",
            "value": "optional",
            "wanted": "required",
            "decided_by": "the account's default",
            **given,
        }
    )


def account(**given: Any) -> AccountRegion:  # noqa: ANN401  any field
    """An account region that requires tokens, as it should."""
    return AccountRegion(
        **{
            "environment": "prod",
            "account": "111111111111",
            "region": "eu-west-1",
            "defaults": WANTED,
            "wanted": WANTED,
            "enforced": False,
            "managed_by": "account",
            **given,
        }
    )


def written(write: Write | Callable[..., None], records: Iterable[Record], context: Context = CONTEXT) -> str:
    """What a format writes of records."""
    tally, out = Tally(), StringIO()
    write(tally.watch(records), tally, out, context)
    return out.getvalue()
