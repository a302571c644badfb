"""Of which instances a tool itself says that it succeeded, read from what it leaves behind. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_UPDATED = re.compile(r"imds_updated,.*,(i-[0-9a-f]+),SUCCESS")
_ERRED = re.compile(r"^ - (\S+)$", re.MULTILINE)


def by_exit_code(ids: Iterable[str], exit_code: int | None) -> set[str]:
    """All of them if the tool ended well, none otherwise: one that speaks for the whole run alone."""
    return set(ids) if exit_code == 0 else set()


def by_metabadger(log: str) -> set[str]:
    """Those that `metabadger.log` has as updated with success."""
    return set(_UPDATED.findall(log))


def by_custodian(
    ids: Iterable[str], exit_code: int | None, output: str, matched: Mapping[str, Collection[str]]
) -> set[str]:
    """All but those that an unsuccessful policy was to act on.

    Args:
        ids: the whole fleet: what no policy matches complies, says Custodian.
        exit_code: 0, 2 after a policy that erred, None if it was stopped.
        output: its log, which names the policies that erred in its last lines.
        matched: what each policy matched, by `resources.json`; a policy without one says nothing of any instance.
    """
    if exit_code == 0:
        return set(ids)
    erred = [name for name in _ERRED.findall(output) if name in matched]
    if exit_code is None or not erred:
        return set()
    return set(ids).difference(*(matched[name] for name in erred))
