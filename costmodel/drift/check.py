"""A drift check against whatever the baseline is: stored instruction counts, another build or another model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from costmodel.drift.counts import (
    DEFAULT_COUNT_TOLERANCE,
    compare_counts,
    holds_counts,
    is_other_document,
    read_counts,
    take_counts,
    write_counts,
)
from costmodel.drift.models import DEFAULT_PRICE_TOLERANCE, compare_models
from costmodel.drift.suite import chosen, drift_suite
from costmodel.drift.timed import DEFAULT_SECONDS, DEFAULT_TIME_TOLERANCE, compare_builds
from costmodel.drift.verdict import DriftVerdict, with_model
from costmodel.errors import InputError
from costmodel.model import load
from costmodel.records.drift import InstructionCounts
from costmodel.timing.duet import Build
from costmodel.timing.plan import choose_core

EVERY_OPERATION: Final = "*"


@dataclass(frozen=True, slots=True)
class Timing:
    """How builds are timed."""

    core: int | None = None
    seed: int = 0
    seconds: float | None = None
    progress: Callable[[int, int, float], None] | None = None


def check_drift(
    baseline: Path,
    model: Sequence[Path] = (),
    *,
    operations: str = EVERY_OPERATION,
    tolerance: float | None = None,
    timing: Timing | None = None,
) -> DriftVerdict:
    """Check this build, or `model`, against a baseline.

    `baseline` is the folder of another build, which is timed against this one; a file of instruction counts; or, with a
    `model`, another model whose predictions are compared. `operations` are shell patterns with commas between them,
    `tolerance` is the half-width of the band in which a ratio counts as unchanged. A `model` beside a build or counts
    adds a note on which of its prices are in doubt. Raises InputError where the baseline is none of these.
    """
    if baseline.is_dir():
        verdict = _timed(baseline, operations, tolerance, timing or Timing())
    elif timing is not None:
        raise InputError(f"{baseline} is a file, and timing options need the folder of another build")
    elif model and not holds_counts(baseline):
        return compare_models(
            load([baseline]), load(list(model)), chosen(operations), tolerance or DEFAULT_PRICE_TOLERANCE
        )
    else:
        stored = read_counts(baseline)
        counted = take_counts(chosen(operations))
        verdict = compare_counts(stored, counted, str(baseline), tolerance or DEFAULT_COUNT_TOLERANCE)
    return with_model(verdict, load(list(model))) if model else verdict


def renew_counts(path: Path) -> InstructionCounts:
    """Count the whole suite with this build and write the counts to a file. Raises InputError where the file holds
    something other than counts."""
    if is_other_document(path):
        raise InputError(f"{path} is not a file of instruction counts; --renew would overwrite it")
    counts = take_counts(drift_suite())
    write_counts(counts, path)
    return counts


def _timed(baseline: Path, operations: str, tolerance: float | None, timing: Timing) -> DriftVerdict:
    return compare_builds(
        Build.at(baseline),
        Build.this(),
        chosen(operations),
        core=choose_core(timing.core),
        tolerance=tolerance or DEFAULT_TIME_TOLERANCE,
        seconds=timing.seconds or DEFAULT_SECONDS,
        seed=timing.seed,
        progress=timing.progress,
    )
