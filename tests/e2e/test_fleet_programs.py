"""``FleetMetadata`` in a program."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import IN_ORDER, aws_config, errors, member, modifications
from tests.support.engine import Stack

FIRST, SECOND, EXEMPT = IN_ORDER[:3]
PROGRAM = f"""
import datetime
import pulumi
from imds_components import Exemption, FleetMetadata, Readiness, Rollout

fleet = FleetMetadata(
    "web",
    select={{"tag:Team": ["web"]}},
    http_tokens="required",
    http_put_response_hop_limit=2,
    exemptions=[Exemption("{EXEMPT}", "an old agent", datetime.date(2999, 1, 1), http_tokens="optional")],
    readiness=Readiness(legacy_calls="off"),
    rollout=Rollout(waves=["50%", "100%"]),
)
pulumi.export("options", fleet.options)
pulumi.export("appliedIds", fleet.applied_ids)
pulumi.export("report", fleet.report)
"""
MISTAKEN = """
from imds_components import FleetMetadata

FleetMetadata("web", select={"tag:Team": "web"}, exclude=["web-1"], http_tokens="required", on_destroy="keep")
"""


def test_a_program_manages_a_fleet_and_exports_its_outputs(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([member(each) for each in (FIRST, SECOND, EXEMPT)])
    stack.write_program(PROGRAM)
    stack.configure(aws_config(cloud))
    up = stack.up()
    assert set(modifications(cloud)) == {FIRST, SECOND, EXEMPT}
    seen = {
        each: (options["httpTokens"], options["httpPutResponseHopLimit"])
        for each, options in up.outputs["options"].items()
    }
    assert seen == {FIRST: ("required", 2), SECOND: ("required", 2), EXEMPT: ("optional", 2)}
    assert set(up.outputs["appliedIds"]) == {FIRST, SECOND, EXEMPT}
    assert up.outputs["report"]["notCompliant"] == [EXEMPT]
    assert stack.up().steps == {}


def test_wrong_arguments_are_reported_with_the_name_of_the_fleet(stack: Stack, cloud: LocalCloud) -> None:
    stack.write_program(MISTAKEN)
    stack.configure(aws_config(cloud))
    reported = errors(stack.preview(fails=True))
    assert 'FleetMetadata web: select["tag:Team"] must be a list of at least one string, got' in reported
    assert 'exclude[0] must be an instance ID ("i-" and 8 or 17 hexadecimal digits), got "web-1".' in reported
    assert 'on_destroy must be "retain" or "restore", got "keep".' in reported
    assert cloud.counts() == {}
