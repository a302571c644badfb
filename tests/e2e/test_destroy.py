"""The options of instances after a stack is destroyed."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, CACHE, DATABASE, WEB, instance, managing, modifications
from tests.support.engine import Stack

LAB = DATABASE
RESTORING = f"""
from imds_components import InstanceMetadata, stack_config
from imds_provider.rules.options import as_arguments

settings = stack_config.load()
options = as_arguments(settings.options)
InstanceMetadata("instances", instances=settings.instances, on_destroy="restore", **options)
InstanceMetadata("lab", instances=["{LAB}"], on_destroy="restore", allow_downgrade="a lab", **options)
"""


def test_destroy_leaves_the_options_as_they_are(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB), instance(API)])
    stack.configure(managing(cloud, {"web": WEB, "api": API}, httpTokens="required"))
    stack.up()
    modifications(cloud)

    stack.destroy()
    assert cloud.counts() == {}
    assert cloud.instance(WEB)["options"]["HttpTokens"] == "required"
    assert stack.resources() == {}


def test_destroy_restores_the_values_from_before_but_loosens_only_with_a_reason(
    stack: Stack, cloud: LocalCloud
) -> None:
    stack.write_program(RESTORING)
    cloud.seed(
        [
            instance(WEB, {"HttpPutResponseHopLimit": 64}),
            instance(API, {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}),
            instance(CACHE),
            instance(LAB),
        ]
    )
    three = {"web": WEB, "api": API, "cache": CACHE}
    stack.configure(managing(cloud, three, httpTokens="required", httpPutResponseHopLimit=2))
    stack.up()
    modifications(cloud)
    cloud.change(WEB, {"options": {"InstanceMetadataTags": "enabled"}})
    cloud.vanish(CACHE)

    destroy = stack.destroy()
    assert modifications(cloud) == {
        WEB: {"HttpTokens": "required", "HttpPutResponseHopLimit": "64", "HttpEndpoint": "enabled"},
        LAB: {"HttpTokens": "optional", "HttpPutResponseHopLimit": "1", "HttpEndpoint": "enabled"},
    }
    (warning,) = (each for each in destroy.messages("warning") if WEB in each)
    assert "keeps httpTokens=required on 2" in warning
    assert "gives no reason to loosen it" in warning
    assert cloud.instance(WEB)["options"]["InstanceMetadataTags"] == "enabled", "not managed, so never put back"
    assert stack.resources() == {}


def test_a_destroy_uses_the_settings_that_were_recorded_last(stack: Stack, cloud: LocalCloud) -> None:
    cloud.seed([instance(WEB)])
    stack.configure(managing(cloud, {}))
    for given in ("", ', on_destroy="restore", allow_downgrade="a lab"'):
        stack.write_program(
            "from imds_components import InstanceMetadata\n"
            f'InstanceMetadata("lab", instances=["{WEB}"], http_tokens="required"{given})\n'
        )
        stack.up()
    assert stack.preview().steps == {}
    modifications(cloud)

    destroy = stack.destroy()
    assert modifications(cloud) == {WEB: {"HttpTokens": "optional", "HttpEndpoint": "enabled"}}
    reported = "\n".join([*destroy.messages("info"), *destroy.messages("warning")])
    assert reported == (
        f"InstanceMetadata lab releases 1 of 1 instance: {WEB}.\n  onDestroy: restore sets httpTokens=optional on 1."
    )
