"""The change that is recorded of an instance: the memory of a rollout is in each resource."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_provider.rules.options import Options
from imds_provider.rules.resource_state import last_change, refreshed_target
from imds_provider.rules.target import Change, Target
from tests.pure.bags import WEB
from tests.support.fakes import LAX, observe

NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
BEFORE = NOW - timedelta(days=3)
STRICT: Options = {**LAX, "httpTokens": "required"}
TOKENS = st.sampled_from(["optional", "required"])


def recorded(change: Change | None = None, tokens: str | None = "required") -> dict[str, object]:
    """The outputs of an instance that must require tokens, and was last seen with these."""
    target = str(Target(WEB, {"httpTokens": "required"}, change))
    return {"target": target, **({} if tokens is None else {"httpTokens": tokens})}


def change_after(state: dict[str, object], before: Options, after: Options, *, changed: bool) -> Change | None:
    return last_change("c0ffee", NOW, state, before, after, changed=changed)


REQUIRED_NOW, CHANGED_NOW = Change("c0ffee", NOW, NOW), Change("c0ffee", NOW)
REQUIRED_BEFORE, CHANGED_BEFORE = Change("0ddba11", BEFORE, BEFORE), Change("0ddba11", BEFORE)
CHANGED_AGAIN = Change("c0ffee", NOW, BEFORE)
LOOSENED = Change("c0ffee")
OF_020 = {**recorded(), "target": f"{WEB} httpTokens=required change=0ddba11-20261122T120000Z-wave-2"}


@pytest.mark.parametrize(
    ("state", "before", "after", "changed", "expected"),
    [
        pytest.param({}, LAX, STRICT, True, REQUIRED_NOW, id="tokens become required"),
        pytest.param({}, STRICT, STRICT, False, None, id="they were so from the start"),
        pytest.param({}, STRICT, STRICT, True, CHANGED_NOW, id="something else is changed"),
        pytest.param({}, LAX, LAX, True, CHANGED_NOW, id="something else is changed, tokens stay optional"),
        pytest.param(recorded(REQUIRED_BEFORE), STRICT, STRICT, False, REQUIRED_BEFORE, id="nothing is changed again"),
        pytest.param(
            recorded(REQUIRED_BEFORE), STRICT, STRICT, True, CHANGED_AGAIN, id="the requirement is remembered"
        ),
        pytest.param(OF_020, STRICT, STRICT, True, CHANGED_AGAIN, id="also that of 0.2.0"),
        pytest.param(recorded(REQUIRED_BEFORE), LAX, STRICT, True, REQUIRED_NOW, id="required again after a drift"),
        pytest.param(recorded(REQUIRED_BEFORE), STRICT, LAX, True, LOOSENED, id="loosened"),
        pytest.param(
            recorded(REQUIRED_BEFORE),
            {**STRICT, "httpEndpoint": "disabled"},
            STRICT,
            True,
            Change("c0ffee", None, BEFORE),
            id="loosened with tokens that stay required",
        ),
        pytest.param(OF_020, STRICT, STRICT, False, REQUIRED_BEFORE, id="the change of 0.2.0 stays"),
        pytest.param(recorded(tokens="optional"), STRICT, STRICT, False, REQUIRED_NOW, id="a killed run required them"),
        pytest.param(
            recorded(CHANGED_BEFORE, "optional"), STRICT, STRICT, False, REQUIRED_NOW, id="a killed run after another"
        ),
        pytest.param(recorded(tokens="optional"), LAX, LAX, False, None, id="still optional, and nothing was changed"),
    ],
)
def test_a_change_is_recorded_with_when_tokens_became_required(
    state: dict[str, object], before: Options, after: Options, expected: Change | None, *, changed: bool
) -> None:
    assert change_after(state, before, after, changed=changed) == expected


@given(
    change=st.sampled_from([None, Change("first"), CHANGED_BEFORE, REQUIRED_BEFORE]),
    tokens=st.sampled_from([None, "optional", "required"]),
    before=TOKENS,
    after=TOKENS,
    changed=st.booleans(),
)
def test_a_requirement_is_forgotten_only_where_tokens_are_optional_again(
    change: Change | None, tokens: str | None, before: str, after: str, *, changed: bool
) -> None:
    found = change_after(recorded(change, tokens), {"httpTokens": before}, {"httpTokens": after}, changed=changed)
    if after == "required" and "optional" in (before, tokens):
        assert found == REQUIRED_NOW
    elif not changed:
        assert found == change
    else:
        loosened = (before, after) == ("required", "optional")
        assert found is not None
        assert found.at == (None if loosened else NOW), "a change that loosens cannot break a workload"
        assert found.required_at == (change.required_at if change and after == "required" else None)


@given(
    change=st.sampled_from([None, Change("first"), CHANGED_BEFORE, REQUIRED_BEFORE]),
    before=st.sampled_from([LAX, STRICT, {**STRICT, "httpEndpoint": "disabled"}]),
    after=st.sampled_from([LAX, STRICT]),
)
def test_a_barrier_sees_another_target_after_each_change(
    change: Change | None, before: Options, after: Options
) -> None:
    found = change_after(recorded(change), before, after, changed=True)
    assert str(Target(WEB, STRICT, found)) != str(Target(WEB, STRICT, change))
    assert found != change


@pytest.mark.parametrize(
    ("tokens", "seen", "expected"),
    [("optional", "required", REQUIRED_NOW), ("required", "required", None), ("optional", "optional", None)],
)
def test_a_refresh_records_what_a_killed_run_may_have_required(tokens: str, seen: str, expected: Change | None) -> None:
    found = refreshed_target(recorded(tokens=tokens), observe(WEB, {"httpTokens": seen}), "c0ffee", NOW)
    assert found == ({"target": str(Target(WEB, {"httpTokens": "required"}, expected))} if expected else {})


def test_a_refresh_leaves_the_target_of_an_older_release_as_it_is_written() -> None:
    assert refreshed_target(OF_020, observe(WEB, STRICT), "c0ffee", NOW) == {}


def test_a_refresh_records_nothing_where_tokens_are_not_managed() -> None:
    state = {"target": str(Target(WEB, {"httpPutResponseHopLimit": 2})), "httpTokens": "optional"}
    assert refreshed_target(state, observe(WEB, {"httpTokens": "required"}), "c0ffee", NOW) == {}
