"""What goes wrong, as data: each trouble with the faults of the embedded EC2 that make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from localcloud.faults import Fault
from tests.support.provider_run import REGION

DESCRIBE = "DescribeInstances"
MODIFY = "ModifyInstanceMetadataOptions"
ATTEMPTS = 3
"""How often botocore sends a request here."""

VICTIM = "victim"
"""Stands in a fault for the instance that it is about."""


@dataclass(frozen=True)
class Trouble:
    """One thing that goes wrong in a run, and how it ends.

    Attributes:
        name: what a cell goes by.
        faults: from the call on at which the trouble begins; without any it lasts for the whole run.
        settings: of the embedded EC2, for the whole run.
        always: the settings hold before and after the run as well: they say what EC2 is like there.
        victim: the name of the instance that faults with an instance are about, where it has to be a certain one.
        read_timeout: seconds that an answer may take.
        timeout: what the program says in ``timeoutSeconds``.
        behind: what somebody else sets meanwhile on the victim.
        moves: the victim starts or stops, so that what was seen of it may be old.
        ends: the victim is gone afterwards, and taken out of the program.
        stuck: EC2 has to get over it by itself, which it does before the next run.
        lies: describes show what is not so, which a refresh can only believe.
        enforced: the account enforces IMDSv2 during the run.
        young: the instances were launched a moment ago; ``settings`` say for how long EC2 does not know them.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    always: bool = False
    victim: str | None = None
    read_timeout: float | None = None
    timeout: float = 20.0
    behind: Mapping[str, str | int] = field(default_factory=dict)
    moves: bool = False
    ends: Literal["terminated", "vanished"] | None = None
    stuck: bool = False
    lies: bool = False
    enforced: bool = False
    young: bool = False


def _on_victim(effect: Literal["stop", "start", "terminate", "vanish"]) -> tuple[Fault, ...]:
    return (Fault(effect, instance=VICTIM),)


def _change(name: str, value: str | int, action: str = "*") -> Fault:
    return Fault("change", action, instance=VICTIM, options={name: value})


_TAG_KEY = (
    "'a/b' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), and must not be a "
    "reserved name ('.', '..', '_index')"
)

BRIEFLY, A_WHILE, FROM_THEN_ON = 1, ATTEMPTS, None
"""How many calls are struck: botocore itself gets over one, but not over as many as it has attempts."""


def _denied(reason: str) -> tuple[Fault, ...]:
    return (Fault("error", MODIFY, code="UnauthorizedOperation", reason=reason, encoded=True, times=None),)


def _refused(code: str, message: str) -> tuple[Fault, ...]:
    return (Fault("error", MODIFY, code=code, message=message, times=None),)


def _error(code: str, times: int | None, action: str = "*") -> tuple[Fault, ...]:
    return (Fault("error", action, code=code, times=times),)


