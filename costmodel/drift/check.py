"""A drift check against whatever the baseline is: stored instruction counts, another build or another model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from costmodel.drift.limits import NO_LIMITS, DriftLimits, accept
from costmodel.drift.revisions import build_revision, cache_folder
from costmodel.drift.suite import chosen, drift_suite
from costmodel.drift.timed import DEFAULT_SECONDS, DEFAULT_TIME_TOLERANCE, compare_builds
from costmodel.drift.verdict import DriftVerdict, OperationDrift, with_model
from costmodel.errors import InputError
from costmodel.judging.estimate import Change, Estimate
from costmodel.model import CostModel, load
from costmodel.plutus import LedgerLanguage
from costmodel.predict.counts import predict
from costmodel.records.drift import InstructionCounts
from costmodel.runs.design import Cell
from costmodel.timing.duet import Build
from costmodel.timing.plan import choose_core
from costmodel.workloads import WorkloadProgram

EVERY_OPERATION: Final = "*"
DEFAULT_PRICE_TOLERANCE: Final = 0.01

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class BuildTiming:
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
    limits: DriftLimits = NO_LIMITS,
    timing: BuildTiming | None = None,
) -> DriftVerdict:
    """Check this build, or `model`, against a baseline.

    `baseline` is the folder of another build, which is timed against this one; a file of instruction counts; or, with a
    `model`, another model whose predictions are compared. `operations` are shell patterns with commas between them,
    `tolerance` is the half-width of the band in which a ratio counts as unchanged, unless the `limits` have another for
    the operation. A `model` beside a build or counts adds a note on which of its prices are in doubt. Raises InputError
    where the baseline is none of these.
    """
    if baseline.is_dir():
        verdict = check_builds(
            Build.at(baseline),
            Build.this(),
            operations,
            tolerance=tolerance,
            limits=limits,
            timing=timing or BuildTiming(),
        )
    elif timing is not None:
        raise InputError(f"{baseline} is a file, and timing options need the folder of another build")
    elif model and not holds_counts(baseline):
        models = load([baseline]), load(list(model))
        cells = chosen(operations)
        return accept(compare_models(*models, cells, tolerance or DEFAULT_PRICE_TOLERANCE, limits), limits)
    else:
        stored = read_counts(baseline)
        counted = take_counts(chosen(operations))
        found = compare_counts(stored, counted, str(baseline), tolerance or DEFAULT_COUNT_TOLERANCE, limits)
        verdict = accept(found, limits)
    return with_model(verdict, load(list(model))) if model else verdict


def check_builds(
    baseline: Build,
    candidate: Build,
    operations: str = EVERY_OPERATION,
    *,
    tolerance: float | None = None,
    limits: DriftLimits = NO_LIMITS,
    timing: BuildTiming,
) -> DriftVerdict:
    """Time two builds side by side."""
    found = compare_builds(
        baseline,
        candidate,
        chosen(operations),
        core=choose_core(timing.core),
        tolerance=tolerance or DEFAULT_TIME_TOLERANCE,
        limits=limits,
        seconds=timing.seconds or DEFAULT_SECONDS,
        seed=timing.seed,
        progress=timing.progress,
    )
    return accept(found, limits)


def check_revisions(
    repository: Path,
    base: str,
    head: str,
    operations: str = EVERY_OPERATION,
    *,
    tolerance: float | None = None,
    limits: DriftLimits = NO_LIMITS,
    timing: BuildTiming,
) -> DriftVerdict:
    """Build two commits of a repository, or take them from the cache, and time them side by side."""
    was, now = (
        replace(Build.at(build_revision(repository, revision, cache_folder())), name=revision)
        for revision in (base, head)
    )
    return check_builds(was, now, operations, tolerance=tolerance, limits=limits, timing=timing)


def baseline_path(name: str) -> Path:
    """What the user names: a path that is there, or the baseline of that name, which is `baselines/NAME.json`."""
    path = Path(name)
    if path.exists() or not _NAME.fullmatch(name):
        return path
    return Path("baselines") / f"{name}.json"


def renew_counts(path: Path) -> InstructionCounts:
    """Count the whole suite with this build and write the counts to a file. Raises InputError where the file holds
    something other than counts."""
    if path.exists() and is_other_document(path):
        raise InputError(f"{path} is not a file of instruction counts; --renew would overwrite it")
    counts = take_counts(drift_suite())
    write_counts(counts, path)
    return counts


def compare_models(
    baseline: CostModel,
    candidate: CostModel,
    cells: Sequence[Cell],
    tolerance: float = DEFAULT_PRICE_TOLERANCE,
    limits: DriftLimits = NO_LIMITS,
) -> DriftVerdict:
    """Predicted nanoseconds of one evaluation of each cell. A whole call has no price of its own and is left out.

    ModelError where a model does not price what a program uses.
    """
    priced = [cell for cell in cells if cell.work == "evaluate"]
    programs = [_program(cell) for cell in priced]
    pairs = zip(predict(baseline, programs), predict(candidate, programs), strict=True)
    drifts = tuple(
        _drift(cell, was.evaluation_ns, now.evaluation_ns, limits.band(cell.id, tolerance))
        for cell, (was, now) in zip(priced, pairs, strict=True)
    )
    return DriftVerdict("predicted", "ns", baseline.source, tolerance, drifts)


def _program(cell: Cell) -> WorkloadProgram:
    return WorkloadProgram(
        name=cell.id,
        flat=cell.flat,
        language=LedgerLanguage(cell.language),
        protocol_version=cell.protocol_version,
        arguments=cell.arguments,
        source="drift suite",
    )


def _drift(cell: Cell, was: float, now: float, tolerance: float) -> OperationDrift:
    ratio = now / was
    return OperationDrift(cell.id, cell.operation, was, now, Estimate(ratio, ratio, ratio), Change.of(ratio, tolerance))
