"""Limits of a drift check: bands of operations and metrics, and regressions that are meant.

A TOML file:

    [[limit]]                    # the first that fits holds
    operation = "hashes *"       # shell pattern; every operation where it is left out
    metric = "time"              # every metric where it is left out
    fail = "0.5%"                # changes within it count as unchanged; 0% lets none pass
    warn = "0.3%"                # slower than this is said, and no failure

    [[accepted]]
    operation = "lists mkCons"   # one operation, by its whole name
    metric = "time"              # every metric where it is left out
    up_to = "4%"
    reason = "lists keep their length now"

An accepted regression is no failure as long as the operation is not surely slower than `up_to`; one that is not there
any more is said, so that the file does not grow old.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final, get_args

import msgspec

from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.judging.estimate import Change
from costmodel.records.drift import Metric

METRICS: Final[tuple[Metric, ...]] = get_args(get_args(Metric)[0])

DEFAULT_TOLERANCES: Final[Mapping[Metric, float]] = {
    "instructions": 0.005,
    "time": 0.01,
    "prediction": 0.01,
    "cpu": 0.0,
    "memory": 0.0,
}

_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,6})?)\s*%")

_FRACTION: Final = re.compile(r"0?\.\d{1,8}|0")
_ROUNDING: Final = 1e-12  # of ratios that are exact

Share = Annotated[str, msgspec.Meta(description="A percentage, such as 2%")]


class DriftLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bands of the operations that fit a pattern, of one metric or of all."""

    operation: str = "*"
    metric: Metric | None = None
    fail: Share | None = None
    warn: Share | None = None

    def fits(self, operation: str, metric: Metric) -> bool:
        return self.metric in (None, metric) and fnmatchcase(operation, self.operation)


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A regression that is meant, and why."""

    operation: str
    up_to: Share
    reason: str
    metric: Metric | None = None


class DriftLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Bands, the first that fits first, and accepted regressions."""

    limit: tuple[DriftLimit, ...] = ()
    accepted: tuple[Accepted, ...] = ()

    def tolerance(self, operation: str, metric: Metric) -> float:
        """Half-width of the band in which a ratio counts as unchanged."""
        for each in self.limit:
            if each.fail is not None and each.fits(operation, metric):
                return _share(each.fail)
        return DEFAULT_TOLERANCES[metric]

    def warning(self, operation: str, metric: Metric) -> float | None:
        """By how much slower an operation is worth a warning, a share; None where there is no such limit."""
        found = (each.warn for each in self.limit if each.warn is not None and each.fits(operation, metric))
        text = next(found, None)
        return None if text is None else _share(text)

    def require(self, operations: Sequence[str]) -> None:
        """InputError where a pattern fits none of these operations, or what is accepted is none of them."""
        for each in self.limit:
            if not any(fnmatchcase(operation, each.operation) for operation in operations):
                raise InputError(f"the limits name operations {each.operation!r}, and none of those checked fits that")
        for one in self.accepted:
            if one.operation not in operations:
                raise InputError(f"the limits accept a regression of {one.operation!r}, which is not an operation here")


NO_LIMITS: Final = DriftLimits()


def read_limits(path: Path) -> DriftLimits:
    """InputError, naming the file, where it is malformed."""
    try:
        document = tomllib.loads(read_bytes(path).decode())
        limits = msgspec.convert(document, DriftLimits)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise InputError(f"{path} is not a file of limits: {error}") from error
    for each in limits.limit:
        if each.fail is None and each.warn is None:
            raise InputError(f"{path}: the limit of {each.operation!r} has neither fail nor warn")
        for text in filter(None, (each.fail, each.warn)):
            _require_share(text, str(path))
    for one in limits.accepted:
        _require_share(one.up_to, str(path))
        if not one.reason.strip():
            raise InputError(f"{path}: the regression of {one.operation} is accepted without a reason; give one")
    return limits


def with_defaults(limits: DriftLimits, fail: str | None, warn: str | None) -> DriftLimits:
    """The limits, and behind them those of --tolerance and --warn: a share such as 2%, or METRIC=SHARE with commas
    between. InputError for anything else."""
    fails = [DriftLimit(metric=metric, fail=share) for metric, share in _by_metric(fail, "--tolerance")]
    warns = [DriftLimit(metric=metric, warn=share) for metric, share in _by_metric(warn, "--warn")]
    found = msgspec.structs.replace(limits, limit=(*limits.limit, *fails, *warns))
    for metric in METRICS:
        warning = found.warning("", metric)
        if warns and warning is not None and warning > found.tolerance("", metric) > 0:
            raise InputError(f"--warn {warn} is above the limit at which {metric} fails; a warning comes before that")
    return found


def apply_limits(verdict: DriftVerdict, limits: DriftLimits) -> DriftVerdict:
    """The verdict with warnings, with accepted regressions as no failures, and with a note on each entry that nothing
    needs any more."""
    drifts, needed = [], set()
    for drift in verdict.drifts:
        entry = next((each for each in limits.accepted if _about(each, drift)), None)
        if entry is not None and drift.status in (Change.REGRESSED, Change.INCONCLUSIVE):
            needed.add(entry)
            drifts.append(_accepted(drift, entry))
        else:
            drifts.append(_warned(drift, limits.warning(drift.operation, drift.metric)))
    checked = {drift.operation for drift in verdict.drifts}
    unneeded = [each for each in limits.accepted if each not in needed and each.operation in checked]
    notes = [f"{each.operation} is not slower any more: remove its accepted regression" for each in unneeded]
    return replace(verdict, drifts=tuple(drifts), notes=(*verdict.notes, *notes))


def _about(entry: Accepted, drift: OperationDrift) -> bool:
    return entry.operation == drift.operation and entry.metric in (None, drift.metric)


def _accepted(drift: OperationDrift, entry: Accepted) -> OperationDrift:
    if drift.status is not Change.REGRESSED or drift.ratio.low > 1 + _share(entry.up_to) + _ROUNDING:
        return drift
    note = f"accepted up to +{entry.up_to}: {entry.reason}"
    return replace(drift, status=Change.UNCHANGED, accepted=entry.reason, note=note)


def _warned(drift: OperationDrift, limit: float | None) -> OperationDrift:
    warned = limit is not None and drift.status is Change.UNCHANGED and drift.ratio.low > 1 + limit
    return replace(drift, warned=warned)


def _by_metric(text: str | None, option: str) -> list[tuple[Metric | None, str]]:
    found: list[tuple[Metric | None, str]] = []
    for part in [] if text is None else text.split(","):
        name, equals, share = part.strip().rpartition("=")
        metric = next((metric for metric in METRICS if metric == name.strip()), None)
        if equals and metric is None:
            raise InputError(f"{option}: unknown metric {name!r}; use {', '.join(METRICS)}")
        _require_share(share.strip(), option)
        found.append((metric, share.strip()))
    # One for all comes last, wherever it stands.
    return sorted(found, key=lambda each: each[0] is None)


def _require_share(text: str, where: str) -> None:
    if not (_SHARE.fullmatch(text) or _FRACTION.fullmatch(text)) or not 0 <= _share(text) < 1:
        raise InputError(f"invalid {where} {text!r}; use a share of at least 0 and below 100 %, such as 2%")


def _share(text: str) -> float:
    return float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
