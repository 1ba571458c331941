"""Limits of a drift check: bands of single operations, and regressions that are meant.

A TOML file:

    [tolerance]
    "hashes *" = "0.5%"          # shell patterns over operations; the first that fits holds

    [[accepted]]
    operation = "lists mkCons"   # one operation, by its whole name
    up_to = "4%"
    reason = "lists keep their length now"

An accepted regression is no failure as long as the operation is not surely slower than `up_to`; one that is not there
any more is said, so that the file does not grow old.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import msgspec

from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.judging.estimate import Change

_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A regression that is meant, and why. `up_to` is a percentage."""

    operation: str
    up_to: str
    reason: str


class DriftLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bands by pattern, as percentages, and accepted regressions."""

    tolerance: dict[str, str] = {}
    accepted: tuple[Accepted, ...] = ()

    def band(self, operation: str, default: float) -> float:
        """Half-width of the band in which a ratio of this operation counts as unchanged."""
        for pattern, share in self.tolerance.items():
            if fnmatchcase(operation, pattern):
                return _share(share)
        return default


NO_LIMITS: Final = DriftLimits()


def read_limits(path: Path, operations: Sequence[str]) -> DriftLimits:
    """InputError, naming the file, where it is malformed, or names an operation or a pattern that nothing fits."""
    try:
        document = tomllib.loads(read_bytes(path).decode())
        limits = msgspec.convert(document, DriftLimits)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"{path} is not a file of limits: {error}") from error
    for share in (*limits.tolerance.values(), *(each.up_to for each in limits.accepted)):
        if not _SHARE.fullmatch(share) or not 0 < _share(share) < 1:
            raise InputError(f"{path}: {share!r} is not a share such as 2%, above 0 and below 100 %")
    for pattern in limits.tolerance:
        if not any(fnmatchcase(operation, pattern) for operation in operations):
            raise InputError(f"{path}: no operation of the suite fits the pattern {pattern!r}")
    for each in limits.accepted:
        if each.operation not in operations:
            raise InputError(f"{path}: {each.operation!r} is not an operation of the suite")
        if not each.reason.strip():
            raise InputError(f"{path}: the regression of {each.operation} is accepted without a reason; give one")
    return limits


def accept(verdict: DriftVerdict, limits: DriftLimits) -> DriftVerdict:
    """The verdict with accepted regressions as no failures, and a note on each entry that nothing needs any more."""
    by_operation = {each.operation: each for each in limits.accepted}
    drifts, notes = [], list(verdict.notes)
    for drift in verdict.drifts:
        entry = by_operation.get(drift.operation)
        if entry is not None and drift.status in (Change.UNCHANGED, Change.IMPROVED):
            notes.append(f"{drift.operation} is {drift.status.value}: its accepted regression can be removed")
        drifts.append(drift if entry is None else _accepted(drift, entry))
    return replace(verdict, drifts=tuple(drifts), notes=tuple(notes))


def _accepted(drift: OperationDrift, entry: Accepted) -> OperationDrift:
    if drift.status is not Change.REGRESSED or drift.ratio.low > 1 + _share(entry.up_to):
        return drift
    return replace(drift, status=Change.UNCHANGED, note=f"accepted up to +{entry.up_to}: {entry.reason}")


def _share(text: str) -> float:
    return float(text.rstrip("% ")) / 100
