"""Instances that move from one owner to another: nothing is loosened or restored that the new owner manages."""

from __future__ import annotations

from localcloud.client import LocalCloud
from tests.e2e.fleet import modifications
from tests.e2e.programs import FROM_BEFORE, MANAGED, ids, options, previous, program, seeded, warned_of
from tests.support.engine import Stack

ALL = ids(21)
KEY, COMPONENT, STAYS, OTHER, MOVED, KEPT, TAKEN, LEFT, OUT, FIRST, SECOND = ALL[:11]
ROW, DIRECT, A, B, C, D, TWICE, HALF, NO_HOPS, NO_TOKENS = ALL[11:]

BEFORE = f"""
attached("key", {{"web": "{KEY}"}})
attached("old", {{"web": "{COMPONENT}"}})
attached("from", {{"stays": "{STAYS}", "web": "{MOVED}"}})
attached("to", {{"own": "{OTHER}"}})
attached("single", {{"stays": "{KEPT}", "web": "{TAKEN}"}})
fleet("left", ["{LEFT}", "{OUT}"])
fleet("web", ["{FIRST}", "{SECOND}"])
attached("row", {{"web": "{ROW}"}})
direct("direct", "{DIRECT}")
attached("all", {{"a": "{A}", "b": "{B}"}})
attached("c", {{"c": "{C}"}})
attached("d", {{"d": "{D}"}})
attached("one", {{"web": "{TWICE}"}})
attached("two", {{"web": "{TWICE}"}})
attached("both", {{"web": "{HALF}"}})
attached("half", {{"web": "{HALF}"}}, http_put_response_hop_limit=None)
attached("tokens", {{"x": "{NO_HOPS}", "y": "{NO_TOKENS}"}}, http_put_response_hop_limit=None)
attached("hops", {{"x": "{NO_HOPS}", "y": "{NO_TOKENS}"}}, http_tokens=None)
"""
AFTER = f"""
attached("key", {{"frontend": "{KEY}"}})
attached("renamed", {{"web": "{COMPONENT}"}})
attached("from", {{"stays": "{STAYS}"}})
attached("to", {{"own": "{OTHER}", "web": "{MOVED}"}})
attached("single", {{"stays": "{KEPT}"}})
fleet("taken", ["{TAKEN}"])
fleet("left", ["{LEFT}"])
attached("out", {{"web": "{OUT}"}})
fleet("www", ["{FIRST}", "{SECOND}"])
direct("row-now", "{ROW}")
attached("direct-now", {{"web": "{DIRECT}"}})
attached("just-a", {{"a": "{A}"}})
attached("just-b", {{"b": "{B}"}})
attached("c-and-d", {{"c": "{C}", "d": "{D}"}})
attached("one", {{"web": "{TWICE}"}})
attached("half", {{"web": "{HALF}"}}, http_put_response_hop_limit=None)
attached("tokens", {{"x": "{NO_HOPS}"}}, http_put_response_hop_limit=None)
attached("hops", {{"y": "{NO_TOKENS}"}}, http_tokens=None)
"""

LOST = {KEY, COMPONENT, MOVED, TAKEN, OUT, FIRST, SECOND, ROW, DIRECT, A, B, C, D}
"""The instances that get a new resource, which does not have the values from before."""
LOST_IN_PREVIEW = {KEY, MOVED, TAKEN, OUT}
"""Those of them whose component stays: in a preview Pulumi shows the provider nothing of other components."""
HOPS_RESTORED = {HALF, NO_HOPS}
"""The instances whose hop limit is no longer managed, though their tokens still are."""
HOPS_RESTORED_IN_PREVIEW = {NO_HOPS}


def test_moving_an_instance_loosens_nothing_and_lost_previous_values_are_reported_once(
    stack: Stack, cloud: LocalCloud
) -> None:
    seeded(stack, cloud, *ALL)
    program(stack, BEFORE)
    assert stack.up().messages("warning") == []
    assert set(options(cloud, *ALL).values()) == {("required", 2)}
    assert [each for each in previous(stack).values() if not each.items() <= FROM_BEFORE.items()] == []
    cloud.reset()

    program(stack, AFTER)
    preview = stack.preview()
    assert modifications(cloud) == {}
    assert {each for each in LOST if warned_of(preview, each)} == LOST_IN_PREVIEW

    up = stack.up()
    assert modifications(cloud) == {
        each: {"HttpTokens": "required", "HttpPutResponseHopLimit": "1", "HttpEndpoint": "enabled"}
        for each in HOPS_RESTORED
    }
    found = options(cloud, *ALL)
    assert {each for each in ALL if found[each] != ("required", 2)} == HOPS_RESTORED
    assert {found[each] for each in HOPS_RESTORED} == {("required", 1)}
    for run, lost, restored in ((preview, LOST_IN_PREVIEW, HOPS_RESTORED_IN_PREVIEW), (up, LOST, HOPS_RESTORED)):
        for each in lost:
            (warning,) = warned_of(run, each)
            assert "previous values are lost" in warning
            assert "To keep them, declare the rename in `aliases`." in warning
        for each in restored:
            (warning,) = warned_of(run, each)
            assert "sets httpPutResponseHopLimit=1 on 1." in warning
        (warning,) = warned_of(run, NO_TOKENS)
        assert "keeps httpTokens=required" in warning
        assert not any(warned_of(run, each) for each in (STAYS, OTHER, KEPT, LEFT, TWICE))

    recorded = previous(stack)
    assert recorded["one-web"] == recorded["left-" + LEFT] == FROM_BEFORE, "it had the values from before itself"
    assert recorded["key-frontend"] == recorded["row-now"] == recorded["www-" + FIRST] == MANAGED
    assert stack.preview().steps == {}


def test_a_refresh_in_the_same_run_hands_over_the_values_from_before(stack: Stack, cloud: LocalCloud) -> None:
    seeded(stack, cloud, KEY, COMPONENT)
    program(stack, f'attached("key", {{"web": "{KEY}"}})', f'attached("old", {{"web": "{COMPONENT}"}})')
    stack.up()
    modifications(cloud)

    program(stack, f'attached("key", {{"frontend": "{KEY}"}})', f'fleet("renamed", ["{COMPONENT}"])')
    up = stack.up(refresh=True)
    assert up.messages("warning") == []
    assert modifications(cloud) == {}
    assert previous(stack) == {"key-frontend": FROM_BEFORE, f"renamed-{COMPONENT}": FROM_BEFORE}
    assert stack.preview().steps == {}
