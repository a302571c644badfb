"""Released instances are listed by a preview, loosened only with a reason, and restored or reported."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import REGION, aws_config, instance, modifications
from tests.e2e.programs import ids, options, program, seeded, warned_of
from tests.support.engine import Stack

IMAGE = "ami-760aaa0f"
ALL = ids(11)
WEB, LAB, STRICT, AWAY = ALL[:6], ALL[6:8], ALL[8], ALL[9:]

SELECTED = f"""
fleet("web", select={{"tag:Env": ["prod"]}})
fleet("lab", select={{"tag:Env": ["lab"]}}, allow_downgrade="a lab")
fleet("strict", select={{"tag:Env": ["strict"]}}, http_tokens="optional", allow_downgrade="an old agent")
fleet("away", select={{"tag:Env": ["away"]}}, regions=["{REGION}"])
"""
MISTAKEN = """
fleet("web", select={"tag:Env": ["prd"]})
fleet("lab", select={"tag:Env": ["lb"]}, allow_downgrade="a lab")
fleet("strict", select={"tag:Env": ["strct"]}, http_tokens="optional", allow_downgrade="an old agent")
fleet("away", select={"tag:Env": ["away"]}, regions=["eu-west-3"])
"""


def test_a_mistake_in_a_selection_or_region_loosens_nothing_and_a_preview_lists_released_instances(
    stack: Stack, cloud: LocalCloud
) -> None:
    for env, members in (("prod", WEB), ("lab", LAB), ("away", AWAY)):
        cloud.seed([{**instance(each), "tags": {"Env": env}} for each in members])
    cloud.seed([{**instance(STRICT, {"HttpTokens": "required"}), "tags": {"Env": "strict"}}])
    stack.configure(aws_config(cloud))
    program(stack, SELECTED)
    stack.up()
    assert set(options(cloud, *ALL).items()) == {
        *((each, ("required", 2)) for each in ALL if each != STRICT),
        (STRICT, ("optional", 2)),
    }
    cloud.reset()

    program(stack, MISTAKEN)
    preview = stack.preview()
    assert modifications(cloud) == {}
    up = stack.up()
    for run in (preview, up):
        reported = "\n".join(run.messages("warning"))
        assert f"fleet web releases 6 of 6 instances: {WEB[0]}, {WEB[1]}, {WEB[2]} and 3 more." in reported
        assert "onDestroy: restore sets httpPutResponseHopLimit=1 on 6." in reported
        assert "onDestroy: restore keeps httpTokens=required on 6, since allowDowngrade gives no reason" in reported
        assert "To loosen it, first set the looser value with a reason, then release the instances." in reported
        assert f"fleet lab releases 2 of 2 instances: {LAB[0]}, {LAB[1]}." in reported
        assert "onDestroy: restore sets httpPutResponseHopLimit=1 on 2, httpTokens=optional on 2." in reported
        assert f"fleet strict releases 1 of 1 instance: {STRICT}." in reported
        assert f"IMDSv1 calls will be refused by {STRICT}." in reported
        assert "selects no instance in eu-west-3: check select, instances and the region." in reported
    assert f"fleet away releases 2 of 2 instances: {AWAY[0]}, {AWAY[1]}." in "\n".join(up.messages("warning"))
    assert not any(warned_of(up, each) for each in WEB[3:]), "one warning for all of them, which is cut"

    assert options(cloud, *ALL) == {
        **dict.fromkeys((*WEB, *AWAY), ("required", 1)),
        **dict.fromkeys(LAB, ("optional", 1)),
        STRICT: ("required", 1),
    }
    assert stack.preview().steps == {}


READ, READ_BY_ID, *_ = ids(2)
ATTACHED = f"""
import pulumi_aws as aws


def launched(name, **given):
    return aws.ec2.Instance(name, ami="{IMAGE}", instance_type="t3.micro", opts=ResourceOptions(**given))


outliving = launched("outliving", retain_on_delete=True)
outliving_by_id = launched("outliving-by-id", retain_on_delete=True)
attached("ending", {{"web": launched("ending")}})
attached("outliving", {{"web": outliving}})
attached("outliving-by-id", {{"web": outliving_by_id.id}})
attached("read", {{"web": aws.ec2.Instance.get("read", "{READ}")}})
attached("read-by-id", {{"web": aws.ec2.Instance.get("read-by-id", "{READ_BY_ID}").id}})
direct("kept", "{READ}", **TAGS, opts=ResourceOptions(retain_on_delete=True))
pulumi.export("outliving", outliving.id)
pulumi.export("outliving-by-id", outliving_by_id.id)
"""
EMPTIED = """
for name in ("ending", "outliving", "outliving-by-id", "read", "read-by-id"):
    attached(name, {})
"""


def test_released_instances_are_restored_or_reported_unless_they_are_terminated(
    stack: Stack, cloud: LocalCloud
) -> None:
    seeded(stack, cloud, READ, READ_BY_ID)
    program(stack, ATTACHED)
    up = stack.up()
    outliving, outliving_by_id = up.outputs["outliving"], up.outputs["outliving-by-id"]
    (ending,) = (each["id"] for each in cloud.instances() if each["id"] not in {*up.outputs.values(), READ, READ_BY_ID})
    cloud.reset()

    program(stack, EMPTIED)
    preview = stack.preview()
    assert modifications(cloud) == {}
    up = stack.up()
    for run in (preview, up):
        for each in (ending, outliving, READ):
            (warning,) = warned_of(run, each)
            assert f"Nothing is restored on instances whose own resource is deleted as well: {each}." in warning
            assert "To restore one that outlives its resource, attach it by its ID." in warning
        for each in (outliving_by_id, READ_BY_ID):
            (warning,) = warned_of(run, each)
            assert "onDestroy: restore sets httpPutResponseHopLimit=1 on 1." in warning

    assert set(modifications(cloud)) == {outliving_by_id, READ_BY_ID}
    assert options(cloud, outliving, outliving_by_id, READ, READ_BY_ID) == {
        outliving: ("required", 2),
        outliving_by_id: ("required", 1),
        READ: ("required", 2),
        READ_BY_ID: ("required", 1),
    }
    assert cloud.instance(READ)["options"]["InstanceMetadataTags"] == "enabled"
    assert cloud.instance(ending)["state"] == "terminated"
    assert stack.preview().steps == {}
