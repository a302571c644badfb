"""What an edit makes of a program. Pure."""

from __future__ import annotations

from dataclasses import replace

from tests.model.steps import (
    Assign,
    Copy,
    Edit,
    Manage,
    Merge,
    Promise,
    Release,
    Rename,
    Split,
    Swap,
    Wish,
    Wishes,
)


def edited(program: Wishes, step: Edit) -> Wishes | None:
    """The program after the edit, or None if it has nothing that could be edited so."""
    changed = _changed(program, step)
    return None if changed is None else _without_taken_aliases(changed)


def without_aliases(program: Wishes) -> Wishes:
    """The program once nobody needs its aliases any more."""
    return {name: replace(wish, aliases=()) for name, wish in program.items()}


def conflicts(program: Wishes) -> list[tuple[str, str]]:
    """The slots and options that two rows decide differently."""
    decided: dict[tuple[str, str], object] = {}
    return [
        (wish.slot, name)
        for wish in program.values()
        for name, value in wish.options.items()
        if decided.setdefault((wish.slot, name), value) != value
    ]


def _changed(program: Wishes, step: Edit) -> Wishes | None:
    match step:
        case Manage(wishes, _, agreeing):
            return _agreed(program, wishes) if agreeing else {**program, **wishes}
        case Release(rows):
            left = {name: wish for name, wish in program.items() if name not in rows}
            return left if len(left) < len(program) else None
        case Rename() | Copy() | Split():
            return _with_another(program, step) if step.row in program and step.new not in program else None
        case Assign(row, slot):
            return _with(program, row, slot=slot)
        case Promise(row, on_destroy, may_loosen):
            return _with(program, row, on_destroy=on_destroy, may_loosen=may_loosen)
        case Swap() | Merge():
            return _of_two(program, step) if {step.row, step.other} <= set(program) else None


def _agreed(program: Wishes, wishes: Wishes) -> Wishes:
    agreed = {name: wish for name, wish in program.items() if name not in wishes}
    for name, wish in wishes.items():
        others = [other.options for other in agreed.values() if other.slot == wish.slot]
        decided = {each: value for options in others for each, value in options.items()}
        agreed[name] = replace(wish, options={each: decided.get(each, value) for each, value in wish.options.items()})
    return {name: agreed[name] for name in (*program, *wishes)}


def _with_another(program: Wishes, step: Rename | Copy | Split) -> Wishes | None:
    match step:
        case Rename(row, new, alias):
            return _renamed(program, row, new, alias=alias)
        case Copy(row, new):
            return {**program, new: replace(program[row], aliases=())}
        case Split(row, new, names):
            return _split(program, row, new, names)


def _of_two(program: Wishes, step: Swap | Merge) -> Wishes | None:
    one, two = program[step.row], program[step.other]
    if isinstance(step, Swap):
        swapped = {step.row: replace(one, slot=two.slot), step.other: replace(two, slot=one.slot)}
        return {**program, **swapped} if one.slot != two.slot else None
    if step.row == step.other or one.slot != two.slot:
        return None
    merged = {**program, step.row: replace(one, options={**two.options, **one.options})}
    return {name: wish for name, wish in merged.items() if name != step.other}


def _with(program: Wishes, row: str, **said: object) -> Wishes | None:
    if row not in program:
        return None
    changed = {**program, row: replace(program[row], **said)}  # type: ignore[arg-type]  # its own fields
    return changed if changed != program else None


def _renamed(program: Wishes, row: str, new: str, *, alias: bool) -> Wishes:
    aliases = (row, *program[row].aliases) if alias else ()
    renamed = replace(program[row], aliases=tuple(each for each in aliases if each != new))
    # Where it stood, so that it can come before or after another row of its instance.
    return {(new if name == row else name): (renamed if name == row else wish) for name, wish in program.items()}


def _split(program: Wishes, row: str, new: str, names: frozenset[str]) -> Wishes | None:
    options = program[row].options
    handed = {name: value for name, value in options.items() if name in names}
    left = {name: value for name, value in options.items() if name not in names}
    if not handed or not left:
        return None
    whole = program[row]
    return {**program, row: replace(whole, options=left), new: replace(whole, options=handed, aliases=())}


def _without_taken_aliases(program: Wishes) -> dict[str, Wish]:
    """No alias that is the name of another row, nor one that two rows have: Pulumi refuses those."""
    taken = set(program)
    kept: dict[str, Wish] = {}
    for name, wish in program.items():
        aliases = tuple(each for each in wish.aliases if each not in taken)
        taken.update(aliases)
        kept[name] = replace(wish, aliases=aliases)
    return kept
