"""A posture of 400 instances in twelve stacks, for the pictures of the report and the tests of its page.

Nothing in it is drawn at random at run time: the same arguments give the same records.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from random import Random

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
    OptionValue,
)

MADE_AT = datetime(2026, 11, 26, 8, 30, tzinfo=timezone.utc)
CONTEXT = Context(MADE_AT, "0.5.0")
SIZE = 400
_DAYS = 31


@dataclass(frozen=True)
class _Stack:
    name: str
    account: str
    region: str
    fleets: tuple[str, ...]
    share: int
    """Its instances, of every 400."""
    compliant: float
    """The probability that an instance of it is compliant."""
    result: str = "succeeded"
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


def posture(size: int = SIZE, seed: int = 14) -> Iterator[Record]:
    """The records: sources, instances, launching groups, and the defaults of each account's regions."""
    random = Random(seed)  # noqa: S311 - nothing secret, and always the same
    for order, stack in enumerate(_STACKS):
        at = None if stack.result == "unreadable" else MADE_AT - timedelta(minutes=17 * order + 4)
        yield Source("stack", stack.name, stack.result, stack.account, stack.region, at, stack.problem)  # type: ignore[arg-type]
    weights = [stack.share for stack in _STACKS]
    for number in range(size):
        (stack,) = (
            random.choices(_STACKS, weights)
            if size != SIZE
            else (next(each for i, each in enumerate(_STACKS) if number < sum(weights[: i + 1])),)
        )
        yield _instance(stack, number, random)
    yield from _groups()
    yield from _accounts()


def _instance(stack: _Stack, number: int, random: Random) -> Instance:
    fleet = random.choice(stack.fleets)
    wanted: dict[str, OptionValue] = {HTTP_TOKENS: "required", HTTP_PUT_RESPONSE_HOP_LIMIT: 2}
    if stack.account == "444455556666":
        wanted[INSTANCE_METADATA_TAGS] = "disabled"
    options: dict[str, OptionValue] = {
        HTTP_TOKENS: "required",
        HTTP_PUT_RESPONSE_HOP_LIMIT: 2,
        HTTP_ENDPOINT: "enabled",
        INSTANCE_METADATA_TAGS: "disabled",
    }
    status: Status = "compliant"
    exempt, unfinished, count = None, "", 0
    if random.random() > stack.compliant:
        status = random.choices(
            ("not-compliant", "exempt", "pending-start", "unknown"), (60, 16, 12, 12)
        )[0]  # type: ignore[assignment]
    if status == "not-compliant":
        wrong = random.choice(((HTTP_TOKENS,), (HTTP_TOKENS,), (HTTP_TOKENS, HTTP_PUT_RESPONSE_HOP_LIMIT), (HTTP_PUT_RESPONSE_HOP_LIMIT,)))
        options.update({HTTP_TOKENS: "optional"} if HTTP_TOKENS in wrong else {})
        options.update({HTTP_PUT_RESPONSE_HOP_LIMIT: 64} if HTTP_PUT_RESPONSE_HOP_LIMIT in wrong else {})
        if stack.result == "interrupted":
            unfinished = "EC2 has taken the change; the run ended before it was applied"
    elif status == "unknown":
        options = {} if random.random() < 0.5 else {HTTP_TOKENS: "required"}
    elif status == "exempt":
        options[HTTP_TOKENS] = "optional"
        exempt = Exempt(random.choice(_REASONS), date(2026, 11, 26) + timedelta(days=random.choice((-12, 5, 19, 40, 65, 126))))
    if options.get(HTTP_TOKENS) == "optional" and random.random() < 0.6:
        count = int(random.paretovariate(0.5) * 14)
    group = f"{stack.name}-{fleet}" if fleet in ("web", "spark", "runners", "gateway") else ""
    return Instance(
        environment=stack.name,
        account=stack.account,
        region=stack.region,
        instance=f"i-0{random.getrandbits(64):016x}",
        status=status,
        fleet=fleet,
        name=f"{fleet or 'sandbox'}-{number % 40 + 1:02}",
        options=options,
        wanted=wanted,
        exempt=exempt,
        calls=_calls(count, random) if fleet else None,
        autoscaling_group=group,
        operator="",
        unfinished=unfinished,
    )


def _calls(count: int, random: Random) -> Imdsv1Calls:
    if random.random() < 0.02:
        return Imdsv1Calls(_DAYS, None)
    if not count:
        return Imdsv1Calls(_DAYS, Imdsv1Usage(0))
    last = MADE_AT - timedelta(minutes=5 * random.randrange(1, 900))
    first = last - timedelta(hours=random.randrange(24, 24 * 26))
    return Imdsv1Calls(_DAYS, Imdsv1Usage(count, last, first))


def _groups() -> Iterator[Group]:
    where = ("data-prod", "777788889999", "eu-west-1")
    yield Group(*where, "data-prod-spark", "version 12 of launch template lt-0a1b2c3d4e5f60718", HTTP_TOKENS, "optional", "required", "the launch template", "spark")
    yield Group(*where, "data-prod-spark-spot", "launch configuration spark-spot-2019", HTTP_TOKENS, None, "required", "image ami-0d9e8f7a6b5c4d3e2, which could not be described", "spark")
    yield Group("shop-staging", "222233334444", "eu-west-1", "shop-staging-web", "version $Latest of launch template lt-09f8e7d6c5b4a3210", HTTP_TOKENS, "optional", "required", "account 222233334444 in eu-west-1", "web")


def _accounts() -> Iterator[AccountRegion]:
    wanted: dict[str, OptionValue] = {HTTP_TOKENS: "required", HTTP_PUT_RESPONSE_HOP_LIMIT: 2}
    none: dict[str, OptionValue] = {HTTP_TOKENS: "no-preference", HTTP_PUT_RESPONSE_HOP_LIMIT: -1}
    yield AccountRegion("shop-prod", "111122223333", "eu-west-1", wanted, wanted, True, "account")
    yield AccountRegion("shop-prod-us", "111122223333", "us-east-1", wanted, wanted, True, "account")
    yield AccountRegion("payments-prod", "444455556666", "eu-west-1", wanted, wanted, True, "declarative-policy")
    yield AccountRegion("payments-dr", "444455556666", "eu-central-1", wanted, wanted, False, "declarative-policy")
    yield AccountRegion("data-prod", "777788889999", "eu-west-1", none, wanted, False, "account")
    yield AccountRegion("data-research", "777788889999", "us-west-2", {}, wanted, None, "")
    yield AccountRegion("shop-staging", "222233334444", "eu-west-1", none, {}, False, "account")
