"""The instances for which a tool reports success, read from its exit code, log and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_UPDATED = re.compile(r"imds_updated,.*,(i-[0-9a-f]+),SUCCESS")
_FAILED = re.compile(r"^ - (\S+)$", re.MULTILINE)


def by_exit_code(ids: Iterable[str], exit_code: int | None) -> set[str]:
    """All instances if the tool exited with 0, none otherwise: for a tool that reports on the whole run only."""
    return set(ids) if exit_code == 0 else set()


def by_metabadger(log: str) -> set[str]:
    """The instances that `metabadger.log` lists as updated successfully."""
    return set(_UPDATED.findall(log))


def by_custodian(
    ids: Iterable[str], exit_code: int | None, output: str, matched: Mapping[str, Collection[str]]
) -> set[str]:
    """All instances except those that a failed policy matched.

    Args:
        ids: the whole fleet. Custodian treats an instance that no policy matches as compliant.
        exit_code: 0, 2 if a policy failed, None if the tool was killed.
        output: the log, whose last lines name the policies that failed.
        matched: the instances in each policy's `resources.json`. A policy without that file reports on no instance.
    """
    if exit_code == 0:
        return set(ids)
    failed = [name for name in _FAILED.findall(output) if name in matched]
    if exit_code is None or not failed:
        return set()
    return set(ids).difference(*(matched[name] for name in failed))
