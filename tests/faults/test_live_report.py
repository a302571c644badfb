"""The live source of a report on the embedded cloud: accounts and regions side by side, what refuses, what it costs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.session import Session

from imds_components.report.live import Access, Progress, live_records
from imds_components.report.live_accounts import Clock, Connect, connections
from imds_components.report.posture import AccountRegion, Group, Imdsv1Calls, Instance, Record, Source
from imds_provider.aws import Aws
from imds_provider.rules.options import Options
from localcloud.client import ACCOUNT, LocalCloud
from localcloud.faults import Fault
from tests.support.provider_run import LOADER
from tools.sandbox import ROOT

REGIONS = ("ap-southeast-2", "eu-west-1", "us-east-1")
ACCOUNTS = tuple(str(number) * 12 for number in range(1, 6))
AUDIT = {each: Access(role_arn=f"arn:aws:iam::{each}:role/audit") for each in ACCOUNTS}
HOME = Access()
REQUIRED: Options = {"httpTokens": "required"}
PERMISSIONS = [
    "ec2:DescribeInstances",
    "ec2:DescribeRegions",
    "ec2:GetInstanceMetadataDefaults",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeImages",
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeLaunchConfigurations",
    "cloudwatch:GetMetricData",
    "sts:AssumeRole",
]
"""What a live report needs; ssm:GetParameters too, where templates take images from parameters."""
PATIENCE = 30.0
"""Seconds after which a program that was interrupted and has not ended has failed the test."""


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCloud]:
    """A cloud that the environment leads to, as it leads the program `imds-report` to AWS."""
    with LocalCloud.in_process() as cloud:
        variables = {
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield cloud


def instance_id(number: int) -> str:
    return f"i-{number:017x}"


def seed(cloud: LocalCloud, *numbers: int, region: str = "eu-west-1", account: str = ACCOUNT, **given: object) -> None:
    seeds: list[Any] = [{"id": instance_id(each), "region": region, "account": account, **given} for each in numbers]
    cloud.seed(seeds)


def connect(clock: Clock) -> Connect:
    """Connections of which the process reads the models of AWS's services once."""
    return lambda access: Aws(access.settings(), clock, new_session=new_session)


def new_session() -> Session:
    session = Session()
    session.register_component("data_loader", LOADER)
    return session


def report(
    accesses: Sequence[Access] = (HOME,), regions: Sequence[str] = ("eu-west-1",), **given: object
) -> list[Record]:
    arguments: Any = {"wanted": REQUIRED, "connect": connect, **given}
    return list(live_records(accesses, regions, **arguments))


def of(kind: type[Record], records: Sequence[Record]) -> list[Record]:
    return [each for each in records if isinstance(each, kind)]


def instances(records: Sequence[Record]) -> dict[str, Instance]:
    found = [each for each in records if isinstance(each, Instance)]
    by_id = {each.instance: each for each in found}
    assert len(by_id) == len(found), "each instance is in the report once"
    return by_id


def sources(records: Sequence[Record]) -> dict[tuple[str, str], Source]:
    return {(each.account, each.region): each for each in records if isinstance(each, Source)}


def test_five_accounts_in_three_regions_are_read_within_the_quotas(cloud: LocalCloud) -> None:
    expected: dict[str, tuple[str, ...]] = {}
    for account in ACCOUNTS:
        for region in REGIONS:
            first = len(expected)
            seed(cloud, first, region=region, account=account, name="loose")
            seed(cloud, first + 1, region=region, account=account, options={"HttpTokens": "required"})
            for number, status in ((first, "not-compliant"), (first + 1, "compliant")):
                expected[instance_id(number)] = (f"{account}/audit", account, region, status)
    cloud.reset()
    cloud.settings(throttle=True)
    records = report(list(AUDIT.values()), REGIONS, days=14, connect=connections)
    found = {
        key: (each.environment, each.account, each.region, each.status) for key, each in instances(records).items()
    }
    assert found == expected
    assert {each.name for each in instances(records).values()} == {"loose", ""}
    assert {key for key, each in sources(records).items() if each.is_complete and each.at} == {
        (account, region) for account in ACCOUNTS for region in REGIONS
    }
    assert len(of(AccountRegion, records)) == 15
    # What each costs: an account its two calls of STS, a region one call of each lookup.
    assert {action: counts["calls"] for action, counts in cloud.counts().items()} == {
        "AssumeRole": 5,
        "GetCallerIdentity": 5,
        "DescribeInstances": 15,
        "GetMetricData": 15,
        "GetInstanceMetadataDefaults": 15,
        "DescribeAutoScalingGroups": 15,
    }
    assert {each["throttled"] for each in cloud.counts().values()} == {0}


