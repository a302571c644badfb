"""A hundred instances of which seven fail, each in its own way, by the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.support.engine import Stack, copy_project, find_engine
from tools.sandbox import ROOT

REGION = "eu-west-1"
MODIFY = "ModifyInstanceMetadataOptions"
BARRIER = "MetadataOptionsApplied instances"

HUNDRED = {f"web-{number:03}": f"i-{number:017x}" for number in range(1, 101)}
UNKNOWN = HUNDRED["web-097"]


def failures() -> dict[str, tuple[Fault | None, str]]:
    """The fault of each instance that fails, and what its error says. One instance does not exist."""
    return {
        HUNDRED["web-003"]: (_error("UnauthorizedOperation"), f"lack the permission ec2:{MODIFY}; grant it"),
        HUNDRED["web-017"]: (_error("IncorrectInstanceState"), "takes no changes; check it"),
        HUNDRED["web-031"]: (_error("UnsupportedOperation"), "the account enforces IMDSv2"),
        HUNDRED["web-050"]: (_error("InvalidParameterValue", "'a/b' is not a valid tag key"), "is not a valid tag key"),
        HUNDRED["web-064"]: (_error("InternalError"), "failed inside EC2"),
        HUNDRED["web-088"]: (Fault("drop", MODIFY, times=None), "check the network"),
        UNKNOWN: (None, f"does not exist in {REGION}: check the ID"),
    }


def _error(code: str, message: str | None = None) -> Fault:
    return Fault("error", MODIFY, code=code, message=message, times=None)


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(copy_project(ROOT, tmp_path / "project"), tmp_path, find_engine(), "test")


def test_the_seven_of_a_hundred_that_fail_are_listed_and_created_by_the_next_up(
    stack: Stack,
) -> None:
    expected = failures()
    failing = {f"InstanceMetadataOptions instances-{name}" for name, id_ in HUNDRED.items() if id_ in expected}
    with LocalCloud.in_process() as cloud:
        cloud.seed([{"id": each, "region": REGION} for each in HUNDRED.values() if each != UNKNOWN])
        stack.configure(
            {
                "aws:region": REGION,
                "aws:endpoints": [{"ec2": cloud.url, "sts": cloud.url}],
                "aws:accessKey": "test",
                "aws:secretKey": "test",
                "aws:maxRetries": 1,
                "imds:instances": HUNDRED,
                "imds:options": {"httpTokens": "required"},
            }
        )
        for each, (fault, _) in expected.items():
            if fault:
                cloud.set_faults(Fault(**{**fault.as_json(), "instance": each}))  # type: ignore[arg-type]  # its own fields

        # Without the flag the engine starts nothing more after the first failure.
        up = stack.up(fails=True, continue_on_error=True)
        assert up.failed == failing
        listed = [line.strip().removeprefix("error: ") for line in of_the_stack(up.text)]
        assert len(listed) == len(expected)
        assert {next(each for each in expected if each in line) for line in listed} == set(expected)
        for line in listed:
            ((_, says),) = [expected[each] for each in expected if each in line]
            assert says in line
        rows = {name for name in stack.resources() if name != BARRIER}
        assert rows == {f"InstanceMetadataOptions instances-{name}" for name in HUNDRED} - failing
        assert BARRIER not in stack.resources()
        options = {view["id"]: view["options"]["HttpTokens"] for view in cloud.instances()}
        assert {each for each, tokens in options.items() if tokens == "required"} == set(HUNDRED.values()) - set(
            expected
        )

        cloud.clear_faults()
        cloud.seed([{"id": UNKNOWN, "region": REGION}])
        cloud.reset()
        up = stack.up()
        assert up.steps == {"create": failing | {BARRIER}}
        assert {call["params"]["InstanceId"] for call in cloud.log(MODIFY)} == set(expected)


def of_the_stack(text: str) -> list[str]:
    """The errors that a run lists below the stack."""
    (_, _, diagnostics) = text.partition("Diagnostics:")
    lines = diagnostics.partition("pulumi:pulumi:Stack")[2].splitlines()[1:]
    below = []
    for line in lines:
        if line.startswith("  ") and not line.startswith("    "):
            break
        if line.strip().startswith("error: ") and "update failed" not in line:
            below.append(line)
    return below
