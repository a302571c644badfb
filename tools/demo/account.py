"""The account: defaults for new launches, then enforcement, which a group stands in the way of."""

from __future__ import annotations

from pathlib import Path

import boto3
from botocore.exceptions import ClientError

from localcloud.client import LocalCloud
from tools.demo.fleet import AGENT, BILLING, GROUP, REGION, TEMPLATE
from tools.demo.terminal import Terminal, announce, expect
from tools.sandbox import ROOT

MODIFY_DEFAULTS = "ModifyInstanceMetadataDefaults"
OTHER_REGION = "eu-central-1"


def account(cloud: LocalCloud, terminal: Terminal, home: Path) -> None:
    """Set the defaults, try to enforce IMDSv2, fix what would break, and enforce it."""
    terminal.run("pulumi stack init account")

    announce("9. New launches: the account's defaults, in two regions.")
    terminal.run("pulumi up --stack account --yes --suppress-outputs")
    expect("modifications of the account's defaults, one per region", found=_sent(cloud), wanted=2)

    announce("10. Enforce IMDSv2: EC2 would refuse every launch without it. What would break? Nothing is changed.")
    enforcing = home / "Pulumi.account.yaml"
    tokens, line = "    httpTokens: required\n", "    httpTokensEnforced: enabled\n"
    enforcing.write_text((ROOT / "stacks" / "Pulumi.account.yaml").read_text().replace(tokens, tokens + line))
    print(f"\n  imds:accountDefaults:\n{line}", end="", flush=True)
    terminal.run(f"pulumi preview --stack account --config-file {enforcing}", fails=True)
    expect("modifications of the account's defaults", found=_sent(cloud), wanted=0)

    announce(
        f"11. Fix it: {GROUP} gets a version of its template that requires tokens, and shop-agent and shop-billing are "
        "replaced."
    )
    _fix_template(cloud)
    for each in (AGENT, BILLING):
        cloud.terminate(each)
    terminal.run(f"pulumi up --stack account --config-file {enforcing} --yes --suppress-outputs")
    expect("modifications of the account's defaults, one per region", found=_sent(cloud), wanted=2)

    announce("12. From now on EC2 refuses a launch that allows IMDSv1.")
    expect("answer to a launch with optional tokens", found=_launch_with_imdsv1(cloud), wanted="UnsupportedOperation")


def _sent(cloud: LocalCloud) -> int:
    """The number of modifications of the account's defaults since the last call."""
    count = cloud.calls(MODIFY_DEFAULTS)
    cloud.reset()
    return count


def _fix_template(cloud: LocalCloud) -> None:
    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    ec2.create_launch_template_version(
        LaunchTemplateName=TEMPLATE,
        SourceVersion="1",
        LaunchTemplateData={"MetadataOptions": {"HttpTokens": "required"}},
    )
    ec2.modify_launch_template(LaunchTemplateName=TEMPLATE, DefaultVersion="2")


def _launch_with_imdsv1(cloud: LocalCloud) -> str:
    """The error code of EC2's answer."""
    ec2 = boto3.client("ec2", **cloud.connection(REGION))
    try:
        ec2.run_instances(ImageId="ami-760aaa0f", MinCount=1, MaxCount=1, MetadataOptions={"HttpTokens": "optional"})
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "launched"