def test_the_records_of_a_region_are_in_order(cloud: LocalCloud) -> None:
    seed(cloud, *range(5))
    kinds = [type(each) for each in report()]
    assert kinds == [Instance] * 5 + [AccountRegion, Source]
    assert list(instances(report())) == [instance_id(each) for each in range(5)]


def test_a_region_that_refuses_is_unreadable_with_the_reason_and_the_others_are_read(cloud: LocalCloud) -> None:
    for number, account in enumerate(ACCOUNTS[:2]):
        for region in REGIONS:
            seed(cloud, 10 * number + REGIONS.index(region), region=region, account=account)
    refusing = Fault("error", "DescribeInstances", code="UnauthorizedOperation", times=None)
    cloud.set_faults(replace(refusing, region="us-east-1", account=ACCOUNTS[0]))
    records = report([AUDIT[each] for each in ACCOUNTS[:2]], REGIONS)
    assert len(instances(records)) == 5
    wrong = {key: each for key, each in sources(records).items() if not each.is_complete}
    (key,) = wrong
    assert key == (ACCOUNTS[0], "us-east-1")
    assert wrong[key].result == "unreadable"
    assert "EC2 refused DescribeInstances in us-east-1 with UnauthorizedOperation: " in wrong[key].problem
    assert "lack the permission ec2:DescribeInstances" in wrong[key].problem
    assert not [each for each in of(AccountRegion, records) if (each.account, each.region) == key]


@pytest.mark.parametrize("code", ["AuthFailure", "OptInRequired"])
def test_a_region_that_the_account_has_not_enabled_says_so(code: str, cloud: LocalCloud) -> None:
    cloud.set_faults(Fault("error", "*", region="me-south-1", code=code, times=None))
    found = sources(report(regions=["me-south-1", "eu-west-1"]))
    assert found[ACCOUNT, "eu-west-1"].is_complete, "although the account is asked for in the first region"
    assert found[ACCOUNT, "me-south-1"].result == "unreadable"
    assert code in found[ACCOUNT, "me-south-1"].problem
    assert "the account may not have enabled this region" in found[ACCOUNT, "me-south-1"].problem


@pytest.mark.parametrize(
    ("denied", "lost", "problem"),
    [
        ("cloudwatch:GetMetricData", "calls", "IMDSv1 usage is not known: "),
        (
            "ec2:GetInstanceMetadataDefaults",
            "account and groups",
            "The account's defaults, and what launches instances, are not known: ",
        ),
        ("autoscaling:DescribeAutoScalingGroups", "groups", "What launches instances is not known: "),
    ],
)
def test_a_single_lookup_that_is_denied_leaves_the_rest(
    denied: str, lost: str, problem: str, cloud: LocalCloud
) -> None:
    seed(cloud, 1)
    add_group(cloud, "web", 1)
    cloud.settings(denied=[denied])
    records = report(days=7)
    (source,) = of(Source, records)
    assert isinstance(source, Source)
    assert (source.result, source.is_complete) == ("read", False)
    assert source.problem.startswith(problem)
    assert denied in source.problem
    assert (instances(records)[instance_id(1)].calls is None) == (lost == "calls")
    assert bool(of(Group, records)) == (lost == "calls")
    (account,) = of(AccountRegion, records)
    assert isinstance(account, AccountRegion)
    assert (account.enforced is None) == (lost == "account and groups")


def add_group(cloud: LocalCloud, name: str, *members: int) -> None:
    image = "ami-0123456789abcdef0"
    cloud.seed_images([{"id": image, "region": "eu-west-1"}])
    cloud.seed_templates([{"name": name, "region": "eu-west-1", "versions": [{"image": image}]}])
    template = {"name": name}
    cloud.seed_groups(
        [{"name": name, "region": "eu-west-1", "template": template, "instances": [instance_id(e) for e in members]}]  # type: ignore[typeddict-item]  # as a seed has it
    )


def test_imdsv1_calls_are_counted_for_the_instances_that_answer_any(cloud: LocalCloud) -> None:
    seed(cloud, 0, workload={"legacy_calls_per_minute": 1})
    seed(cloud, 600, options={"HttpTokens": "required"})
    seed(cloud, 601, options={"HttpEndpoint": "disabled"})
    seed(cloud, 602, workload={"unknown": True})
    found = instances(report(days=2))
    calls = found[instance_id(0)].calls
    assert calls is not None
    assert calls.usage is not None
    assert calls.days == 2
    assert 2870 <= calls.usage.count <= 2890
    assert calls.usage.first_seen is not None
    assert calls.usage.last_seen is not None
    assert 1.9 < (calls.usage.last_seen - calls.usage.first_seen).total_seconds() / 86400 <= 2
    assert found[instance_id(602)].calls == Imdsv1Calls(2, None), "no data does not mean no calls"
    assert [found[instance_id(each)].calls for each in (600, 601)] == [None, None]
    assert cloud.calls("GetMetricData") == 1
    cloud.reset()
    assert {each.calls for each in instances(report(days=None)).values()} == {None}
    assert cloud.calls("GetMetricData") == 0


