from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from imds_provider.host.run_state import RunState
from imds_provider.rules.options import OPTION_NAMES

WEB, API = ("eu-west-1", "i-0123456789abcdef0"), ("eu-west-1", "i-0fedcba9876543210")
WEB_ABROAD = ("us-east-1", WEB[1])


def test_what_resources_manage_of_an_instance_adds_up() -> None:
    run = RunState()
    run.manage(WEB, ["httpTokens"])
    run.manage(WEB, ["httpTokens", "httpPutResponseHopLimit"])
    assert run.managed(WEB) == {"httpTokens", "httpPutResponseHopLimit"}


def test_another_instance_or_region_is_managed_by_nobody() -> None:
    run = RunState()
    run.manage(WEB, ["httpTokens"])
    assert run.managed(API) == run.managed(WEB_ABROAD) == frozenset()


def test_a_question_does_not_make_an_instance_managed() -> None:
    run = RunState()
    before = run.managed(WEB)
    run.manage(WEB, ["httpTokens"])
    assert before == frozenset()


def test_the_values_from_before_are_those_that_were_known_first() -> None:
    run = RunState()
    run.remember(WEB, {"httpTokens": "optional"})
    run.remember(WEB, {"httpTokens": "required", "httpPutResponseHopLimit": 1})
    assert run.before(WEB) == {"httpTokens": "optional", "httpPutResponseHopLimit": 1}
    assert run.before(API) == run.before(WEB_ABROAD) == {}


def test_the_previous_values_of_a_resource_that_stays_win() -> None:
    run = RunState()
    run.remember(WEB, {"httpTokens": "optional"})
    run.remember(WEB, {"httpTokens": "required"}, stays=True)
    run.remember(WEB, {"httpTokens": "optional"})
    assert run.before(WEB) == {"httpTokens": "required"}


def test_previous_values_are_returned_as_a_copy() -> None:
    run = RunState()
    run.remember(WEB, {"httpTokens": "optional"})
    dict(run.before(WEB)).clear()
    assert run.before(WEB) == {"httpTokens": "optional"}


def test_an_instance_is_reported_once() -> None:
    run = RunState()
    assert [run.report_once(WEB) for _ in range(3)] == [True, False, False]
    assert run.report_once(API)
    assert run.report_once(WEB_ABROAD)


def test_threads_that_manage_one_instance_lose_nothing() -> None:
    run = RunState()
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: run.report_once(WEB), range(200)))
        list(threads.map(lambda number: run.manage(WEB, [OPTION_NAMES[number % 5]]), range(200)))
    assert sum(said) == 1
    assert run.managed(WEB) == set(OPTION_NAMES)
