"""Every trouble in some of the operations: `python -m tests.faults` runs all of it."""

from __future__ import annotations

import pytest

from tests.faults.case import OPERATIONS, every_cell, run
from tests.faults.scenarios import TROUBLES, Trouble

CELLS_OF_EACH = 2


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_run_that_it_strikes_converges_or_says_why_not_and_the_next_one_repairs(trouble: Trouble) -> None:
    cells = [cell for cell in every_cell() if cell.trouble is trouble]
    # Others for each, so that all of them together meet every operation and every position.
    turn = TROUBLES.index(trouble) * len(OPERATIONS) // CELLS_OF_EACH
    chosen = {(turn + number * len(cells) // CELLS_OF_EACH) % len(cells) for number in range(CELLS_OF_EACH)}
    results = [run(cells[index]) for index in sorted(chosen)]
    assert [(str(each.cell), each.violations) for each in results if each.violations] == []


def test_the_matrix_is_as_large_as_promised() -> None:
    assert len(TROUBLES) >= 24
    assert len({trouble.name for trouble in TROUBLES}) == len(TROUBLES)
    assert {(cell.operation, cell.trouble.name) for cell in every_cell()} == {
        (operation, trouble.name) for operation in OPERATIONS for trouble in TROUBLES
    }
