"""Instances whose options EC2 does not report in full never count as compliant."""

from __future__ import annotations

from localcloud.client import LocalCloud
from localcloud.ec2.instances import MetadataOptions
from tests.e2e.fleet import aws_config, instance, modifications
from tests.e2e.hiding_proxy import WHOLE, hiding
from tests.e2e.programs import ids, program
from tests.support.engine import Stack

RIGHT, PARTLY, MEMBER, NOTHING = ids(4)
REQUIRED: MetadataOptions = {"HttpTokens": "required"}
PROGRAM = f"""
one = attached("one", {{"right": "{RIGHT}", "partly": "{PARTLY}"}})
web = fleet("web", ["{MEMBER}", "{NOTHING}"])
pulumi.export("applied", pulumi.Output.all(one.applied_ids, web.applied_ids))
pulumi.export("unknown", pulumi.Output.all(one.unknown_ids, web.unknown_ids))
pulumi.export("report", web.report)
"""


def test_options_that_ec2_does_not_report_are_unknown_in_previews_runs_and_outputs(
    stack: Stack, cloud: LocalCloud
) -> None:
    cloud.seed([instance(RIGHT), instance(PARTLY, REQUIRED), instance(MEMBER), instance(NOTHING, REQUIRED)])
    hidden = {PARTLY: "HttpTokens", NOTHING: WHOLE}
    program(stack, PROGRAM)
    with hiding(cloud.url, hidden) as url:
        stack.configure({**aws_config(cloud), "aws:endpoints": [{"ec2": url, "sts": url, "cloudwatch": url}]})
        preview = stack.preview()
        reported = "\n".join(preview.messages("info"))
        about_partly = f"  partly  {PARTLY}  EC2 does not report httpTokens there; httpPutResponseHopLimit: 1 -> 2"
        assert f"1 of 2 are not known to comply:\n{about_partly}" in reported
        assert f"unknown    1  EC2 does not report all wanted options: {NOTHING}" in reported
        left = f"{NOTHING} is left as it is: EC2 does not report its metadata options, so they cannot be compared."
        assert left in preview.messages("warning")

        up = stack.up()
        assert set(modifications(cloud)) == {RIGHT, PARTLY, MEMBER}, "the hop limit of the one that is partly reported"
        assert up.outputs["applied"] == [[RIGHT], [MEMBER]]
        assert up.outputs["unknown"] == [[PARTLY], []]
        report = up.outputs["report"]
        assert (report["selected"], report["applied"], report["unknown"]) == (2, 1, [NOTHING])
        assert report["notCompliant"] == [NOTHING]
        warnings = "\n".join(up.messages("warning"))
        assert f"not known to comply, since EC2 does not report all wanted options: {PARTLY}." in warnings
        assert cloud.instance(PARTLY)["options"]["HttpTokens"] == "required"
        assert stack.preview().steps == {}

        hidden.clear()
        stack.refresh()
        up = stack.up()
        assert set(modifications(cloud)) == {NOTHING}
        assert up.outputs["applied"] == [sorted([RIGHT, PARTLY]), sorted([MEMBER, NOTHING])]
        assert up.outputs["unknown"] == [[], []]
        assert up.outputs["report"]["notCompliant"] == []
        assert stack.preview().steps == {}
