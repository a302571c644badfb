"""What goes wrong, as data: scenarios made of faults and settings of the embedded EC2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from localcloud.faults import Fault
from tests.support.provider_run import REGION

DESCRIBE = "DescribeInstances"
MODIFY = "ModifyInstanceMetadataOptions"
ATTEMPTS = 3
"""How many times botocore sends a request here."""

TARGET = "target"
"""In a fault: the instance that the scenario is about."""


@dataclass(frozen=True)
class Scenario:
    """One thing that goes wrong in a run, and how it ends.

    Attributes:
        name: part of the names of its cases.
        faults: what happens from a certain call on; without any the scenario lasts for the whole run.
        settings: of the embedded EC2, for the whole run.
        always: the settings hold before and after the run as well, since they describe a region.
        target: the name of the instance that the faults are about, where it has to be a certain one.
        read_timeout: the seconds that an answer may take.
        timeout: the program's ``timeoutSeconds``.
        drift: the options that somebody else sets on the target during the run.
        changes_state: the target starts or stops, so that its recorded state may be outdated.
        ends: the target is gone afterwards and removed from the program.
        stuck: EC2 has to recover by itself, which it does before the next run.
        stale: describes show outdated values, which a refresh records.
        enforced: the account enforces IMDSv2 during the run.
        just_launched: the instances are new; ``settings`` tell for how long EC2 does not know them.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    always: bool = False
    target: str | None = None
    read_timeout: float | None = None
    timeout: float = 20.0
    drift: Mapping[str, str | int] = field(default_factory=dict)
    changes_state: bool = False
    ends: Literal["terminated", "vanished"] | None = None
    stuck: bool = False
    stale: bool = False
    enforced: bool = False
    just_launched: bool = False


def _on_target(effect: Literal["stop", "start", "terminate", "vanish"]) -> tuple[Fault, ...]:
    return (Fault(effect, instance=TARGET),)


def _change(name: str, value: str | int, action: str = "*") -> Fault:
    return Fault("change", action, instance=TARGET, options={name: value})


_TAG_KEY = (
    "'a/b' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a "
    "reserved name ('.', '..', '_index')"
)

BRIEFLY, A_WHILE, FROM_THEN_ON = 1, ATTEMPTS, None
"""How many calls fail: botocore recovers from one by itself, but not from as many as it has attempts."""


def _denied(reason: str) -> tuple[Fault, ...]:
    return (Fault("error", MODIFY, code="UnauthorizedOperation", reason=reason, encoded=True, times=None),)


def _refused(code: str, message: str) -> tuple[Fault, ...]:
    return (Fault("error", MODIFY, code=code, message=message, times=None),)


def _error(code: str, times: int | None, action: str = "*") -> tuple[Fault, ...]:
    return (Fault("error", action, code=code, times=times),)


