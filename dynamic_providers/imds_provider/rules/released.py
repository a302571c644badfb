"""Who leaves a component or fleet, and what becomes of them: what a preview can say of resources that will be deleted.

Pulumi calls no ``delete`` in a preview. The barrier of a component outlives them, and sees the old targets and the new.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .loosening import loosened
from .options import HTTP_TOKENS, OPTION_NAMES, Options, OptionValue, render
from .target import Target, parse_options
from .wording import counted, cut, instances

_REASON = "allowDowngrade"
_WITH_RESOURCE = "withResource"


def restore_line(before: Options, *, reason: bool, with_resource: bool) -> str:
    """What deleting the resource of an instance restores, as one line of the state.

    ``httpTokens=optional httpPutResponseHopLimit=1 allowDowngrade``: the last word says that a reason for loosening is
    recorded. ``withResource`` says that nothing is restored if the instance's own resource is deleted as well.
    """
    flags = [flag for flag, given in ((_REASON, reason), (_WITH_RESOURCE, with_resource)) if given]
    return " ".join([render(before), *flags]).strip()


@dataclass(frozen=True)
class Leaver:
    """An instance whose resource will be deleted. ``restores`` is None where it is left as it is."""

    instance_id: str
    wanted: Options
    restores: Options | None
    reason: bool = False
    with_resource: bool = False

    @classmethod
    def parse(cls, target: Target, line: object) -> Leaver:
        """The instance of a target, with its :func:`restore_line`."""
        if not isinstance(line, str):
            return cls(target.instance_id, target.wanted, None)
        words = line.split()
        options = parse_options(word for word in words if word not in (_REASON, _WITH_RESOURCE))
        return cls(target.instance_id, target.wanted, options or {}, _REASON in words, _WITH_RESOURCE in words)

    @property
    def kept(self) -> Options:
        """The stricter values that a restore leaves in force, since nothing gives a reason to loosen them."""
        if self.reason or self.restores is None:
            return {}
        return {name: self.wanted[name] for name in loosened(self.wanted, self.restores)}

    def without(self, names: Collection[str]) -> Leaver:
        """The same, but for these options."""

        def others(options: Options) -> Options:
            return {name: value for name, value in options.items() if name not in names}

        return replace(
            self, wanted=others(self.wanted), restores=None if self.restores is None else others(self.restores)
        )


def leavers(
    old: Mapping[str, Target],
    new: Mapping[str, Target],
    undecided: Collection[str],
    restores: Mapping[str, object],
    managed: Callable[[str], Collection[str]],
) -> list[Leaver]:
    """The instances of the ``old`` targets that the ``new`` ones do not have, in order of their ids.

    ``undecided`` has the names whose new target is not known in a preview: such a name keeps its instance if a resource
    of the program still manages that.
    """
    staying = {target.instance_id for target in new.values()}
    staying |= {old[name].instance_id for name in undecided if name in old and managed(old[name].instance_id)}
    gone = (
        Leaver.parse(target, restores.get(name)) for name, target in old.items() if target.instance_id not in staying
    )
    return sorted(gone, key=lambda each: each.instance_id)


@dataclass(frozen=True)
class Report:
    """The lines for a person, whether they are a warning, and the instances of which they say all there is to say."""

    lines: list[str] = field(default_factory=list)
    is_warning: bool = False
    covered: frozenset[str] = frozenset()


def report(
    owner: str,
    total: int,
    leaving: Sequence[Leaver],
    *,
    managed: Callable[[str], Collection[str]],
    before: Callable[[str], Options],
) -> Report:
    """Say who leaves ``owner``, of ``total`` instances.

    ``managed`` gives the options of an instance that other resources of the program manage, and ``before`` the values
    that those would restore.
    """
    moved = [each for each in leaving if set(each.wanted) & set(managed(each.instance_id))]
    # One that goes over in part leaves with the rest, if something is done about that.
    gone = [
        rest
        for each in leaving
        if (rest := each.without(managed(each.instance_id))).wanted and (each not in moved or rest.restores)
    ]
    forgotten = {each.instance_id: lost for each in moved if (lost := _forgotten(each, managed, before))}
    lines = [*_of_gone(owner, total, gone), *_of_moved(owner, moved, forgotten)]
    covered = {*forgotten, *(each.instance_id for each in gone if each.kept)}
    is_warning = bool(forgotten) or any(each.restores is not None for each in gone)
    return Report(lines, is_warning, frozenset(covered))


def _forgotten(
    each: Leaver, managed: Callable[[str], Collection[str]], before: Callable[[str], Options]
) -> dict[str, OptionValue]:
    known = before(each.instance_id)
    return {
        name: value
        for name, value in (each.restores or {}).items()
        if name in managed(each.instance_id) and known.get(name) != value
    }


def _of_gone(owner: str, total: int, gone: Sequence[Leaver]) -> Iterator[str]:
    if not gone:
        return
    restored = [each for each in gone if each.restores is not None]
    verb = "leaves" if total == 1 else "leave"
    stay = "" if restored else "; onDestroy: retain leaves them as they are"
    yield f"{len(gone)} of {instances(total)} {verb} {owner}: {_ids(gone)}{stay}."
    alone = [each for each in restored if not each.with_resource]
    put_back = [
        f"{name}={value}"
        for each in alone
        for name, value in (each.restores or {}).items()
        if name not in each.kept and each.wanted.get(name) != value
    ]
    if put_back:
        yield f"  onDestroy: restore puts back {counted(put_back)}."
    if kept := [f"{name}={value}" for each in alone for name, value in each.kept.items()]:
        yield (
            f"  onDestroy: restore keeps {counted(kept)}, since nothing in allowDowngrade gives a reason to loosen it. "
            "To go back, first want the looser value with a reason, and let them leave after that."
        )
    hardened = [each for each in alone if HTTP_TOKENS in loosened(each.restores or {}, each.wanted)]
    if hardened:
        yield f"  IMDSv1 calls are refused from then on by {_ids(hardened)}."
    if tied := [each for each in restored if each.with_resource]:
        yield (
            f"  Nothing is restored on those whose own resource is deleted as well: {_ids(tied)}. "
            "To have one restored that outlives its resource, attach it by its ID."
        )


def _of_moved(owner: str, moved: Sequence[Leaver], forgotten: Mapping[str, Options]) -> Iterator[str]:
    if not any(each.restores is not None for each in moved):
        return
    yield (
        f"{instances(len(moved))} of {owner} {'is' if len(moved) == 1 else 'are'} managed by another resource of this "
        f"program from now on, so nothing of that is restored: {_ids(moved)}."
    )
    if forgotten:
        values = [f"{name}={lost[name]}" for lost in forgotten.values() for name in OPTION_NAMES if name in lost]
        yield (
            f"  The values from before are forgotten: {counted(values)}. To keep them, declare the rename in `aliases`."
        )


def _ids(leaving: Sequence[Leaver]) -> str:
    return cut([each.instance_id for each in leaving])
