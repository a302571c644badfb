"""An account's defaults by the stack configuration, with the real engine."""

from __future__ import annotations

from typing import Any

import boto3

from localcloud.client import LocalCloud
from localcloud.ec2.launch_seeds import VersionSeed
from tests.e2e.fleet import WEB, aws_config, errors, instance
from tests.support.engine import Run, Stack

ONE, TWO = "eu-west-1", "us-east-1"
MODIFY = "ModifyInstanceMetadataDefaults"
WANTED = {"httpTokens": "required", "httpPutResponseHopLimit": 2, "regions": [ONE, TWO]}
REASON = "a lab"


def config(cloud: LocalCloud, **given: Any) -> dict[str, object]:  # noqa: ANN401  as a stack file has it
    return {**aws_config(cloud), "imds:accountDefaults": {**WANTED, **given}}


def row(region: str) -> str:
    return f"AccountMetadataDefaults account-{region}"


def sent(cloud: LocalCloud) -> list[tuple[str, dict[str, str]]]:
    """The region and the defaults of each modification since the last call of this."""
    found = [(call["region"], dict(call["params"])) for call in cloud.log(MODIFY)]
    cloud.reset()
    return sorted(found, key=lambda each: each[0])


def summary(run: Run) -> list[str]:
    """The lines that the preview logs of the account."""
    return [line for each in run.messages("info") if "account defaults" in each for line in each.splitlines()]


def test_defaults_of_two_regions_are_set_drift_is_repaired_and_a_destroy_restores_them(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.set_account_defaults(TWO, {"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"})
    stack.configure(config(cloud, onDestroy="restore", allowDowngrade=REASON))
    preview = stack.preview()
    assert preview.steps == {"create": {row(ONE), row(TWO)}}
    assert summary(preview) == [
        "account defaults account: 2 of 2 regions will change",
        f"  {ONE}  httpTokens: no-preference -> required, httpPutResponseHopLimit: no-preference -> 2",
        f"  {TWO}  httpTokens: no-preference -> required",
    ]
    assert sent(cloud) == []

    up = stack.up()
    assert sent(cloud) == [
        (ONE, {"HttpTokens": "required", "HttpPutResponseHopLimit": "2"}),
        (TWO, {"HttpTokens": "required"}),
    ]
    assert up.outputs["accountDefaults"]["enforced"] == []
    assert up.outputs["accountDefaults"]["defaults"][TWO] == {
        "httpTokens": "required",
        "httpPutResponseHopLimit": 2,
        "httpEndpoint": "enabled",
        "instanceMetadataTags": "no-preference",
        "httpTokensEnforced": "no-preference",
    }
    assert stack.up().steps == {}

    cloud.set_account_defaults(ONE, {"HttpTokens": "optional"})
    preview = stack.preview()
    assert preview.steps == {"update": {row(ONE)}}
    assert preview.changes(row(ONE)) == {"change": (None, "httpTokens: optional -> required")}
    assert stack.up().steps == {"update": {row(ONE)}}
    assert sent(cloud) == [(ONE, {"HttpTokens": "required"})]
    assert "change" not in stack.resources()[row(ONE)]["outputs"]
    assert stack.up().steps == {}

    stack.destroy()
    assert cloud.account_defaults(ONE) == {}
    assert cloud.account_defaults(TWO) == {"HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"}


def test_a_refresh_shows_drift_per_default(stack: Stack, cloud: LocalCloud) -> None:
    stack.configure(config(cloud))
    stack.up()
    assert stack.refresh().steps == {}
    cloud.set_account_defaults(ONE, {"HttpTokens": "optional"})
    refresh = stack.refresh()
    assert refresh.steps == {"update": {row(ONE)}}
    assert refresh.changes(row(ONE))["httpTokens"] == ("required", "optional")
    assert stack.up().steps == {"update": {row(ONE)}}
    assert stack.up().steps == {}


def test_what_would_loosen_one_region_stops_the_preview_and_the_run_of_both_but_no_destroy(
    stack: Stack, cloud: LocalCloud
) -> None:
    stack.configure(config(cloud, regions=[ONE]))
    stack.up()
    sent(cloud)
    cloud.set_account_defaults(TWO, {"HttpTokens": "no-preference"})
    stack.configure(config(cloud, httpTokens="no-preference", httpPutResponseHopLimit=3))
    reported = errors(stack.preview(fails=True))
    assert f"the account in {ONE} would be loosened (httpTokens: required -> no-preference): keep the " in reported
    assert "give the reason in imds:accountDefaults.allowDowngrade." in reported
    stack.up(fails=True, continue_on_error=True)
    assert sent(cloud) == []
    assert set(stack.resources()) == {row(ONE)}
    stack.destroy(run_program=True)
    assert stack.resources() == {}
    assert cloud.account_defaults(ONE) == {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}, "retained"


def test_what_a_declarative_policy_decides_stops_the_preview_with_its_message(stack: Stack, cloud: LocalCloud) -> None:
    cloud.set_declarative_policy(ONE, {"HttpTokens": "required"}, exception_message="Ask the platform team.")
    stack.configure(config(cloud))
    reported = errors(stack.preview(fails=True))
    assert (
        f"the account in {ONE} would change (httpPutResponseHopLimit: no-preference -> 2), but an organization's "
        "declarative policy decides this, which says: Ask the platform team."
    ) in reported
    stack.configure({**config(cloud), "imds:accountDefaults": {"httpTokens": "required", "regions": [ONE]}})
    up = stack.up()
    assert stack.resources()[row(ONE)]["outputs"]["managedBy"] == "declarative-policy"
    assert up.outputs["accountDefaults"]["defaults"][ONE]["httpTokens"] == "required"
    assert sent(cloud) == []


def test_enforcement_comes_after_the_instances_and_ends_before_they_are_restored(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(WEB)])
    wanted = {"httpTokensEnforced": "enabled", "regions": [ONE], "onDestroy": "restore", "allowDowngrade": REASON}
    fleet = {
        "instances": [WEB],
        "options": {"httpTokens": "required"},
        "readiness": {"legacyCalls": "off"},
        "rollout": {"waves": ["100%"], "soakMinutes": 0},
        "onDestroy": "restore",
        "allowDowngrade": REASON,
    }
    stack.configure(
        {
            **aws_config(cloud),
            "imds:fleets": {"web": fleet},
            "imds:accountDefaults": wanted,
        }
    )
    up = stack.up()
    assert up.outputs["accountDefaults"]["enforced"] == [ONE]
    changes = [call["action"] for call in cloud.log() if call["action"].startswith("Modify")]
    assert changes == ["ModifyInstanceMetadataOptions", MODIFY]
    cloud.reset()
    stack.destroy()
    changes = [call["action"] for call in cloud.log() if call["action"].startswith("Modify")]
    assert changes == [MODIFY, "ModifyInstanceMetadataOptions"]
    assert cloud.instance(WEB)["options"]["HttpTokens"] == "optional"
    assert cloud.account_defaults(ONE) == {}


