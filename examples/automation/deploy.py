"""One process for many accounts: an inline program of the Automation API, with a stack for each account."""

import json
import sys

import pulumi
from pulumi import automation

from imds_components import FleetMetadata


def program() -> None:
    """Bring all instances of the stack's account onto IMDSv2."""
    fleet = FleetMetadata("all", select={"instance-id": ["i-*"]}, http_tokens="required")
    pulumi.export("fleet", fleet.report)


def stack_of(account: str) -> automation.Stack:
    """The stack of an account, which acts by a role in it and in no other account."""
    stack = automation.create_or_select_stack(account, project_name="imdsv2", program=program)
    access = {
        "aws:assumeRole": {"roleArn": f"arn:aws:iam::{account}:role/imds"},
        "aws:allowedAccountIds": [account],
    }
    stack.set_all_config({key: automation.ConfigValue(json.dumps(value)) for key, value in access.items()})
    return stack


if __name__ == "__main__":
    operation, *accounts = sys.argv[1:]
    for account in accounts:
        getattr(stack_of(account), operation)(on_output=print)
