"""Renames and moves that a program declares by aliases keep what is recorded of an instance."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import errors, modifications
from tests.e2e.programs import FROM_BEFORE, ids, previous, program, seeded
from tests.support.engine import Run, Stack

ALL = ids(8)
KEY, COMPONENT, FIRST, SECOND, STAYS, MOVED, ENDED, TAKEN = ALL

BEFORE = f"""
attached("key", {{"web": "{KEY}"}})
attached("old", {{"web": "{COMPONENT}"}})
fleet("web", ["{FIRST}", "{SECOND}"])
attached("from", {{"stays": "{STAYS}", "web": "{MOVED}"}})
attached("ended", {{"web": "{ENDED}"}})
attached("single", {{"web": "{TAKEN}"}})
"""
AFTER = f"""
def ended(name):
    return pulumi.create_urn(name, "imds:index:InstanceMetadata")


attached("key", {{"frontend": "{KEY}"}}, aliases={{"frontend": "web"}})
attached("renamed", {{"web": "{COMPONENT}"}}, opts=ResourceOptions(aliases=[Alias(name="old")]))
fleet("www", ["{FIRST}", "{SECOND}"], opts=ResourceOptions(aliases=[Alias(name="web")]))
source = attached("from", {{"stays": "{STAYS}"}})
attached("to", {{"web": "{MOVED}"}}, aliases={{"web": Alias(name="from-web", parent=source)}})
attached("home", {{"main": "{ENDED}"}}, aliases={{"main": Alias(name="ended-web", parent=ended("ended"))}})
fleet("taken", ["{TAKEN}"], aliases={{"{TAKEN}": Alias(name="single-web", parent=ended("single"))}})
"""


def steps_of_instances(run: Run) -> set[str]:
    return {name for names in run.steps.values() for name in names if name.startswith("InstanceMetadataOptions ")}


def test_aliases_rename_resources_and_change_nothing(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, *ALL)
    program(stack, BEFORE)
    stack.up()
    modifications(cloud)

    program(stack, AFTER)
    for run in (stack.preview(), stack.up()):
        assert steps_of_instances(run) == set()
        assert run.messages("warning") == []
        assert modifications(cloud) == {}
    assert previous(stack) == {
        "key-frontend": FROM_BEFORE,
        "renamed-web": FROM_BEFORE,
        f"www-{FIRST}": FROM_BEFORE,
        f"www-{SECOND}": FROM_BEFORE,
        "from-stays": FROM_BEFORE,
        "to-web": FROM_BEFORE,
        "home-main": FROM_BEFORE,
        f"taken-{TAKEN}": FROM_BEFORE,
    }
    assert stack.preview().steps == {}


def test_an_alias_of_an_instance_that_does_not_exist_is_an_error(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, KEY)
    program(stack, f'attached("key", {{"frontend": "{KEY}"}}, aliases={{"web": "frontend"}})')
    assert "InstanceMetadata key: aliases has web, but no instance has that name" in errors(stack.preview(fails=True))
