"""Create, through the real dynamic host, when the instance or EC2 is not as it should be."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from localcloud.client import LocalCloud
from localcloud.faults import Fault
from tests.host.instances import DESCRIBE, MODIFY, REGION, inputs, launch, new_id, run, sent
from tests.support.dynamic_host import DynamicHost, OperationFailedError, ProviderClient, in_background, until


def fails(options: ProviderClient, instance_id: str, **given: object) -> str:
    """The sentence that a create for these inputs ends with."""
    with pytest.raises(OperationFailedError) as caught:
        options.create(inputs(instance_id, **{"httpTokens": "required", **given}))
    return caught.value.sentence


def unfinished(options: ProviderClient, instance_id: str, **given: object) -> str:
    """What a create that cannot be seen through records, so that the program fails with it."""
    outputs = options.create(inputs(instance_id, **{"httpTokens": "required", **given})).outputs
    assert outputs["previous"] == {"httpTokens": "optional"}
    return str(outputs["unfinished"])


def calls(cloud: LocalCloud, action: str, instance_id: str) -> int:
    """How often EC2 was asked of this instance: of others an earlier test may have left a question under way."""
    return sum(instance_id in call["instance_ids"] for call in cloud.log(action))


def test_an_id_that_ec2_does_not_know_in_the_region_is_an_error_after_a_grace_period(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    unknown, elsewhere = new_id(), launch(cloud, region="us-east-1")
    with in_background(lambda: fails(options, unknown)) as first, in_background(lambda: fails(options, elsewhere)):
        assert fails(options, elsewhere) == (
            f"{elsewhere} does not exist in {REGION}: check the ID, the region and the account, "
            "or run `pulumi refresh` if the program launched it and it was terminated."
        )
        assert first.result().startswith(f"{unknown} does not exist in {REGION}: ")
    assert sent(cloud) == []


def test_an_instance_launched_a_moment_ago_is_waited_for(cloud: LocalCloud, options: ProviderClient) -> None:
    cloud.settings(appear=60)
    web = run(cloud)
    with in_background(lambda: options.create(inputs(web, httpTokens="required"))) as creating:
        until(lambda: calls(cloud, DESCRIBE, web) >= 2, "a second describe")
        assert not creating.done()
        cloud.advance(60)
        assert creating.result().outputs["httpTokens"] == "required"
    assert calls(cloud, MODIFY, web) == 1


def test_a_modification_of_an_instance_that_ec2_does_not_find_yet_is_retried(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("error", MODIFY, code="InvalidInstanceID.NotFound"))
    assert options.create(inputs(web, httpTokens="required")).outputs["httpTokens"] == "required"
    assert calls(cloud, MODIFY, web) == 2


@pytest.mark.parametrize("state", ["terminated", "shutting-down"])
def test_a_terminated_instance_fails_at_once_and_is_sent_nothing(
    state: str, cloud: LocalCloud, host: DynamicHost, options: ProviderClient
) -> None:
    web = launch(cloud, state=state)
    started = time.monotonic()
    sentence = fails(options, web)
    assert time.monotonic() - started < 2
    assert sentence.startswith(f"{web} is {state}: its metadata options can no longer be changed. ")
    assert (calls(cloud, MODIFY, web), calls(cloud, DESCRIBE, web)) == (0, 1)
    assert host.engine.messages("ERROR") == [sentence]


@pytest.mark.parametrize(("nth", "ends"), [(1, fails), (3, unfinished)])
def test_an_instance_terminated_during_the_wait_fails_at_once(
    nth: int, ends: Callable[[ProviderClient, str], str], cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud)
    cloud.settings(pending=600)
    cloud.set_faults(Fault("terminate", DESCRIBE, instance=web, nth=nth, after=True))
    started = time.monotonic()
    sentence = ends(options, web)
    assert time.monotonic() - started < 4
    assert web in sentence
    assert calls(cloud, MODIFY, web) == 1


def test_a_stale_describe_that_is_applied_is_not_taken_as_applied(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.settings(pending=30, stale=60)
    with in_background(lambda: options.create(inputs(web, httpTokens="required"))) as creating:
        for seconds in (0, 50, 35):  # shown: the old options as applied, the same, the new ones as pending
            cloud.advance(seconds)
            seen = calls(cloud, DESCRIBE, web)
            until(lambda seen=seen: calls(cloud, DESCRIBE, web) >= seen + 2, "another describe")  # type: ignore[misc]  # bound now
            assert not creating.done()
        cloud.advance(30)
        assert creating.result().outputs["state"] == "applied"
    assert calls(cloud, MODIFY, web) == 1


def test_what_is_never_applied_ends_at_the_deadline_with_what_to_do(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.settings(pending=600)
    started = time.monotonic()
    sentence = unfinished(options, web, timeoutSeconds=1)
    assert 1 <= time.monotonic() - started < 6
    assert sentence == (
        f"{web} did not reach httpTokens=required within 1 s; last seen: httpTokens=required httpPutResponseHopLimit=1 "
        "httpEndpoint=enabled httpProtocolIpv6=disabled instanceMetadataTags=disabled (state pending, instance "
        "running). Run the same command again to go on waiting; a larger timeoutSeconds helps only if EC2 is slow."
    )


@pytest.mark.parametrize(("action", "ends"), [(DESCRIBE, fails), (MODIFY, unfinished)])
def test_an_ec2_that_hangs_is_waited_for_until_the_deadline_and_sent_nothing_after_it(
    action: str, ends: Callable[..., str], cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("delay", action, instance=web, seconds=2))
    sentence = ends(options, web, timeoutSeconds=1)
    assert calls(cloud, action, web) == 0
    assert web in sentence
    assert "again" in sentence
    until(lambda: calls(cloud, action, web) == 1, "the answer that came too late")
    assert calls(cloud, MODIFY, web) == (1 if action == MODIFY else 0)


@pytest.mark.parametrize("effect", ["drop", "truncate", "error"])
def test_after_a_lost_answer_a_describe_decides(effect: str, cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    # One more is sent by botocore; what is lost every time is never seen to have worked but for a describe.
    lost = {"drop": Fault("drop", MODIFY, times=None, after=True), "truncate": Fault("truncate", MODIFY, times=None)}
    cloud.set_faults(lost.get(effect, Fault("error", MODIFY, times=None, after=True, code="InternalError")))
    outputs = options.create(inputs(web, httpTokens="required")).outputs
    assert (outputs["httpTokens"], outputs["previous"]) == ("required", {"httpTokens": "optional"})
    assert calls(cloud, MODIFY, web) <= 2


def test_a_change_that_is_never_carried_out_ends_with_an_unknown_outcome(
    cloud: LocalCloud, options: ProviderClient
) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("error", MODIFY, times=None, code="InternalError"))
    sentence = unfinished(options, web, timeoutSeconds=3)
    assert sentence.startswith(f"{web}: {MODIFY} in {REGION} failed inside EC2 (InternalError); run again.")
    assert cloud.instance(web)["options"]["HttpTokens"] == "optional"


def test_a_change_that_every_describe_shows_without_effect_fails(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("error", MODIFY, times=None, code="InternalError"))
    assert (
        fails(options, web, timeoutSeconds=60)
        == f"{web}: {MODIFY} in {REGION} failed inside EC2 (InternalError); run again."
    )


def test_brief_throttling_is_retried(cloud: LocalCloud, options: ProviderClient) -> None:
    web = launch(cloud)
    cloud.set_faults(Fault("error", MODIFY, code="RequestLimitExceeded"))
    assert options.create(inputs(web, httpTokens="required")).outputs["httpTokens"] == "required"
    assert calls(cloud, MODIFY, web) == 2
