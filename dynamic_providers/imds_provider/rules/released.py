"""The instances that a component or fleet releases, and what happens to them when their resources are deleted.

Pulumi calls no ``delete`` in a preview. The barrier of a component outlives the resources, and sees the old targets and
the new ones, so it reports this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .loosening import loosened
from .options import HTTP_TOKENS, OPTION_NAMES, Options, OptionValue, parse_options, render
from .target import Target
from .wording import counted, instances, shorten

_REASON = "allowDowngrade"
_WITH_RESOURCE = "withResource"


def restore_line(before: Options, *, reason: bool, with_resource: bool) -> str:
    """What deleting the resource of an instance restores, as one line of the state.

    In ``httpTokens=optional httpPutResponseHopLimit=1 allowDowngrade`` the last word says that a reason for loosening
    is recorded. ``withResource`` says that nothing is restored if the instance's own resource is deleted as well.
    """
    flags = [flag for flag, given in ((_REASON, reason), (_WITH_RESOURCE, with_resource)) if given]
    return " ".join([render(before), *flags]).strip()


@dataclass(frozen=True)
class Released:
    """An instance whose resource will be deleted. ``restores`` is None where it stays unchanged."""

    instance_id: str
    wanted: Options
    restores: Options | None
    reason: bool = False
    with_resource: bool = False

    @classmethod
    def parse(cls, target: Target, line: object) -> Released:
        """The instance of a target, with its :func:`restore_line`."""
        if not isinstance(line, str):
            return cls(target.instance_id, target.wanted, None)
        words = line.split()
        options = parse_options(word for word in words if word not in (_REASON, _WITH_RESOURCE))
        return cls(target.instance_id, target.wanted, options or {}, _REASON in words, _WITH_RESOURCE in words)

    @property
    def kept(self) -> Options:
        """The stricter values that a restore keeps, since no reason is given to loosen them."""
        if self.reason or self.restores is None:
            return {}
        return {name: self.wanted[name] for name in loosened(self.wanted, self.restores)}

    def without(self, names: Collection[str]) -> Released:
        """The same instance without these options."""

        def others(options: Options) -> Options:
            return {name: value for name, value in options.items() if name not in names}

        return replace(
            self, wanted=others(self.wanted), restores=None if self.restores is None else others(self.restores)
        )


def released(
    old: Mapping[str, Target],
    new: Mapping[str, Target],
    undecided: Collection[str],
    restores: Mapping[str, object],
    managed: Callable[[str], Collection[str]],
) -> list[Released]:
    """The instances of the ``old`` targets that the ``new`` ones do not have, in order of their IDs.

    ``undecided`` has the names whose new target is not known in a preview: such a name keeps its instance if a resource
    of the program still manages that.
    """
    staying = {target.instance_id for target in new.values()}
    staying |= {old[name].instance_id for name in undecided if name in old and managed(old[name].instance_id)}
    gone = (
        Released.parse(target, restores.get(name)) for name, target in old.items() if target.instance_id not in staying
    )
    return sorted(gone, key=lambda each: each.instance_id)


@dataclass(frozen=True)
class ReleaseReport:
    """Lines to log, as a warning or for information. ``covered`` instances need no warning of their own."""

    lines: list[str] = field(default_factory=list)
    is_warning: bool = False
    covered: frozenset[str] = frozenset()


def release_report(
    owner: str,
    total: int,
    found: Sequence[Released],
    *,
    managed: Callable[[str], Collection[str]],
    before: Callable[[str], Options],
) -> ReleaseReport:
    """Report which of ``total`` instances ``owner`` releases.

    ``managed`` gives the options of an instance that other resources of the program manage, and ``before`` the values
    that those would restore.
    """
    moved = [each for each in found if set(each.wanted) & set(managed(each.instance_id))]
    # One that moves in part is released with the rest, if something is restored of that.
    gone = [
        rest
        for each in found
        if (rest := each.without(managed(each.instance_id))).wanted and (each not in moved or rest.restores)
    ]
    lost = {each.instance_id: values for each in moved if (values := _lost(each, managed, before))}
    return ReleaseReport(
        lines=[*_lines_of_gone(owner, total, gone), *_lines_of_moved(owner, moved, lost)],
        is_warning=bool(lost) or any(each.restores is not None for each in gone),
        covered=frozenset({*lost, *(each.instance_id for each in gone if each.kept)}),
    )


def _lost(
    each: Released, managed: Callable[[str], Collection[str]], before: Callable[[str], Options]
) -> dict[str, OptionValue]:
    """The values that nobody restores any more: another resource manages the options and does not know them."""
    known = before(each.instance_id)
    return {
        name: value
        for name, value in (each.restores or {}).items()
        if name in managed(each.instance_id) and known.get(name) != value
    }


def _lines_of_gone(owner: str, total: int, gone: Sequence[Released]) -> Iterator[str]:
    if not gone:
        return
    restored = [each for each in gone if each.restores is not None]
    unchanged = "" if restored else "; onDestroy: retain leaves them unchanged"
    yield f"{owner} releases {len(gone)} of {instances(total)}: {_ids(gone)}{unchanged}."
    alone = [each for each in restored if not each.with_resource]
    values = [
        f"{name}={value}"
        for each in alone
        for name, value in (each.restores or {}).items()
        if name not in each.kept and each.wanted.get(name) != value
    ]
    if values:
        yield f"  onDestroy: restore sets {counted(values)}."
    if kept := [f"{name}={value}" for each in alone for name, value in each.kept.items()]:
        yield (
            f"  onDestroy: restore keeps {counted(kept)}, since allowDowngrade gives no reason to loosen it. "
            "To loosen it, first set the looser value with a reason, then release the instances."
        )
    if hardened := [each for each in alone if HTTP_TOKENS in loosened(each.restores or {}, each.wanted)]:
        yield f"  IMDSv1 calls will be refused by {_ids(hardened)}."
    if tied := [each for each in restored if each.with_resource]:
        yield (
            f"  Nothing is restored on instances whose own resource is deleted as well: {_ids(tied)}. "
            "To restore one that outlives its resource, attach it by its ID."
        )


def _lines_of_moved(owner: str, moved: Sequence[Released], lost: Mapping[str, Options]) -> Iterator[str]:
    if not any(each.restores is not None for each in moved):
        return
    yield (
        f"another resource of this program now manages {instances(len(moved))} of {owner}, so the options that it "
        f"manages are not restored: {_ids(moved)}."
    )
    if lost:
        values = [f"{name}={each[name]}" for each in lost.values() for name in OPTION_NAMES if name in each]
        yield f"  The previous values are lost: {counted(values)}. To keep them, declare the rename in `aliases`."


def _ids(found: Sequence[Released]) -> str:
    return shorten([each.instance_id for each in found])
