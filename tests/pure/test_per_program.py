"""What belongs to one run of a program is made once for it, and goes when it goes."""

from __future__ import annotations

import contextvars
import gc
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pulumi
import pytest
from pulumi.runtime.settings import SETTINGS

from imds_provider.program.per_program import PerProgram


class Value:
    """Something of a program, which may refer back to the program."""

    program: object = None


def as_program(monitor: object, run: Callable[[], Value]) -> Value:
    """Call the function as the program with this connection to the engine does."""

    def program() -> Value:
        SETTINGS.monitor = monitor
        return run()

    return contextvars.copy_context().run(program)


def test_each_program_has_a_value_of_its_own_and_only_one() -> None:
    values, others = PerProgram(Value), PerProgram(Value)
    one, two = SimpleNamespace(), SimpleNamespace()
    first, again, second = (as_program(each, values.get) for each in (one, one, two))
    assert first is again
    assert first is not second
    assert as_program(one, others.get) is not first


def test_programs_in_threads_do_not_share_values() -> None:
    values = PerProgram(Value)
    monitors = [SimpleNamespace() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda each: as_program(each, values.get), monitors * 20))
    assert len(set(found)) == len(monitors)
    assert found[: len(monitors)] * 20 == found


def test_a_value_that_refers_to_its_program_is_freed_with_it() -> None:
    values = PerProgram(Value)
    monitor = SimpleNamespace()
    value = as_program(monitor, values.get)
    value.program = monitor
    gone = weakref.ref(value)
    # Pulumi keeps the last connection.
    as_program(SimpleNamespace(), values.get)
    del value, monitor
    gc.collect()
    assert gone() is None


def test_a_value_that_cannot_be_made_is_tried_again() -> None:
    problems = [ValueError("no")]

    def make() -> Value:
        if problems:
            raise problems.pop()
        return Value()

    values, monitor = PerProgram(make), SimpleNamespace()
    with pytest.raises(ValueError, match="no"):
        as_program(monitor, values.get)
    assert as_program(monitor, values.get) is as_program(monitor, values.get)


def test_a_value_that_is_given_takes_the_place_of_one_that_is_made() -> None:
    values, given = PerProgram(Value), Value()
    one, two = SimpleNamespace(), SimpleNamespace()

    def give() -> Value:
        values.set(given)
        return values.get()

    assert as_program(one, give) is as_program(one, values.get) is given
    assert as_program(two, values.get) is not given


def test_outside_a_program_there_is_no_value() -> None:
    with pytest.raises(pulumi.RunError, match=r"^no Pulumi program is running: use `pulumi`"):
        as_program(None, PerProgram(Value).get)
