from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from imds_provider.host.run_state import RunState
from imds_provider.rules.options import OPTION_NAMES

WEB, API = "i-0123456789abcdef0", "i-0fedcba9876543210"
HERE, THERE = "eu-west-1", "us-east-1"


def test_what_resources_manage_of_an_instance_adds_up() -> None:
    run = RunState()
    run.manage(HERE, WEB, ["httpTokens"])
    run.manage(HERE, WEB, ["httpTokens", "httpPutResponseHopLimit"])
    assert run.managed(HERE, WEB) == {"httpTokens", "httpPutResponseHopLimit"}


def test_another_instance_or_region_is_managed_by_nobody() -> None:
    run = RunState()
    run.manage(HERE, WEB, ["httpTokens"])
    assert run.managed(HERE, API) == run.managed(THERE, WEB) == frozenset()


def test_to_ask_makes_nobody_an_owner() -> None:
    run = RunState()
    before = run.managed(HERE, WEB)
    run.manage(HERE, WEB, ["httpTokens"])
    assert before == frozenset()


def test_the_values_from_before_are_those_that_were_known_first() -> None:
    run = RunState()
    run.remember(HERE, WEB, {"httpTokens": "optional"})
    run.remember(HERE, WEB, {"httpTokens": "required", "httpPutResponseHopLimit": 1})
    assert run.before(HERE, WEB) == {"httpTokens": "optional", "httpPutResponseHopLimit": 1}
    assert run.before(HERE, API) == run.before(THERE, WEB) == {}


def test_a_resource_that_stays_on_an_instance_knows_best_what_was_there_before() -> None:
    run = RunState()
    run.remember(HERE, WEB, {"httpTokens": "optional"})
    run.remember(HERE, WEB, {"httpTokens": "required"}, stays=True)
    run.remember(HERE, WEB, {"httpTokens": "optional"})
    assert run.before(HERE, WEB) == {"httpTokens": "required"}


def test_what_was_given_is_nobody_elses_to_change() -> None:
    run = RunState()
    run.remember(HERE, WEB, {"httpTokens": "optional"})
    dict(run.before(HERE, WEB)).clear()
    assert run.before(HERE, WEB) == {"httpTokens": "optional"}


def test_what_becomes_of_an_instance_is_said_once() -> None:
    run = RunState()
    assert [run.report_once(HERE, WEB) for _ in range(3)] == [True, False, False]
    assert run.report_once(HERE, API)
    assert run.report_once(THERE, WEB)


def test_threads_that_manage_one_instance_lose_nothing() -> None:
    run = RunState()
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: run.report_once(HERE, WEB), range(200)))
        list(threads.map(lambda number: run.manage(HERE, WEB, [OPTION_NAMES[number % 5]]), range(200)))
    assert sum(said) == 1
    assert run.managed(HERE, WEB) == set(OPTION_NAMES)