def test_instances_that_allow_imdsv1_stop_the_enforcement_until_a_fleet_requires_tokens_of_them(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(WEB)])
    enforced = {"httpTokens": "required", "httpTokensEnforced": "enabled", "regions": [ONE]}
    settings = {**aws_config(cloud), "imds:accountDefaults": {**enforced, "readiness": {"launchSources": "off"}}}
    stack.configure(settings)
    finding = f"{ONE}: 1 instance allows IMDSv1, and nothing in this program requires tokens there: {WEB}. "
    reported = errors(stack.preview(fails=True))
    assert finding in reported
    assert "Fix these first, or let imds:accountDefaults.readiness warn instead of block." in reported
    assert finding in errors(stack.up(fails=True))
    assert sent(cloud) == []

    warn = {"instances": "warn", "launchSources": "off"}
    stack.configure({**settings, "imds:accountDefaults": {**enforced, "readiness": warn}})
    assert any(finding in each for each in stack.preview().messages("warning"))

    stack.configure({**settings, "imds:instances": {"web": WEB}, "imds:options": {"httpTokens": "required"}})
    assert finding not in stack.preview().text
    assert stack.up().outputs["accountDefaults"]["enforced"] == [ONE]
    cloud.reset()
    assert stack.up().steps == {}
    assert "DescribeAutoScalingGroups" not in cloud.counts()


def test_a_group_whose_next_launch_would_fail_stops_the_enforcement_until_its_template_is_fixed(
    stack: Stack, cloud: LocalCloud
) -> None:
    image = "ami-0123456789abcdef0"
    cloud.seed_images([{"id": image, "region": ONE}])
    optional: VersionSeed = {"image": image, "options": {"HttpTokens": "optional"}}
    for name, version in {"shop": optional, "safe": VersionSeed(image=image)}.items():
        cloud.seed_templates([{"name": name, "region": ONE, "versions": [version]}])
        cloud.seed_groups([{"name": name, "region": ONE, "template": {"name": name}}])
    enforced = {"httpTokens": "required", "httpTokensEnforced": "enabled", "regions": [ONE, TWO]}
    stack.configure({**aws_config(cloud), "imds:accountDefaults": enforced})
    reported = errors(stack.preview(fails=True))
    assert f"{ONE}: autoscaling group shop could not launch instances any more, since EC2 refuses optional " in reported
    assert "sets httpTokens=optional. Set httpTokens=required in a version of the launch template that " in reported
    assert "group safe" not in reported
    assert sent(cloud) == []

    ec2 = boto3.client("ec2", **cloud.connection(ONE))
    fixed = ec2.create_launch_template_version(
        LaunchTemplateName="shop",
        LaunchTemplateData={"ImageId": image, "MetadataOptions": {"HttpTokens": "required"}},
    )["LaunchTemplateVersion"]["VersionNumber"]
    ec2.modify_launch_template(LaunchTemplateName="shop", DefaultVersion=str(fixed))
    ec2.close()
    assert stack.up().outputs["accountDefaults"]["enforced"] == [ONE, TWO]
