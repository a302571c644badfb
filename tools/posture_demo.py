"""A posture of 400 instances in eleven stacks, for the pictures of the report and the tests of its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from random import Random
from typing import Literal

from imds_components.report.formats import Context
from imds_components.report.posture import (
    AccountRegion,
    Exempt,
    Group,
    Imdsv1Calls,
    Instance,
    Record,
    Source,
    Status,
)
from imds_provider.rules.imdsv1_usage import Imdsv1Usage
from imds_provider.rules.options import (
    HTTP_ENDPOINT,
    HTTP_PUT_RESPONSE_HOP_LIMIT,
    HTTP_TOKENS,
    INSTANCE_METADATA_TAGS,
    Options,
)

MADE_AT = datetime(2026, 11, 26, 8, 30, tzinfo=timezone.utc)
CONTEXT = Context(MADE_AT, "0.4.0")
SIZE = 400
_DAYS = 31
Result = Literal["succeeded", "failed", "interrupted", "unreadable"]


@dataclass(frozen=True)
class _Stack:
    name: str
    account: str
    region: str
    fleets: tuple[str, ...]
    size: int
    """Its instances, of 400."""
    compliant: float
    """The share of its instances that is about compliant."""
    result: Result = "succeeded"
    problem: str = ""


_STACKS = (
    _Stack("shop-prod", "111122223333", "eu-west-1", ("web", "checkout", "search"), 84, 0.97),
    _Stack("shop-prod-us", "111122223333", "us-east-1", ("web", "checkout"), 58, 0.93),
    _Stack("payments-prod", "444455556666", "eu-west-1", ("ledger", "gateway"), 46, 0.89),
    _Stack("payments-dr", "444455556666", "eu-central-1", ("ledger", "gateway"), 22, 0.86),
    _Stack("data-prod", "777788889999", "eu-west-1", ("spark", "kafka", "airflow"), 64, 0.55, "failed"),
    _Stack("data-research", "777788889999", "us-west-2", ("notebooks",), 24, 0.3, "interrupted"),
    _Stack("platform-prod", "123456789012", "eu-west-1", ("runners", "bastion"), 26, 0.96),
    _Stack("shop-staging", "222233334444", "eu-west-1", ("web", "checkout"), 30, 0.8),
    _Stack("data-staging", "222233334444", "eu-west-1", ("spark", "kafka"), 22, 0.5),
    _Stack("sandbox", "222233334444", "eu-central-1", ("",), 24, 0.42),
    _Stack(
        "legacy-erp",
        "555566667777",
        "eu-central-1",
        (),
        0,
        0.0,
        "unreadable",
        "the state cannot be decrypted: passphrase must be set with PULUMI_CONFIG_PASSPHRASE",
    ),
)
_REASONS = (
    "metrics agent 1.2 calls IMDSv1; fixed in 2.0",
    "vendor appliance, update announced",
    "Hadoop 2 credentials provider",
    "moves to containers, ticket OPS-4711",
)


_UNLIKE: tuple[Status, ...] = ("not-compliant", "exempt", "pending-start", "unknown")
"""What instances are that are not compliant."""
_LOOSE: Options = {HTTP_TOKENS: "optional"}
_FAR: Options = {HTTP_PUT_RESPONSE_HOP_LIMIT: 64}
_WRONG: tuple[Options, ...] = (_LOOSE, _LOOSE, {**_LOOSE, **_FAR}, _FAR)
_WANTED: Options = {HTTP_TOKENS: "required", HTTP_PUT_RESPONSE_HOP_LIMIT: 2}
_OBSERVED: Options = {**_WANTED, HTTP_ENDPOINT: "enabled", INSTANCE_METADATA_TAGS: "disabled"}
_DAYS_LEFT = (-12, 5, 19, 40, 65, 126)
_LAUNCHED_BY_GROUPS = ("web", "spark", "runners", "gateway")


def posture(size: int = SIZE, seed: int = 14) -> Iterator[Record]:
    """The records: sources, instances, launching groups, and the defaults of each account's regions.

    The same arguments give the same records.
    """
    random = Random(seed)  # noqa: S311 - no secret is made of it
    for order, stack in enumerate(_STACKS):
        at = None if stack.result == "unreadable" else MADE_AT - timedelta(minutes=17 * order + 4)
        yield Source("stack", stack.name, stack.result, stack.account, stack.region, at, stack.problem)
    places = [stack for stack in _STACKS for _ in range(stack.size)]
    for number in range(size):
        yield _instance(places[number % len(places)], number, random)
    yield from _groups()
    yield from _accounts()


def _instance(stack: _Stack, number: int, random: Random) -> Instance:
    fleet = random.choice(stack.fleets)
    compliant = random.random() < stack.compliant
    status: Status = "compliant" if compliant else random.choices(_UNLIKE, (5, 2, 1, 1))[0]
    options = dict(_OBSERVED)
    if status == "not-compliant":
        options.update(random.choice(_WRONG))
    elif status == "exempt":
        options.update(_LOOSE)
    elif status == "unknown":
        del options[HTTP_PUT_RESPONSE_HOP_LIMIT]
    exempt = Exempt(random.choice(_REASONS), MADE_AT.date() + timedelta(days=random.choice(_DAYS_LEFT)))
    is_unfinished = status == "not-compliant" and stack.result == "interrupted"
    return Instance(
        environment=stack.name,
        account=stack.account,
        region=stack.region,
        instance=f"i-0{random.getrandbits(64):016x}",
        status=status,
        fleet=fleet,
        name=f"{fleet or 'sandbox'}-{number % 40 + 1:02}",
        options=options,
        wanted={**_WANTED, INSTANCE_METADATA_TAGS: "disabled"} if stack.account == "444455556666" else _WANTED,
        exempt=exempt if status == "exempt" else None,
        calls=_calls(options, random) if fleet else None,
        autoscaling_group=f"{stack.name}-{fleet}" if fleet in _LAUNCHED_BY_GROUPS else "",
        unfinished="EC2 has taken the change; the run ended before it was applied" if is_unfinished else "",
    )


def _calls(options: Options, random: Random) -> Imdsv1Calls:
    if random.random() < 0.02:
        return Imdsv1Calls(_DAYS, None)
    if options[HTTP_TOKENS] == "required" or random.random() < 0.4:
        return Imdsv1Calls(_DAYS, Imdsv1Usage(0))
    last = MADE_AT - timedelta(minutes=5 * random.randrange(1, 900))
    first = last - timedelta(hours=random.randrange(24, 24 * 26))
    return Imdsv1Calls(_DAYS, Imdsv1Usage(int(random.paretovariate(0.5) * 14), last, first))


def _groups() -> Iterator[Group]:
    spark = Group(
        environment="data-prod",
        account="777788889999",
        region="eu-west-1",
        group="data-prod-spark",
        launched_by="version 12 of launch template lt-0a1b2c3d4e5f60718",
        option=HTTP_TOKENS,
        value="optional",
        wanted="required",
        decided_by="version 12 of launch template lt-0a1b2c3d4e5f60718",
        fleet="spark",
    )
    yield spark
    yield replace(
        spark,
        group="data-prod-spark-spot",
        launched_by="launch configuration spark-spot-2019",
        value=None,
        decided_by="image ami-0d9e8f7a6b5c4d3e2, which is not found",
    )
    yield replace(
        spark,
        environment="shop-staging",
        account="222233334444",
        group="shop-staging-web",
        launched_by="version $Latest of launch template lt-09f8e7d6c5b4a3210",
        decided_by="account 222233334444 in eu-west-1",
        fleet="web",
    )


def _accounts() -> Iterator[AccountRegion]:
    shop = AccountRegion(
        environment="shop-prod",
        account="111122223333",
        region="eu-west-1",
        defaults=_WANTED,
        wanted=_WANTED,
        enforced=True,
        managed_by="account",
    )
    payments = replace(shop, environment="payments-prod", account="444455556666", managed_by="declarative-policy")
    cleared: Options = {HTTP_TOKENS: "no-preference", HTTP_PUT_RESPONSE_HOP_LIMIT: -1}
    data = replace(shop, environment="data-prod", account="777788889999", defaults=cleared, enforced=False)
    yield shop
    yield replace(shop, environment="shop-prod-us", region="us-east-1")
    yield payments
    yield replace(payments, environment="payments-dr", region="eu-central-1", enforced=False)
    yield data
    yield replace(data, environment="data-research", region="us-west-2", defaults={}, enforced=None, managed_by="")
    yield replace(data, environment="shop-staging", account="222233334444", wanted={})
