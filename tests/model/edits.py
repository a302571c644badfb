"""Programs after an edit."""

from __future__ import annotations

from dataclasses import replace

from tests.model.steps import (
    Assign,
    Copy,
    Declaration,
    Declarations,
    Edit,
    Manage,
    Merge,
    Reconfigure,
    Release,
    Rename,
    Split,
    Swap,
)


def edited(program: Declarations, step: Edit) -> Declarations | None:
    """The program after the edit, or None if the edit does not apply to it."""
    changed = _changed(program, step)
    return None if changed is None else _without_taken_aliases(changed)


def without_aliases(program: Declarations) -> Declarations:
    """The program without aliases, once a run has used them."""
    return {name: replace(declared, aliases=()) for name, declared in program.items()}


def conflicts(program: Declarations) -> list[tuple[str, str]]:
    """The slots and options for which two rows set different values."""
    decided: dict[tuple[str, str], object] = {}
    return [
        (each.slot, name)
        for each in program.values()
        for name, value in each.options.items()
        if decided.setdefault((each.slot, name), value) != value
    ]


def _changed(program: Declarations, step: Edit) -> Declarations | None:
    match step:
        case Manage(declarations, _, agreeing):
            return _agreed(program, declarations) if agreeing else {**program, **declarations}
        case Release(rows):
            left = {name: declared for name, declared in program.items() if name not in rows}
            return left if len(left) < len(program) else None
        case Rename() | Copy() | Split():
            return _with_another(program, step) if step.row in program and step.new not in program else None
        case Assign(row, slot):
            return _with(program, row, slot=slot)
        case Reconfigure(row, on_destroy, may_loosen):
            return _with(program, row, on_destroy=on_destroy, may_loosen=may_loosen)
        case Swap() | Merge():
            return _of_two(program, step) if {step.row, step.other} <= set(program) else None


def _agreed(program: Declarations, declarations: Declarations) -> Declarations:
    agreed = {name: declared for name, declared in program.items() if name not in declarations}
    for name, declared in declarations.items():
        others = [other.options for other in agreed.values() if other.slot == declared.slot]
        decided = {each: value for options in others for each, value in options.items()}
        agreed[name] = replace(
            declared, options={each: decided.get(each, value) for each, value in declared.options.items()}
        )
    return {name: agreed[name] for name in (*program, *declarations)}


def _with_another(program: Declarations, step: Rename | Copy | Split) -> Declarations | None:
    match step:
        case Rename(row, new, alias):
            return _renamed(program, row, new, alias=alias)
        case Copy(row, new):
            return {**program, new: replace(program[row], aliases=())}
        case Split(row, new, names):
            return _split(program, row, new, names)


def _of_two(program: Declarations, step: Swap | Merge) -> Declarations | None:
    one, two = program[step.row], program[step.other]
    if isinstance(step, Swap):
        swapped = {step.row: replace(one, slot=two.slot), step.other: replace(two, slot=one.slot)}
        return {**program, **swapped} if one.slot != two.slot else None
    if step.row == step.other or one.slot != two.slot:
        return None
    merged = {**program, step.row: replace(one, options={**two.options, **one.options})}
    return {name: declared for name, declared in merged.items() if name != step.other}


def _with(program: Declarations, row: str, **changes: object) -> Declarations | None:
    if row not in program:
        return None
    changed = {**program, row: replace(program[row], **changes)}  # type: ignore[arg-type]  # its own fields
    return changed if changed != program else None


def _renamed(program: Declarations, row: str, new: str, *, alias: bool) -> Declarations:
    aliases = (row, *program[row].aliases) if alias else ()
    renamed = replace(program[row], aliases=tuple(each for each in aliases if each != new))
    # In its old place, so that it can come before or after another row of its instance.
    return {
        (new if name == row else name): (renamed if name == row else declared) for name, declared in program.items()
    }


def _split(program: Declarations, row: str, new: str, names: frozenset[str]) -> Declarations | None:
    options = program[row].options
    handed = {name: value for name, value in options.items() if name in names}
    left = {name: value for name, value in options.items() if name not in names}
    if not handed or not left:
        return None
    whole = program[row]
    return {**program, row: replace(whole, options=left), new: replace(whole, options=handed, aliases=())}


def _without_taken_aliases(program: Declarations) -> dict[str, Declaration]:
    """The program without aliases that are the name of another row or of two rows, which Pulumi refuses."""
    taken = set(program)
    kept: dict[str, Declaration] = {}
    for name, declared in program.items():
        aliases = tuple(each for each in declared.aliases if each not in taken)
        taken.update(aliases)
        kept[name] = replace(declared, aliases=aliases)
    return kept
