"""Inline programs of the Automation API use the AWS access of their own stack, whatever else the process runs."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pulumi
import pytest

from imds_components import FleetMetadata, InstanceMetadata, stack_config
from imds_provider.rules.options import as_arguments
from localcloud.client import LocalCloud
from tests.automation.conftest import StackOf
from tests.automation.inline import (
    ABROAD,
    OURS,
    InlineStack,
    Program,
    environment_of,
    in_account,
    seed,
    sent_to,
)
from tests.support.engine import Run

WEB, API, NEW = (f"i-{digit * 17}" for digit in "abc")
FAR_WEB, FAR_API = (f"i-{digit * 17}" for digit in "de")
MODIFY = "ModifyInstanceMetadataOptions"


def attached_to(instance_id: str) -> Program:
    def program() -> None:
        # No resource is named by the id, so that a preview shows it only if the program has described the instance.
        InstanceMetadata("attached", instances={"it": instance_id}, http_tokens="required")

    return program


def fleet() -> None:
    FleetMetadata("fleet", select={"tag:Team": ["web"]}, http_tokens="required")


def both(attached: str) -> Program:
    """A program with an instance attached, and a fleet of all others."""

    def program() -> None:
        attached_to(attached)()
        FleetMetadata("fleet", select={"tag:Team": ["web"]}, exclude=[attached], http_tokens="required")

    return program


def seen(preview: Run) -> set[str]:
    """The instances that the program has described, for an attached component or a fleet."""
    return set(re.findall(r"i-[0-9a-f]{17}", "\n".join(preview.messages("info")) + str(preview.steps)))


def tokens(cloud: LocalCloud, *ids: str) -> set[str]:
    return {cloud.instance(each)["options"]["HttpTokens"] for each in ids}


def preview_and_up(stack: InlineStack) -> set[str]:
    """Preview and run the stack, and return the instances that the preview described."""
    found = seen(stack.preview())
    stack.up()
    return found


@pytest.fixture
def accounts(cloud: LocalCloud) -> dict[str, set[str]]:
    """Two accounts with an instance to attach and a fleet of one in each."""
    seed(cloud, WEB, API)
    seed(cloud, FAR_WEB, FAR_API, account=ABROAD)
    return {OURS: {WEB, API}, ABROAD: {FAR_WEB, FAR_API}}


def test_the_configuration_of_the_stack_takes_precedence_over_the_environment(
    accounts: dict[str, set[str]], cloud: LocalCloud, stack_of: StackOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(cloud, ABROAD).items():
        monkeypatch.setenv(name, value)
    cloud.reset()
    assert preview_and_up(stack_of("dev", in_account(cloud), both(WEB))) == accounts[OURS]
    assert {account for _, account in sent_to(cloud)} == {OURS}
    assert (tokens(cloud, *accounts[OURS]), tokens(cloud, *accounts[ABROAD])) == ({"required"}, {"optional"})


def test_keys_of_this_package_can_be_set_on_the_stack(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB)

    def program() -> None:
        settings = stack_config.load()
        InstanceMetadata("web", instances=settings.instances, metadata_options=as_arguments(settings.options))

    wanted = {"imds:options": {"httpTokens": "required"}, "imds:instances": {"web": WEB}}
    assert seen(stack_of("dev", {**in_account(cloud), **wanted}, program).preview()) == {WEB}
    refused = stack_of("slip", {**in_account(cloud), **wanted, "imds:instance": {}}, program).preview(fails=True)
    assert "imds:instance is not a known key; did you mean instances?" in refused.text


@pytest.mark.parametrize(
    ("key", "program"),
    [("allowedAccountIds", attached_to(FAR_WEB)), ("allowedAccountIds", fleet), ("forbiddenAccountIds", fleet)],
    ids=["allowed, attached", "allowed, fleet", "forbidden, fleet"],
)
@pytest.mark.usefixtures("accounts")
def test_a_preview_sends_nothing_to_an_account_that_is_not_allowed(
    key: str, program: Program, cloud: LocalCloud, stack_of: StackOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(cloud, ABROAD).items():
        monkeypatch.setenv(name, value)
    cloud.reset()
    config = in_account(cloud, ABROAD, **{key: [OURS if key == "allowedAccountIds" else ABROAD]})
    preview = stack_of("dev", config, program).preview(fails=True)
    assert (
        f"the credentials in use belong to account {ABROAD}, which aws:{key} rules out; nothing was sent."
    ) in preview.text
    assert {service for service, _ in sent_to(cloud)} == {"sts"}


def test_stacks_one_after_the_other_each_act_in_their_own_account(
    accounts: dict[str, set[str]], cloud: LocalCloud, stack_of: StackOf
) -> None:
    for account, attached in ((OURS, WEB), (ABROAD, FAR_WEB)):
        cloud.reset()
        assert preview_and_up(stack_of(account, in_account(cloud, account), both(attached))) == accounts[account]
        assert {called for service, called in sent_to(cloud) if service != "sts"} == {account}
        assert tokens(cloud, *accounts[account]) == {"required"}


def test_stacks_in_threads_each_act_in_their_own_account(
    accounts: dict[str, set[str]], cloud: LocalCloud, stack_of: StackOf
) -> None:
    stacks = [
        stack_of(account, in_account(cloud, account), both(attached))
        for account, attached in ((OURS, WEB), (ABROAD, FAR_WEB))
    ]
    with ThreadPoolExecutor(len(stacks)) as threads:
        assert list(threads.map(preview_and_up, stacks)) == list(accounts.values())
    changed = [(call["account"], call["params"]["InstanceId"]) for call in cloud.log(MODIFY) if call["code"] == "OK"]
    assert sorted(changed) == sorted((account, each) for account, ids in accounts.items() for each in ids)


def test_a_preview_describes_instances_again_after_an_earlier_preview(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB, API)
    stack = stack_of("dev", in_account(cloud), both(WEB))
    first = stack.preview()
    assert seen(first) == {WEB, API}
    assert f"{WEB}  httpTokens: optional -> required" in "\n".join(first.messages("info"))
    cloud.change(WEB, {"options": {"HttpTokens": "required"}})
    seed(cloud, NEW)
    second = stack.preview()
    assert seen(second) == {API, NEW}
    assert "1 of 1 already have httpTokens=required: it" in second.messages("info")


def test_stacks_of_a_process_share_neither_a_region_nor_a_mistake(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB)
    seed(cloud, NEW, region="us-west-2")
    wrong = stack_of("wrong", in_account(cloud, maxRetries="many"), fleet)
    assert 'aws:maxRetries must be a whole number, got "many".' in wrong.preview(fails=True).text
    assert seen(stack_of("near", in_account(cloud), fleet).preview()) == {WEB}
    assert seen(stack_of("far", in_account(cloud, region="us-west-2"), fleet).preview()) == {NEW}
    assert "aws:maxRetries" in wrong.preview(fails=True).text


def test_a_profile_that_does_not_exist_is_one_line(cloud: LocalCloud, stack_of: StackOf) -> None:
    given = in_account(cloud, profile="nobody", region="")
    preview = stack_of("dev", given, attached_to(WEB)).preview(fails=True)
    assert "AWS access is misconfigured: The config profile (nobody) could not be found" in preview.text
    assert "Traceback" not in preview.text


def test_a_component_created_in_apply_has_the_access_of_its_program(cloud: LocalCloud, stack_of: StackOf) -> None:
    seed(cloud, WEB)

    def program() -> None:
        pulumi.Output.from_input(WEB).apply(lambda instance_id: attached_to(instance_id)())

    assert seen(stack_of("dev", in_account(cloud), program).preview()) == {WEB}
