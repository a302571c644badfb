"""A stack in this process, without the engine: its state, and the operations that each run carries out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from imds_provider.instance_metadata_options import InstanceMetadataOptionsProvider
from imds_provider.metadata_options_applied import MetadataOptionsAppliedProvider
from imds_provider.rules.options import Options
from tests.support.attempts import Attempts, Run, UnfinishedError
from tests.support.engine_values import Bag, from_engine
from tests.support.provider_run import REGION, JumpingEngine

T = TypeVar("T")

BARRIER = "barrier"
PROVIDER = InstanceMetadataOptionsProvider()
BARRIER_PROVIDER = MetadataOptionsAppliedProvider()


class Declared(Protocol):
    """A resource of a program."""

    @property
    def name(self) -> str: ...

    @property
    def aliases(self) -> tuple[str, ...]: ...

    def inputs(self, timeout: float) -> Bag: ...


class AnyProgram(Protocol):
    """The resources of a program, all of one type but for the barriers."""

    @property
    def rows(self) -> Sequence[Declared]: ...

    @property
    def timeout(self) -> float: ...

    @property
    def names(self) -> frozenset[str]: ...

    @property
    def barriers(self) -> Mapping[str, Sequence[Declared]]: ...


@dataclass(frozen=True)
class Row:
    """One ``InstanceMetadataOptions`` of a program."""

    name: str
    instance_id: str
    wanted: Options
    wait: bool = False
    on_destroy: str = "retain"
    region: str = REGION
    allow_downgrade: str | None = None
    aliases: tuple[str, ...] = ()

    def inputs(self, timeout: float) -> Bag:
        return from_engine(
            {
                "instanceId": self.instance_id,
                "region": self.region,
                **self.wanted,
                "onDestroy": self.on_destroy,
                "wait": self.wait,
                "timeoutSeconds": timeout,
                "allowDowngrade": self.allow_downgrade,
            }
        )


@dataclass(frozen=True)
class Program:
    """The resources of a program: rows, and barriers for the rows that do not wait for themselves."""

    rows: tuple[Row, ...]
    timeout: float = 20.0

    @property
    def names(self) -> frozenset[str]:
        """The names of its resources."""
        return frozenset({*(row.name for row in self.rows), *self.barriers})

    @property
    def barriers(self) -> Mapping[str, list[Row]]:
        """The rows that do not wait for themselves, by the name of their barrier. A barrier takes an instance once."""
        found: dict[str, list[Row]] = {}
        turns: Counter[str] = Counter()
        for row in self.rows:
            if not row.wait:
                turns[row.instance_id] += 1
                turn = turns[row.instance_id]
                found.setdefault(BARRIER if turn == 1 else f"{BARRIER}-{turn}", []).append(row)
        return found

    def without(self, *instance_ids: str) -> Program:
        return Program(tuple(row for row in self.rows if row.instance_id not in instance_ids), self.timeout)

    def moved_to(self, region: str) -> Program:
        return Program(tuple(replace(row, region=region) for row in self.rows), self.timeout)


@dataclass
class Recorded:
    """A resource in the state."""

    id: str
    inputs: Bag
    outputs: Bag


class Stack:
    """A stack's state, and runs on it. Each run is given the engine of the process that it runs in.

    ``provider`` is that of the rows.
    """

    def __init__(self, provider: Any = PROVIDER) -> None:  # noqa: ANN401  any of them
        self._rows_provider = provider
        self.state: dict[str, Recorded] = {}
        self.replaced: list[tuple[str, Recorded]] = []
        """Resources that were replaced under the same name and are yet to be deleted."""

    def up(self, program: AnyProgram, engine: JumpingEngine, before_barrier: Callable[[], None] = lambda: None) -> Run:
        """Create and update the resources of the program, all rows first, then the barriers if no row has failed.

        Resources that the program no longer has, or has replaced, are deleted last, and only if nothing has failed.
        """
        run = Run()
        attempt = Attempts(run, engine, program.timeout)
        self._rename(program)
        self._apply({row.name: row.inputs(program.timeout) for row in program.rows}, self._rows_provider, attempt)
        before_barrier()
        if not run.failed:
            self._apply(self._barrier_inputs(program), BARRIER_PROVIDER, attempt)
        if not run.failed:
            self._delete_all(attempt, keeping=program.names)
        return run

    def preview(self, program: AnyProgram) -> set[str]:
        """The resources that an :meth:`up` would create, update or delete."""
        self._rename(program)
        changed = (set(self.state) - program.names) | {name for name, _ in self.replaced}
        for row in program.rows:
            old = self.state.get(row.name)
            inputs = self._checked(self._rows_provider, row.name, row.inputs(program.timeout))
            if old is None or self._rows_provider.diff(old.id, old.outputs, inputs).changes:
                changed.add(row.name)
        for name, inputs in self._barrier_inputs(program).items():
            old = self.state.get(name)
            if old is None or BARRIER_PROVIDER.diff(old.id, old.outputs, inputs).changes:
                changed.add(name)
        return changed

    def refresh(self, program: AnyProgram, engine: JumpingEngine) -> Run:
        """Read every resource, and drop those that are gone."""
        run = Run()
        attempt = Attempts(run, engine, program.timeout)
        for name, old in list(self.state.items()):
            found = attempt(name, partial(self._provider(name).read, old.id, old.outputs))
            if found is None:
                continue
            if found.id:
                old.outputs = from_engine(found.outs or {})
                old.inputs = old.inputs if found.inputs is None else from_engine(found.inputs)
            else:
                del self.state[name]
        return run

    def destroy(self, engine: JumpingEngine, timeout: float) -> Run:
        run = Run()
        self._delete_all(Attempts(run, engine, timeout), keeping=frozenset())
        return run

    def _rename(self, program: AnyProgram) -> None:
        """Rename what the program has renamed by aliases."""
        for row in program.rows:
            old = next((each for each in (row.name, *row.aliases) if each in self.state), row.name)
            if old != row.name and old not in program.names:
                self.state[row.name] = self.state.pop(old)

    def _apply(self, wanted: Mapping[str, Bag], provider: Any, attempt: Attempts) -> None:  # noqa: ANN401  either
        """Check and diff all of them, then carry out the operations one by one."""
        planned: dict[str, Callable[[], bool]] = {}
        for name, inputs in wanted.items():
            checked = attempt.check(name, partial(self._checked, provider, name, inputs))
            if checked is not None:
                self._plan(planned, name, checked, provider)
        for name, operation in planned.items():
            attempt(name, operation)

    def _checked(self, provider: Any, name: str, inputs: Bag) -> Bag:  # noqa: ANN401  either provider
        old = self.state.get(name)
        checked = provider.check(old.inputs if old else {}, inputs)
        if checked.failures:
            raise AssertionError(f"{name}: {checked.failures[0].reason}")
        return from_engine(checked.inputs)

    def _plan(self, planned: dict[str, Callable[[], bool]], name: str, inputs: Bag, provider: Any) -> None:  # noqa: ANN401
        old = self.state.get(name)
        difference = provider.diff(old.id, old.outputs, inputs) if old else None
        if old is None or difference is None:
            planned[name] = lambda: self._create(name, inputs, provider)
        elif difference.replaces:
            planned[name] = lambda: self._replace(name, inputs, provider)
        elif difference.changes:
            planned[name] = lambda: self._update(name, inputs, provider)
        else:
            old.inputs = inputs

    def _create(self, name: str, inputs: Bag, provider: Any) -> bool:  # noqa: ANN401
        created = provider.create(inputs)
        self._record(name, created.id, inputs, created.outs)
        return True

    def _replace(self, name: str, inputs: Bag, provider: Any) -> bool:  # noqa: ANN401
        old = self.state[name]
        try:
            self._create(name, inputs, provider)
        finally:
            if self.state[name] is not old:
                self.replaced.append((name, old))
        return True

    def _update(self, name: str, inputs: Bag, provider: Any) -> bool:  # noqa: ANN401
        old = self.state[name]
        self._record(name, old.id, inputs, provider.update(old.id, old.outputs, inputs).outs)
        return True

    def _record(self, name: str, id_: str, inputs: Bag, outs: Bag) -> None:
        self.state[name] = Recorded(id_, inputs, from_engine(outs))
        if unfinished := self.state[name].outputs.get("unfinished"):
            raise UnfinishedError(unfinished)

    def _delete_all(self, attempt: Attempts, keeping: Collection[str]) -> None:
        """Delete what was replaced and what is not to be kept, barriers first since they depend on rows."""
        for name, old in [*self.replaced]:
            if attempt(name, partial(self._delete, name, old)):
                self.replaced.remove((name, old))
        ours = [*self.state.items()]
        ours.reverse()
        for name, old in sorted(ours, key=lambda each: not is_barrier(each[0])):
            if name not in keeping and attempt(name, partial(self._delete, name, old)):
                del self.state[name]

    def _provider(self, name: str) -> Any:  # noqa: ANN401  any of them
        return BARRIER_PROVIDER if is_barrier(name) else self._rows_provider

    def _delete(self, name: str, recorded: Recorded) -> bool:
        self._provider(name).delete(recorded.id, recorded.outputs)
        return True

    def _barrier_inputs(self, program: AnyProgram) -> dict[str, Bag]:
        inputs = {}
        for name, rows in program.barriers.items():
            targets = {row.name: self.state[row.name].outputs["target"] for row in rows if row.name in self.state}
            if targets:
                inputs[name] = from_engine({"targets": targets, "region": REGION, "timeoutSeconds": program.timeout})
        return inputs


def is_barrier(name: str) -> bool:
    return name.startswith(BARRIER)
