"""When the engine dies during an operation: nothing more is sent, and the host exits."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import DESCRIBE, MODIFY, REGION, config, described, inputs, launch, target
from tests.support.dynamic_host import DynamicHost, OperationFailedError, in_background, until


@pytest.fixture
def mortal(cloud: LocalCloud) -> Iterator[DynamicHost]:
    """A host of its own, whose engine may die."""
    with DynamicHost.start(config(cloud)) as host:
        yield host


def test_a_wait_ends_and_the_host_exits(cloud: LocalCloud, mortal: DynamicHost) -> None:
    web = launch(cloud)
    cloud.settings(pending=600)
    options = mortal.provider(InstanceMetadataOptionsProvider())
    with in_background(lambda: options.create(inputs(web, httpTokens="required", timeoutSeconds=600))) as creating:
        until(lambda: cloud.calls(DESCRIBE) >= 3, "two describes after the modification")
        mortal.engine.die()
        assert mortal.ends_within(30)
        with pytest.raises((grpc.RpcError, OperationFailedError)):
            creating.result()
    assert cloud.calls(MODIFY) == 1


def test_nothing_follows_the_describe_during_which_the_engine_dies(cloud: LocalCloud, mortal: DynamicHost) -> None:
    new, old, other = launch(cloud), launch(cloud), launch(cloud)
    cloud.set_faults(Fault("delay", DESCRIBE, times=None, seconds=1))
    options = mortal.provider(InstanceMetadataOptionsProvider())
    barrier = mortal.provider(MetadataOptionsAppliedProvider())
    recorded = {**inputs(old, httpTokens="optional", onDestroy="restore"), "previous": {"httpTokens": "required"}}
    waiting = {"targets": {"it": target(other, "httpTokens=required", "a")}, "region": REGION, "timeoutSeconds": 20}
    with (
        in_background(lambda: options.create(inputs(new, httpTokens="required"))) as creating,
        in_background(lambda: options.delete(old, recorded)) as deleting,
        in_background(lambda: barrier.create(waiting)) as at_the_barrier,
    ):
        until(lambda: cloud.faults()[0]["matched"] != 0, "a describe")
        mortal.engine.die()
        assert mortal.ends_within(30)
        for operation in (creating, deleting, at_the_barrier):
            with pytest.raises((grpc.RpcError, OperationFailedError)):
                operation.result()
    assert cloud.calls(MODIFY) == 0
    assert len(described(cloud)) == len({frozenset(each) for each in described(cloud)}), (
        "the same ones were described again"
    )


def test_a_modification_is_not_sent_again_for_an_engine_that_is_gone(cloud: LocalCloud) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("error", MODIFY, code="RequestLimitExceeded", times=None))
    with DynamicHost.start(config(cloud, maxRetries="4")) as host:
        options = host.provider(InstanceMetadataOptionsProvider())
        with in_background(lambda: options.create(inputs(web, httpTokens="required"))) as creating:
            until(lambda: cloud.calls(MODIFY) >= 1, "the first attempt")
            host.engine.die()
            assert host.ends_within(30)
            with pytest.raises((grpc.RpcError, OperationFailedError)):
                creating.result()
    # One may have been sent before the death was noticed.
    assert cloud.calls(MODIFY) <= 2


def test_an_idle_host_exits_too(cloud: LocalCloud, mortal: DynamicHost) -> None:
    options = mortal.provider(InstanceMetadataOptionsProvider())
    assert options.check(inputs(launch(cloud), httpTokens="required")).failures == []
    mortal.engine.die()
    assert mortal.ends_within(30)


def test_a_host_that_runs_in_the_background_of_a_shell_exits_too(cloud: LocalCloud) -> None:
    with DynamicHost.start(config(cloud), ignores_interrupts=True) as host:
        options = host.provider(InstanceMetadataOptionsProvider())
        assert options.check(inputs(launch(cloud), httpTokens="required")).failures == []
        host.engine.die()
        assert host.ends_within(30)