SCENARIOS: tuple[Scenario, ...] = (
    # EC2 has internal errors.
    Scenario("internal-error-once", _error("InternalError", BRIEFLY)),
    Scenario("internal-error-for-a-while", _error("InternalError", A_WHILE)),
    Scenario("internal-error-from-then-on", _error("InternalError", FROM_THEN_ON)),
    Scenario("unavailable-once", _error("Unavailable", BRIEFLY)),
    Scenario("unavailable-for-a-while", _error("ServiceUnavailable", A_WHILE)),
    Scenario("internal-error-after-the-change", (Fault("error", MODIFY, after=True),)),
    Scenario("internal-errors-after-the-change", (Fault("error", MODIFY, after=True, times=ATTEMPTS),)),
    Scenario("internal-errors-always-after-the-change", (Fault("error", MODIFY, after=True, times=None),)),
    # The network fails.
    Scenario("connection-lost-once", (Fault("drop"),)),
    Scenario("connection-lost-for-a-while", (Fault("drop", times=ATTEMPTS),)),
    Scenario("connection-lost-from-then-on", (Fault("drop", times=None),)),
    Scenario("connection-lost-after-the-change", (Fault("drop", MODIFY, after=True),)),
    Scenario("connections-lost-after-the-change", (Fault("drop", MODIFY, after=True, times=ATTEMPTS),)),
    Scenario("truncated-answer-to-a-change", (Fault("truncate", MODIFY),)),
    Scenario("truncated-answers-to-changes", (Fault("truncate", MODIFY, times=None),)),
    Scenario("truncated-answer-to-a-describe", (Fault("truncate", DESCRIBE),)),
    Scenario("slow", settings={"latency": {"*": 0.03}}),
    Scenario("a-describe-answered-too-late", (Fault("delay", DESCRIBE, seconds=1.2),), read_timeout=0.8),
    Scenario("a-change-answered-too-late", (Fault("delay", MODIFY, after=True, seconds=1.2),), read_timeout=0.8),
    Scenario("hangs", (Fault("delay", seconds=60, times=2),), timeout=3.0),
    # EC2 throttles.
    Scenario("throttled-once", _error("RequestLimitExceeded", BRIEFLY)),
    Scenario("throttled-burst", _error("RequestLimitExceeded", 8)),
    Scenario("throttled-from-then-on", _error("RequestLimitExceeded", FROM_THEN_ON)),
    Scenario("others-use-up-the-quota", settings={"throttle": {MODIFY: (2, 1), DESCRIBE: (2, 1)}}),
    # EC2 is eventually consistent.
    Scenario("stale-describe", (Fault("stale", DESCRIBE, seconds=60),), stale=True),
    Scenario("stale-describes", (Fault("stale", DESCRIBE, seconds=60, times=4),), stale=True),
    Scenario("every-describe-is-three-seconds-old", settings={"stale": 3.0}, stale=True),
    Scenario(
        "a-change-does-not-find-the-instance", (Fault("error", MODIFY, code="InvalidInstanceID.NotFound", times=2),)
    ),
    Scenario("unknown-for-a-second", settings={"appear": 1.0}, just_launched=True),
    Scenario("stuck-pending", (Fault("stuck", MODIFY),), stuck=True),
    Scenario("a-minute-pending", settings={"pending": 60.0}, stuck=True),
    Scenario("stopped-instances-report-applied", settings={"stopped_state": "applied"}, always=True),
    Scenario("unnamed-tokens-fall-to-optional", settings={"tokens_when_unnamed": "optional"}, always=True),
    # Somebody else acts during the run.
    Scenario("target-stops", _on_target("stop"), changes_state=True),
    Scenario("target-starts", _on_target("start"), target="database", changes_state=True),
    Scenario("target-is-terminated", _on_target("terminate"), ends="terminated"),
    Scenario("target-vanishes", _on_target("vanish"), ends="vanished"),
    Scenario(
        "a-managed-option-is-changed", (_change("HttpPutResponseHopLimit", 9),), drift={"httpPutResponseHopLimit": 9}
    ),
    Scenario(
        "a-managed-option-is-changed-repeatedly",
        (Fault("change", instance=TARGET, options={"HttpPutResponseHopLimit": 9}, times=None),),
        drift={"httpPutResponseHopLimit": 9},
    ),
    Scenario(
        "another-option-is-changed", (_change("HttpProtocolIpv6", "enabled"),), drift={"httpProtocolIpv6": "enabled"}
    ),
    Scenario(
        "somebody-requires-tokens",
        (_change("HttpTokens", "required"),),
        target="alone",
        drift={"httpTokens": "required"},
    ),
    Scenario(
        "somebody-requires-tokens-just-before-the-change",
        (_change("HttpTokens", "required", MODIFY),),
        target="alone",
        drift={"httpTokens": "required"},
    ),
    Scenario(
        "somebody-requires-tokens-unseen",
        (_change("HttpTokens", "required", DESCRIBE), Fault("stale", DESCRIBE, seconds=60, times=4)),
        target="alone",
        drift={"httpTokens": "required"},
        stale=True,
    ),
    # EC2 refuses.
    Scenario("unauthorized-once", _error("UnauthorizedOperation", BRIEFLY)),
    Scenario("unauthorized", _error("UnauthorizedOperation", FROM_THEN_ON)),
    Scenario(
        "unauthorized-with-an-encoded-message",
        (Fault("error", code="UnauthorizedOperation", encoded=True, times=None),),
    ),
    Scenario("denied-by-the-organization", _denied("with an explicit deny in a service control policy")),
    Scenario("denied-by-a-resource-control-policy", _denied("with an explicit deny in a resource control policy")),
    Scenario("denied-by-a-boundary", _denied(f"because no permissions boundary allows the ec2:{MODIFY} action")),
    Scenario("denied-by-a-session-policy", _denied(f"because no session policy allows the ec2:{MODIFY} action")),
    Scenario("denied-by-its-own-policy", _denied("with an explicit deny in an identity-based policy")),
    Scenario("managed-by-a-service", _denied("with an explicit deny in a resource-based policy")),
    Scenario("hibernating", _refused("IncorrectInstanceState", "The instance is hibernating.")),
    Scenario(
        "an-option-that-the-region-lacks",
        _refused("UnsupportedOperation", "Specifying InstanceMetadataTags is not yet supported in this region"),
    ),
    Scenario("credentials-expire", _error("ExpiredToken", FROM_THEN_ON)),
    Scenario("the-request-expires", _error("RequestExpired", FROM_THEN_ON)),
    Scenario("credentials-are-revoked", _error("AuthFailure", FROM_THEN_ON)),
    Scenario(
        "tag-keys-that-metadata-cannot-show", (Fault("error", MODIFY, code="InvalidParameterValue", message=_TAG_KEY),)
    ),
    Scenario("the-account-enforces-tokens", enforced=True),
    # Regions differ.
    Scenario("no-ipv6-in-the-region", settings={"unknown_options": {REGION: ("HttpProtocolIpv6",)}}, always=True),
    Scenario("no-tags-in-the-region", settings={"unknown_options": {REGION: ("InstanceMetadataTags",)}}, always=True),
)
