"""The live source of a report over many pages: what is asked, what is kept, and where it stops."""

from __future__ import annotations

import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest

from imds_components.report.live import Access, live_records
from imds_components.report.posture import Instance, Record, Source
from imds_provider.aws import FleetLookups
from tests.support.synthetic_aws import SyntheticAws

T = TypeVar("T")


def records(aws: SyntheticAws, *regions: str, days: int | None = 14, **given: object) -> Iterator[Record]:
    arguments: Any = {"wanted": {"httpTokens": "required"}, "days": days, "connect": lambda _: lambda _: aws, **given}
    return live_records([Access()], regions or ("eu-west-1",), **arguments)


@pytest.mark.parametrize(
    ("access", "name"),
    [
        (Access(), "default"),
        (Access("prod"), "prod"),
        (Access("prod", "arn:aws:iam::123456789012:role/audit"), "123456789012/audit"),
        (Access(None, "arn:aws-us-gov:iam::123456789012:role/security/audit"), "123456789012/audit"),
        (Access(None, "audit"), "audit"),
    ],
)
def test_an_access_is_named_by_its_profile_or_by_account_and_role(access: Access, name: str) -> None:
    assert access.name == name


def test_a_page_is_a_call_and_its_imdsv1_calls_one_for_each_500_instances() -> None:
    aws = SyntheticAws(2300)
    found = [each for each in records(aws) if isinstance(each, Instance)]
    assert len({each.instance for each in found}) == len(found) == 2300
    assert all(each.calls and each.calls.usage and each.calls.usage.count == 1 for each in found)
    assert aws.calls == {"DescribeInstances": 3, "GetMetricData": 5, "DescribeAutoScalingGroups": 1}
    assert aws.metrics == [500] * 4 + [300]


def test_credentials_that_expire_on_the_way_are_reported_with_how_far_it_came() -> None:
    aws = SyntheticAws(3000, fails={("DescribeInstances", 2): "ExpiredToken"})
    *found, source = records(aws)
    assert isinstance(source, Source)
    assert (source.result, len(found)) == ("unreadable", 1000)
    assert source.problem.startswith("Read to the first 1,000 instances only: ")
    assert "The credentials have expired; renew them and run again." in source.problem
    assert aws.calls == {"DescribeInstances": 2, "GetMetricData": 2}, "nothing is asked for after that"


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling"])
def test_imdsv1_calls_that_are_refused_are_not_asked_for_on_the_next_page(code: str) -> None:
    aws = SyntheticAws(3000, fails={("GetMetricData", 3): code})
    found = list(records(aws))
    source = found[-1]
    assert isinstance(source, Source)
    assert (source.result, source.is_complete) == ("read", False)
    assert f"CloudWatch refused GetMetricData in eu-west-1 with {code}: " in source.problem
    assert aws.calls["GetMetricData"] == 3
    known = Counter(each.calls is not None for each in found if isinstance(each, Instance))
    assert known == {True: 1000, False: 2000}


def test_a_reader_that_ends_early_ends_the_calls() -> None:
    aws = SyntheticAws(1_000_000)
    found = records(aws, "eu-west-1", "us-east-1", days=None)
    next(found)
    found.close()  # type: ignore[attr-defined]  # a generator
    assert aws.calls["DescribeInstances"] < 100


@pytest.mark.parametrize("hangs", ["the account", "a region"])
def test_what_never_answers_is_given_up_and_the_rest_is_read(hangs: str) -> None:
    class Hanging(SyntheticAws):
        def account_id(self, region: str) -> str:
            return self._wait("the account", super().account_id(region))

        def fleet(self, region: str) -> FleetLookups:
            return self._wait("a region", super().fleet(region))

        def _wait(self, what: str, answer: T) -> T:
            if what == hangs:
                release.wait(30)
            return answer

    release = threading.Event()
    accounts = {Access(): SyntheticAws(3), Access("slow"): Hanging(3, account="210987654321")}
    arguments: Any = {"connect": lambda _: accounts.__getitem__, "patience": 0.5}
    try:
        found = list(live_records(list(accounts), ["eu-west-1"], wanted={"httpTokens": "required"}, **arguments))
    finally:
        release.set()
    assert len([each for each in found if isinstance(each, Instance)]) == 3
    sources = {each.environment: each for each in found if isinstance(each, Source)}
    assert sources["default"].is_complete
    assert (sources["slow"].result, sources["slow"].region) == (
        "unreadable",
        "eu-west-1" if hangs == "a region" else "",
    )
    assert sources["slow"].problem.startswith("no answer came for 0.5 s; ")


def test_ten_times_as_many_instances_take_no_more_memory() -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            # Eight pages of results wait for the reader; both sizes have more.
            for _ in records(SyntheticAws(count), days=None):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1_000)
    small, large = peak(10_000), peak(100_000)
    assert large < 2 * small, f"{small:,} and {large:,} bytes"
