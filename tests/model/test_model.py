"""Random sequences against what must hold: `python -m tests.model` takes as many steps as one likes."""

from __future__ import annotations

from tests.model.search import search

STEPS = 20_000
SEED = 0


def test_whatever_happens_in_any_order_what_must_hold_does() -> None:
    found = search(STEPS, SEED)
    assert found.violated is None, found.violated.text
    assert found.steps >= STEPS