def test_groups_whose_next_instance_would_be_looser_are_named(cloud: LocalCloud) -> None:
    seed(cloud, 1, 2, tags={"Team": "web"})
    add_group(cloud, "web", 1)
    add_group(cloud, "idle")
    records = report()
    assert [(each.group, each.value, each.wanted) for each in records if isinstance(each, Group)] == [
        ("idle", "optional", "required"),
        ("web", "optional", "required"),
    ]
    assert instances(records)[instance_id(1)].autoscaling_group == "web"
    # Of some instances, only the groups that they belong to.
    selected = report(filters={"tag:Team": ["web"]})
    assert [each.group for each in selected if isinstance(each, Group)] == ["web"]
    cloud.reset()
    report(instance_ids=[instance_id(2)])
    assert cloud.calls("DescribeAutoScalingGroups") == 0
    cloud.set_account_defaults("eu-west-1", {"HttpTokens": "required", "HttpTokensEnforced": "enabled"})
    after = report()
    assert not of(Group, after)
    (account,) = of(AccountRegion, after)
    assert isinstance(account, AccountRegion)
    assert (account.enforced, account.defaults["httpTokens"], account.managed_by) == (True, "required", "account")


def test_an_instance_that_a_service_manages_is_shown_and_never_counted_wrong(cloud: LocalCloud) -> None:
    seed(cloud, 1, operator="eks.amazonaws.com")
    seed(cloud, 2, operator="eks.amazonaws.com", options={"HttpTokens": "required"})
    loose, right = instances(report()).values()
    assert (loose.status, loose.operator, loose.wrong, loose.not_known) == ("exempt", "eks.amazonaws.com", {}, [])
    assert loose.options["httpTokens"] == "optional"
    assert (right.status, right.operator) == ("compliant", "eks.amazonaws.com")


def test_stopped_instances_count_and_terminated_ones_do_not(cloud: LocalCloud) -> None:
    seed(cloud, 1, state="stopped")
    seed(cloud, 2, state="terminated")
    (found,) = instances(report()).values()
    assert (found.instance, found.instance_state, found.status) == (instance_id(1), "stopped", "not-compliant")


def test_filters_and_ids_are_added_up_and_an_instance_is_named_once(cloud: LocalCloud) -> None:
    seed(cloud, 1, 2, tags={"Team": "web"})
    seed(cloud, 3, 4)
    found = report(filters={"tag:Team": ["web"]}, instance_ids=[instance_id(2), instance_id(3)])
    assert sorted(instances(found)) == [instance_id(each) for each in (1, 2, 3)]


def test_ids_that_are_nowhere_make_the_report_incomplete(cloud: LocalCloud) -> None:
    seed(cloud, 1, region="us-east-1")
    records = report(regions=REGIONS, instance_ids=[instance_id(1), instance_id(2)])
    assert list(instances(records)) == [instance_id(1)]
    (wrong,) = [each for each in records if isinstance(each, Source) and not each.is_complete]
    assert f"not found in any account and region that was read, or terminated: {instance_id(2)}." in wrong.problem


def test_all_stands_for_the_regions_that_the_account_has_enabled(cloud: LocalCloud) -> None:
    seed(cloud, 1, region="us-west-2")
    cloud.reset()
    records = report(regions=["all"])
    found = {region for _, region in sources(records)}
    assert {"us-west-2", *REGIONS} <= found
    assert cloud.calls("DescribeRegions") == 1
    assert cloud.calls("DescribeInstances") == len(found)
    assert instances(records)[instance_id(1)].region == "us-west-2"


def test_regions_that_may_not_be_listed_make_the_account_unreadable(cloud: LocalCloud) -> None:
    cloud.settings(denied=["ec2:DescribeRegions"])
    (source,) = report(regions=["all"])
    assert isinstance(source, Source)
    assert (source.result, source.account, source.region) == ("unreadable", ACCOUNT, "")
    assert "ec2:DescribeRegions" in source.problem


def test_a_role_that_may_not_be_assumed_leaves_the_other_accounts(cloud: LocalCloud) -> None:
    seed(cloud, 1)
    cloud.settings(denied=["sts:AssumeRole"])
    records = report([AUDIT[ACCOUNTS[0]], HOME], REGIONS)
    assert list(instances(records)) == [instance_id(1)]
    (wrong,) = [each for each in records if isinstance(each, Source) and not each.is_complete]
    assert (wrong.environment, wrong.region) == (f"{ACCOUNTS[0]}/audit", "")
    assert "may not assume the role" in wrong.problem


