"""The permissions that docs/road-to-imdsv2.md lists for its steps are enough, while everything else is denied."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, REGION, aws_config, fleet, member, tokens
from tests.support.engine import Stack
from tools.sandbox import ROOT

PAGE = ROOT / "docs" / "road-to-imdsv2.md"
FIRST, SECOND = IN_ORDER[:2]
ACCOUNT = {"httpTokens": "required", "httpTokensEnforced": "enabled", "onDestroy": "restore", "allowDowngrade": "a lab"}


def statements() -> list[list[str]]:
    """The IAM actions of each list of statements on the page: fleets, what launches instances, the account."""
    section = PAGE.read_text("utf-8").partition("## Which permissions does each step need?")[2]
    lists = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", section, re.DOTALL)]
    return [[action for statement in each for action in _actions(statement)] for each in lists]


def _actions(statement: dict[str, object]) -> Iterator[str]:
    assert statement["Effect"] == "Allow"
    actions = statement["Action"]
    yield from [actions] if isinstance(actions, str) else map(str, actions if isinstance(actions, list) else [])


@pytest.fixture
def shop(cloud: LocalCloud) -> LocalCloud:
    """A fleet whose group launches from a template, a launch configuration of another group, and an alarm."""
    cloud.seed([member(FIRST), member(SECOND)])
    cloud.seed_images([{"id": "ami-0123456789abcdef0", "region": REGION, "imds_support": "v2.0"}])
    cloud.seed_templates([{"name": "web", "region": REGION, "versions": [{"image": "ami-0123456789abcdef0"}]}])
    cloud.seed_launch_configurations([{"name": "old", "region": REGION, "options": {"HttpTokens": "required"}}])
    cloud.seed_groups(
        [
            {"name": "web", "region": REGION, "template": {"name": "web", "version": "1"}, "instances": [FIRST]},
            {"name": "old", "region": REGION, "launch_configuration": "old", "instances": [SECOND]},
        ]
    )
    cloud.set_alarm("checkout-5xx", "OK", region=REGION)
    return cloud


def test_a_fleet_needs_no_more_than_the_page_lists(stack: Stack, shop: LocalCloud) -> None:
    fleets, launches, _ = statements()
    shop.settings(allowed=[*fleets, *launches])
    stack.configure(fleet(shop, rollout={"alarms": ["checkout-5xx"]}, launchSources="block", onDestroy="restore"))
    stack.preview()
    stack.up()
    assert tokens(shop, [FIRST, SECOND]) == {"required"}
    # Nothing on the page is superfluous.
    assert _iam_actions(shop) == {*fleets, *launches}


def test_the_account_needs_no_more_than_the_page_lists(stack: Stack, shop: LocalCloud) -> None:
    fleets, launches, account = statements()
    shop.settings(allowed=[*launches, *account, "ec2:DescribeInstances"])
    for each in (FIRST, SECOND):
        shop.change(each, {"options": {"HttpTokens": "required"}})
    stack.configure({**aws_config(shop), "imds:accountDefaults": ACCOUNT})
    stack.preview()
    stack.up()
    assert shop.account_defaults(REGION)["HttpTokensEnforced"] == "enabled"
    stack.destroy()
    assert "HttpTokensEnforced" not in shop.account_defaults(REGION)
    assert "ec2:DescribeInstances" in fleets
    assert set(account) <= _iam_actions(shop)


def _iam_actions(cloud: LocalCloud) -> set[str]:
    """The actions that were called, as IAM names them."""
    services = {"monitoring": "cloudwatch"}
    return {f"{services.get(call['service'], call['service'])}:{call['action']}" for call in cloud.log()}
