"""The kinds of findings of a report, and the controls of AWS and CIS that ask for the same. Pure.

A control is named where its requirement is that of the kind, not where it is merely about IMDS. Nothing is known to
ask for an account's defaults but Prowler: neither Security Hub nor AWS Config has a control for them.

Sources: AWS Security Hub user guide, "Security Hub CSPM controls for Amazon EC2" ([EC2.8], with CIS AWS Foundations
Benchmark v5.0.0/5.7 and v3.0.0/5.6 as its related requirements, and [EC2.170]) and "… for Auto Scaling"
([AutoScaling.3]; [AutoScaling.4], the hop limit, was retired in April 2024); AWS Config developer guide, "List of AWS
Config managed rules"; Control Tower controls reference, "Amazon EC2 controls" (CT.EC2.PR.1 and 2); Prowler, the checks
in ``prowler/providers/aws/services/ec2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from imds_provider.rules.options import HTTP_PUT_RESPONSE_HOP_LIMIT, HTTP_TOKENS

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")
"""How urgent a finding is, the most urgent first."""

_AWS = "https://docs.aws.amazon.com"


@dataclass(frozen=True)
class Control:
    """A requirement of a framework, such as ``EC2.8`` of ``security-hub``."""

    framework: Literal["security-hub", "aws-config", "cis-aws-foundations", "control-tower", "prowler"]
    id: str
    uri: str

    @property
    def tag(self) -> str:
        """``security-hub/EC2.8``."""
        return f"{self.framework}/{self.id}"


@dataclass(frozen=True)
class Kind:
    """A kind of finding. ``id`` is a contract: what tracks findings over time goes by it.

    ``severity`` is that of the Security Hub control where one asks for the same, else this project's own.
    """

    id: str
    title: str
    level: Level
    severity: Literal["high", "medium", "low"]
    why: str
    action: str
    controls: tuple[Control, ...] = ()


def _security_hub(control: str) -> Control:
    service, number = control.lower().split(".")
    return Control(
        "security-hub", control, f"{_AWS}/securityhub/latest/userguide/{service}-controls.html#{service}-{number}"
    )


def _config(rule: str) -> Control:
    return Control("aws-config", rule, f"{_AWS}/config/latest/developerguide/{rule}.html")


def _control_tower(control: str) -> Control:
    anchor = control.lower().replace(".", "-")
    return Control(
        "control-tower", control, f"{_AWS}/controltower/latest/controlreference/ec2-rules.html#{anchor}-description"
    )


def _cis(version: str, recommendation: str) -> Control:
    return Control(
        "cis-aws-foundations", f"{version}/{recommendation}", "https://www.cisecurity.org/benchmark/amazon_web_services"
    )


def _prowler(check: str) -> Control:
    services = "https://github.com/prowler-cloud/prowler/tree/master/prowler/providers/aws/services"
    return Control("prowler", check, f"{services}/ec2/{check}")


_UP = "Preview and run `pulumi up` with the stack that manages it; without one, add it to `imds:instances` or a fleet."
_TEMPLATE = "Set the option in a new version of the template, and let the group use that version."
_CONFIGURATION = (
    "A launch configuration cannot be changed: move the group to a launch template that sets the option, or to a copy "
    "of the configuration that does."
)

INSTANCE_TOKENS = Kind(
    "imds-instance-tokens",
    "Instance allows IMDSv1",
    "error",
    "high",
    "With optional tokens, IMDSv1 answers without a session token, so that a request forged through a server on the "
    "instance can read the credentials of its role.",
    f"Find out whether something still calls IMDSv1, then require tokens. {_UP}",
    (
        _security_hub("EC2.8"),
        _config("ec2-imdsv2-check"),
        _cis("5.0.0", "5.7"),
        _cis("3.0.0", "5.6"),
        _prowler("ec2_instance_imdsv2_enabled"),
    ),
)
INSTANCE_HOP_LIMIT = Kind(
    "imds-instance-hop-limit",
    "Instance has another hop limit than wanted",
    "error",
    "medium",
    "The hop limit is how far from the instance an answer with a token can travel: too high, and more than the "
    "instance gets one; too low, and containers get none.",
    _UP,
)
INSTANCE_OPTION = Kind(
    "imds-instance-option",
    "Instance has another metadata option than wanted",
    "error",
    "medium",
    "An instance metadata option is not as its stack or the audit wants it, or its change is not completed.",
    _UP,
)
INSTANCE_UNKNOWN = Kind(
    "imds-instance-unknown",
    "Metadata options of an instance are not known",
    "warning",
    "medium",
    "EC2 does not report a wanted option, or a value of it that this version knows. What is not known does not count "
    "as compliant.",
    "Describe the instance in the EC2 console. If its region does not support the option, stop wanting it there.",
)
PENDING_START = Kind(
    "imds-instance-pending-start",
    "Instance gets its metadata options when it starts",
    "note",
    "low",
    "EC2 has accepted the options of a stopped instance. They apply when it starts.",
    "Nothing is to be done. Start and stop the instance if it has to be proved.",
)
EXEMPT = Kind(
    "imds-instance-exempt",
    "Instance is exempt",
    "note",
    "low",
    "Its stack leaves the instance alone until a last day, or an AWS service manages it, so it is not judged.",
    "Fix the workload before the exemption ends.",
)
IMDSV1_CALLS = Kind(
    "imds-imdsv1-calls",
    "Instance calls IMDSv1",
    "warning",
    "medium",
    "CloudWatch has counted calls without a session token. They fail as soon as tokens are required.",
    "Find the process with AWS's IMDS packet analyzer, and update its SDK or agent.",
)
TEMPLATE_TOKENS = Kind(
    "imds-launch-template-tokens",
    "Launch template starts instances that allow IMDSv1",
    "error",
    "low",
    "The next instance of an autoscaling group may start with optional tokens, whatever the ones of today have.",
    _TEMPLATE,
    (
        _security_hub("EC2.170"),
        _config("ec2-launch-template-imdsv2-check"),
        _control_tower("CT.EC2.PR.1"),
        _prowler("ec2_launch_template_imdsv2_required"),
    ),
)
TEMPLATE_HOP_LIMIT = Kind(
    "imds-launch-template-hop-limit",
    "Launch template starts instances with a higher hop limit than wanted",
    "error",
    "medium",
    "The next instance of an autoscaling group may start with a higher hop limit than wanted. The control allows 1 hop "
    "at most.",
    _TEMPLATE,
    (_control_tower("CT.EC2.PR.2"),),
)
CONFIGURATION_TOKENS = Kind(
    "imds-launch-configuration-tokens",
    "Launch configuration starts instances that allow IMDSv1",
    "error",
    "high",
    "The next instance of an autoscaling group may start with optional tokens, whatever the ones of today have.",
    _CONFIGURATION,
    (_security_hub("AutoScaling.3"), _config("autoscaling-launchconfig-requires-imdsv2")),
)
CONFIGURATION_HOP_LIMIT = Kind(
    "imds-launch-configuration-hop-limit",
    "Launch configuration starts instances with a higher hop limit than wanted",
    "error",
    "medium",
    "The next instance of an autoscaling group may start with a higher hop limit than wanted. The rule of AWS Config "
    "allows 1 hop at most. Security Hub's AutoScaling.4 was the same until it was retired in April 2024.",
    _CONFIGURATION,
    (_config("autoscaling-launch-config-hop-limit"),),
)
LAUNCH_OPTION = Kind(
    "imds-launch-option",
    "Autoscaling group starts instances with looser options than wanted",
    "error",
    "medium",
    "The next instance of an autoscaling group may start looser than its fleet wants.",
    "Set the option in what the group launches from.",
)
ACCOUNT_DEFAULT = Kind(
    "imds-account-default",
    "Account's default for new instances is not as wanted",
    "error",
    "medium",
    "What is launched without the option starts with the account's default in its region.",
    "Set `imds:accountDefaults`, or the organization's declarative policy where that manages the defaults.",
    (_prowler("ec2_instance_account_imdsv2_enabled"),),
)

KINDS: tuple[Kind, ...] = (
    INSTANCE_TOKENS,
    INSTANCE_HOP_LIMIT,
    INSTANCE_OPTION,
    INSTANCE_UNKNOWN,
    PENDING_START,
    EXEMPT,
    IMDSV1_CALLS,
    TEMPLATE_TOKENS,
    TEMPLATE_HOP_LIMIT,
    CONFIGURATION_TOKENS,
    CONFIGURATION_HOP_LIMIT,
    LAUNCH_OPTION,
    ACCOUNT_DEFAULT,
)

_INSTANCE = {HTTP_TOKENS: INSTANCE_TOKENS, HTTP_PUT_RESPONSE_HOP_LIMIT: INSTANCE_HOP_LIMIT}
_TEMPLATES = {HTTP_TOKENS: TEMPLATE_TOKENS, HTTP_PUT_RESPONSE_HOP_LIMIT: TEMPLATE_HOP_LIMIT}
_CONFIGURATIONS = {HTTP_TOKENS: CONFIGURATION_TOKENS, HTTP_PUT_RESPONSE_HOP_LIMIT: CONFIGURATION_HOP_LIMIT}


def of_instance(option: str) -> Kind:
    """The kind of an instance's wrong option."""
    return _INSTANCE.get(option, INSTANCE_OPTION)


def of_launch(launched_by: str, option: str) -> Kind:
    """The kind of a group's looser option. ``launched_by`` is as in the stack output ``launchSources``."""
    kinds = _CONFIGURATIONS if launched_by.startswith("launch configuration ") else _TEMPLATES
    return kinds.get(option, LAUNCH_OPTION)
