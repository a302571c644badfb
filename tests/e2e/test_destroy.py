"""What is left on the instances when a stack is destroyed."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import API, CACHE, WEB, instance, managing, modifications
from tests.support.engine import Stack

RESTORING = """
from imds_components import InstanceMetadata, stack_config
from imds_provider.options import as_arguments

settings = stack_config.load()
InstanceMetadata("instances", instances=settings.instances, on_destroy="restore", **as_arguments(settings.options))
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


def test_destroy_restores_what_was_there_before_where_the_program_asks_for_it(stack: Stack, cloud: LocalCloud) -> None:
    stack.write_program(RESTORING)
    cloud.seed(
        [
            instance(WEB, {"HttpPutResponseHopLimit": 64}),
            instance(API, {"HttpTokens": "required", "HttpPutResponseHopLimit": 2}),
            instance(CACHE),
        ]
    )
    three = {"web": WEB, "api": API, "cache": CACHE}
    stack.configure(managing(cloud, three, httpTokens="required", httpPutResponseHopLimit=2))
    stack.up()
    modifications(cloud)
    cloud.change(WEB, {"options": {"InstanceMetadataTags": "enabled"}})
    cloud.vanish(CACHE)

    stack.destroy()
    assert modifications(cloud) == {
        WEB: {"HttpTokens": "optional", "HttpPutResponseHopLimit": "64", "HttpEndpoint": "enabled"}
    }
    assert cloud.instance(WEB)["options"]["InstanceMetadataTags"] == "enabled", "not managed, so never put back"
    assert stack.resources() == {}