TROUBLES: tuple[Trouble, ...] = (
    # EC2 fails inside.
    Trouble("internal-error-once", _error("InternalError", BRIEFLY)),
    Trouble("internal-error-for-a-while", _error("InternalError", A_WHILE)),
    Trouble("internal-error-from-then-on", _error("InternalError", FROM_THEN_ON)),
    Trouble("unavailable-once", _error("Unavailable", BRIEFLY)),
    Trouble("unavailable-for-a-while", _error("ServiceUnavailable", A_WHILE)),
    Trouble("internal-error-after-the-change", (Fault("error", MODIFY, after=True),)),
    Trouble("internal-errors-after-the-change", (Fault("error", MODIFY, after=True, times=ATTEMPTS),)),
    Trouble("internal-errors-always-after-the-change", (Fault("error", MODIFY, after=True, times=None),)),
    # The network fails.
    Trouble("connection-lost-once", (Fault("drop"),)),
    Trouble("connection-lost-for-a-while", (Fault("drop", times=ATTEMPTS),)),
    Trouble("connection-lost-from-then-on", (Fault("drop", times=None),)),
    Trouble("connection-lost-after-the-change", (Fault("drop", MODIFY, after=True),)),
    Trouble("connections-lost-after-the-change", (Fault("drop", MODIFY, after=True, times=ATTEMPTS),)),
    Trouble("truncated-answer-to-a-change", (Fault("truncate", MODIFY),)),
    Trouble("truncated-answers-to-changes", (Fault("truncate", MODIFY, times=None),)),
    Trouble("truncated-answer-to-a-look", (Fault("truncate", DESCRIBE),)),
    Trouble("slow", settings={"latency": {"*": 0.03}}),
    Trouble("a-look-answered-too-late", (Fault("delay", DESCRIBE, seconds=1.2),), read_timeout=0.8),
    Trouble("a-change-answered-too-late", (Fault("delay", MODIFY, after=True, seconds=1.2),), read_timeout=0.8),
    Trouble("hangs", (Fault("delay", seconds=60, times=2),), timeout=3.0),
    # EC2 throttles.
    Trouble("throttled-once", _error("RequestLimitExceeded", BRIEFLY)),
    Trouble("throttled-burst", _error("RequestLimitExceeded", 8)),
    Trouble("throttled-from-then-on", _error("RequestLimitExceeded", FROM_THEN_ON)),
    Trouble("others-use-up-the-quota", settings={"throttle": {MODIFY: (2, 1), DESCRIBE: (2, 1)}}),
    # EC2 does not agree with itself yet.
    Trouble("stale-look", (Fault("stale", DESCRIBE, seconds=60),), lies=True),
    Trouble("stale-looks", (Fault("stale", DESCRIBE, seconds=60, times=4),), lies=True),
    Trouble("every-look-is-some-seconds-old", settings={"stale": 3.0}, lies=True),
    Trouble(
        "a-change-does-not-find-the-instance", (Fault("error", MODIFY, code="InvalidInstanceID.NotFound", times=2),)
    ),
    Trouble("unknown-for-a-moment", settings={"appear": 1.0}, young=True),
    Trouble("stuck-pending", (Fault("stuck", MODIFY),), stuck=True),
    Trouble("a-minute-pending", settings={"pending": 60.0}, stuck=True),
    Trouble("stopped-says-applied", settings={"stopped_state": "applied"}, always=True),
    Trouble("unnamed-tokens-fall-to-optional", settings={"tokens_when_unnamed": "optional"}, always=True),
    # People do something meanwhile.
    Trouble("stops", _on_victim("stop"), moves=True),
    Trouble("starts", _on_victim("start"), victim="database", moves=True),
    Trouble("is-terminated", _on_victim("terminate"), ends="terminated"),
    Trouble("vanishes", _on_victim("vanish"), ends="vanished"),
    Trouble(
        "a-managed-option-is-changed", (_change("HttpPutResponseHopLimit", 9),), behind={"httpPutResponseHopLimit": 9}
    ),
    Trouble(
        "a-managed-option-is-changed-again-and-again",
        (Fault("change", instance=VICTIM, options={"HttpPutResponseHopLimit": 9}, times=None),),
        behind={"httpPutResponseHopLimit": 9},
    ),
    Trouble(
        "another-option-is-changed", (_change("HttpProtocolIpv6", "enabled"),), behind={"httpProtocolIpv6": "enabled"}
    ),
    Trouble(
        "somebody-requires-tokens",
        (_change("HttpTokens", "required"),),
        victim="alone",
        behind={"httpTokens": "required"},
    ),
    Trouble(
        "somebody-requires-tokens-just-before-the-change",
        (_change("HttpTokens", "required", MODIFY),),
        victim="alone",
        behind={"httpTokens": "required"},
    ),
    Trouble(
        "somebody-requires-tokens-unseen",
        (_change("HttpTokens", "required", DESCRIBE), Fault("stale", DESCRIBE, seconds=60, times=4)),
        victim="alone",
        behind={"httpTokens": "required"},
        lies=True,
    ),
    # EC2 refuses.
    Trouble("unauthorized-once", _error("UnauthorizedOperation", BRIEFLY)),
    Trouble("unauthorized", _error("UnauthorizedOperation", FROM_THEN_ON)),
    Trouble(
        "unauthorized-with-an-encoded-message",
        (Fault("error", code="UnauthorizedOperation", encoded=True, times=None),),
    ),
    Trouble("denied-by-the-organization", _denied("with an explicit deny in a service control policy")),
    Trouble("denied-by-a-resource-control-policy", _denied("with an explicit deny in a resource control policy")),
    Trouble("denied-by-a-boundary", _denied(f"because no permissions boundary allows the ec2:{MODIFY} action")),
    Trouble("denied-by-a-session-policy", _denied(f"because no session policy allows the ec2:{MODIFY} action")),
    Trouble("denied-by-its-own-policy", _denied("with an explicit deny in an identity-based policy")),
    Trouble("managed-by-a-service", _denied("with an explicit deny in a resource-based policy")),
    Trouble("hibernating", _refused("IncorrectInstanceState", "The instance is hibernating.")),
    Trouble(
        "an-option-that-the-region-lacks",
        _refused("UnsupportedOperation", "Specifying InstanceMetadataTags is not yet supported in this region"),
    ),
    Trouble("credentials-expire", _error("ExpiredToken", FROM_THEN_ON)),
    Trouble("the-request-expires", _error("RequestExpired", FROM_THEN_ON)),
    Trouble("credentials-are-revoked", _error("AuthFailure", FROM_THEN_ON)),
    Trouble(
        "tag-keys-that-metadata-cannot-show", (Fault("error", MODIFY, code="InvalidParameterValue", message=_TAG_KEY),)
    ),
    Trouble("the-account-enforces-tokens", enforced=True),
    # Regions differ.
    Trouble("no-ipv6-in-the-region", settings={"unknown_options": {REGION: ("HttpProtocolIpv6",)}}, always=True),
    Trouble("no-tags-in-the-region", settings={"unknown_options": {REGION: ("InstanceMetadataTags",)}}, always=True),
)
