"""When an instance is marked as changed: the memory of a rollout, which each resource keeps for itself."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imds_provider.rules.options import Options
from imds_provider.rules.resource_state import mark_of, refreshed_target
from imds_provider.rules.target import Target, mark
from tests.pure.bags import WEB
from tests.support.fakes import LAX, observe

NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
BEFORE = NOW - timedelta(days=3)
STRICT: Options = {**LAX, "httpTokens": "required"}
TOKENS = st.sampled_from(["optional", "required"])


def recorded(change: str = "", tokens: str | None = "required") -> dict[str, object]:
    """What is recorded of an instance that is to require tokens, and was last seen with these."""
    target = str(Target(WEB, {"httpTokens": "required"}, change))
    return {"target": target, **({} if tokens is None else {"httpTokens": tokens})}


def marked(state: dict[str, object], before: Options, after: Options, *, changed: bool) -> str:
    return mark_of("c0ffee", NOW, state, before, after, changed=changed)


REQUIRED_NOW, CHANGED_NOW = mark("c0ffee", NOW, NOW), mark("c0ffee", NOW)
REQUIRED_BEFORE, CHANGED_BEFORE = mark("0ddba11", BEFORE, BEFORE), mark("0ddba11", BEFORE)
OF_020 = f"{CHANGED_BEFORE}-wave-2"


@pytest.mark.parametrize(
    ("state", "before", "after", "changed", "expected"),
    [
        pytest.param({}, LAX, STRICT, True, REQUIRED_NOW, id="tokens become required"),
        pytest.param({}, STRICT, STRICT, False, "", id="they were so from the start"),
        pytest.param({}, STRICT, STRICT, True, CHANGED_NOW, id="something else is changed"),
        pytest.param({}, LAX, LAX, True, CHANGED_NOW, id="something else is changed, tokens stay optional"),
        pytest.param(recorded(REQUIRED_BEFORE), STRICT, STRICT, False, REQUIRED_BEFORE, id="nothing is changed again"),
        pytest.param(
            recorded(REQUIRED_BEFORE),
            STRICT,
            STRICT,
            True,
            mark("c0ffee", NOW, BEFORE),
            id="something else is changed later, which forgets nothing",
        ),
        pytest.param(
            recorded(OF_020), STRICT, STRICT, True, mark("c0ffee", NOW, BEFORE), id="also not of what 0.2.0 changed"
        ),
        pytest.param(recorded(REQUIRED_BEFORE), LAX, STRICT, True, REQUIRED_NOW, id="required again after a drift"),
        pytest.param(recorded(REQUIRED_BEFORE), STRICT, LAX, True, f"{CHANGED_NOW}-loosened", id="loosened"),
        pytest.param(recorded(OF_020), STRICT, STRICT, False, OF_020, id="an old mark stays"),
        pytest.param(recorded(tokens="optional"), STRICT, STRICT, False, REQUIRED_NOW, id="a killed run required them"),
        pytest.param(
            recorded(CHANGED_BEFORE, "optional"), STRICT, STRICT, False, REQUIRED_NOW, id="a killed run after another"
        ),
        pytest.param(recorded(tokens="optional"), LAX, LAX, False, "", id="still optional, and nothing was changed"),
    ],
)
def test_a_change_is_marked_once_with_when_tokens_became_required(
    state: dict[str, object], before: Options, after: Options, expected: str, *, changed: bool
) -> None:
    assert marked(state, before, after, changed=changed) == expected


@given(
    change=st.sampled_from(["", "first", CHANGED_BEFORE, REQUIRED_BEFORE, OF_020]),
    tokens=st.sampled_from([None, "optional", "required"]),
    before=TOKENS,
    after=TOKENS,
    changed=st.booleans(),
)
def test_a_requirement_is_forgotten_only_where_tokens_are_optional_again(
    change: str, tokens: str | None, before: str, after: str, *, changed: bool
) -> None:
    wanted: Options = {"httpTokens": "required"}
    old = Target(WEB, wanted, change)
    found = marked(recorded(change, tokens), {"httpTokens": before}, {"httpTokens": after}, changed=changed)
    new = Target(WEB, wanted, found)
    if after == "required" and "optional" in (before, tokens):
        assert (new.changed_at, new.required_at) == (NOW, NOW)
    elif not changed:
        assert found == change
    else:
        loosened = (before, after) == ("required", "optional")
        assert new.changed_at == (None if loosened else NOW), "a change that loosens can hurt nobody"
        assert new.required_at == (old.required_at if after == "required" else None)


@pytest.mark.parametrize(
    ("tokens", "seen", "expected"),
    [("optional", "required", NOW), ("required", "required", None), ("optional", "optional", None)],
)
def test_a_refresh_marks_what_a_killed_run_may_have_required(tokens: str, seen: str, expected: datetime | None) -> None:
    state = {"target": str(Target(WEB, {"httpTokens": "required"})), "httpTokens": tokens}
    bag = refreshed_target(state, observe(WEB, {"httpTokens": seen}), "c0ffee", NOW)
    target = Target.parse(bag["target"])
    assert target is not None
    assert target.required_at == expected


def test_a_refresh_marks_nothing_where_tokens_are_not_managed() -> None:
    state = {"target": str(Target(WEB, {"httpPutResponseHopLimit": 2})), "httpTokens": "optional"}
    assert refreshed_target(state, observe(WEB, {"httpTokens": "required"}), "c0ffee", NOW) == {}