def test_a_region_that_two_roles_reach_is_read_once(cloud: LocalCloud) -> None:
    account = ACCOUNTS[0]
    seed(cloud, 1, account=account)
    told: list[Progress] = []
    other = Access(role_arn=f"arn:aws:iam::{account}:role/security/reader")
    cloud.reset()
    records = report([AUDIT[account], other], ["eu-west-1"], progress=told.append)
    assert [each.environment for each in instances(records).values()] == [f"{account}/audit"]
    assert cloud.calls("DescribeInstances") == 1
    assert [each.note for each in told if each.note] == [
        f"{account}/reader reaches account {account} in eu-west-1, which is read with {account}/audit."
    ]


def test_progress_counts_regions_and_instances(cloud: LocalCloud) -> None:
    seed(cloud, 1, 2)
    told: list[Progress] = []
    report(regions=REGIONS, progress=told.append)
    assert told[0].total == 0
    assert (told[-1].done, told[-1].total, told[-1].instances) == (3, 3, 2)
    assert Counter(each.ended.region for each in told if each.ended) == Counter(REGIONS)


def test_a_missing_region_or_profile_is_unreadable(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(cloud, 1)
    records = report([Access(profile="nobody"), HOME], [])
    by = {each.environment: each.problem for each in records if isinstance(each, Source)}
    assert by == {
        "nobody": "AWS access is misconfigured: The config profile (nobody) could not be found",
        "default": "no AWS region: name one, or set AWS_REGION.",
    }
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert list(instances(report(regions=[]))) == [instance_id(1)]


def test_an_endpoint_that_nobody_listens_at_is_unreadable(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL_EC2", f"http://127.0.0.1:{unused.getsockname()[1]}")
        records = report()
    (source,) = records
    assert isinstance(source, Source)
    assert (source.result, source.account, source.region) == ("unreadable", ACCOUNT, "eu-west-1")
    assert "DescribeInstances in eu-west-1 got no usable answer (EndpointConnectionError)" in source.problem
    assert os.environ["AWS_ENDPOINT_URL"] == cloud.url


def test_the_permissions_that_are_listed_are_needed_and_enough(cloud: LocalCloud) -> None:
    seed(cloud, 1, 2)
    cloud.seed_images([{"id": "ami-0123456789abcdef0", "region": "eu-west-1"}])
    cloud.seed_templates([{"name": "web", "region": "eu-west-1", "versions": [{"image": "ami-0123456789abcdef0"}]}])
    cloud.seed_launch_configurations([{"name": "old", "region": "eu-west-1"}])
    cloud.seed_groups(
        [
            {"name": "web", "region": "eu-west-1", "template": {"name": "web"}, "instances": [instance_id(1)]},
            {"name": "old", "region": "eu-west-1", "launch_configuration": "old", "instances": [instance_id(2)]},
        ]
    )
    cloud.settings(allowed=PERMISSIONS)
    cloud.reset()
    records = report([Access(role_arn=f"arn:aws:iam::{ACCOUNT}:role/audit")], ["all"], days=14)
    assert not [each.problem for each in records if isinstance(each, Source) and each.problem]
    services = {"monitoring": "cloudwatch"}
    called = {f"{services.get(each['service'], each['service'])}:{each['action']}" for each in cloud.log()}
    assert called == {*PERMISSIONS, "sts:GetCallerIdentity"}


class _HastyClock(Clock):
    """Time of which a third of a minute passes whenever anybody looks."""

    seconds = 0.0

    def now(self) -> float:
        self.seconds += 20
        return self.seconds


def test_an_sts_that_never_answers_has_a_deadline(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    cloud.set_faults(Fault("drop", "GetCallerIdentity", times=None))
    (source,) = report(connect=lambda _: connect(_HastyClock(threading.Event())))
    assert isinstance(source, Source)
    assert source.problem == (
        "the account of the credentials in use is not known: STS did not answer within 60 s; run again."
    )
    # In each of two regions, as often as a minute allows instead of nine times.
    assert {each["region"] for each in cloud.log()} == {"eu-west-1", "us-east-1"}
    assert cloud.calls("GetCallerIdentity") == 4


_INTERRUPTIBLE = """
import signal, sys
from imds_components.report.__main__ import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
sys.exit(main())
"""


def test_an_interrupt_ends_the_program_at_once_with_a_line(cloud: LocalCloud) -> None:
    cloud.settings(latency={"DescribeInstances": 600})
    cloud.reset()
    sources = os.pathsep.join(str(ROOT / each) for each in ("components", "dynamic_providers"))
    with subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTIBLE, "--live", "--region", "eu-west-1", "--format", "json"],
        env={**os.environ, "PYTHONPATH": sources},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            while not cloud.calls("GetCallerIdentity"):
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert (process.returncode, errors) == (130, "imds-report: interrupted.\n")
