"""A drift check against whatever the baseline is: stored figures, another build, evaluator or model, or a history."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from costmodel.drift.counts import compare_counts, holds_counts, read_counts, take_counts
from costmodel.drift.evaluators import (
    EVALUATOR_METRICS,
    DriverTiming,
    compare_evaluators,
    compare_figures,
    take_figures,
)
from costmodel.drift.history import compare_history, is_history, read_history
from costmodel.drift.limits import NO_LIMITS, DriftLimits, apply_limits
from costmodel.drift.revisions import build_revision, built_checkout, cache_folder
from costmodel.drift.suite import EVERY, chosen, drift_suite
from costmodel.drift.timed import DEFAULT_SECONDS, compare_builds
from costmodel.drift.verdict import DriftVerdict, exact_drift, with_model
from costmodel.errors import DecodeError, InputError
from costmodel.evaluators.registry import driver_named
from costmodel.files import read_bytes, write_atomically
from costmodel.model import CostModel, load
from costmodel.plutus import LedgerLanguage
from costmodel.predict.counts import predict
from costmodel.records import Document, decode_json, encode, kind_of, read
from costmodel.records.drift import EvaluatorFigures, InstructionCounts, Metric
from costmodel.records.run import NATIVE
from costmodel.runs.design import Cell
from costmodel.timing.duet import Build
from costmodel.timing.plan import choose_core
from costmodel.workloads import Workload, WorkloadProgram

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True)
class DriftCheck:
    """What is checked, and how.

    `operations` are shell patterns, with commas between them, of the drift suite's operations or of the programs of a
    `workload`. `metrics` are those that are compared, by default all that there are. `evaluator` is the native machine,
    or a driver by name or command, which `build` makes in the checkout of a commit. What is timed is timed on a `core`
    in at most `seconds`.
    """

    operations: str = EVERY
    workload: Workload | None = None
    metrics: tuple[Metric, ...] = ()
    evaluator: str = NATIVE
    build: str = ""
    limits: DriftLimits = NO_LIMITS
    core: int | None = None
    seed: int = 0
    seconds: float | None = None
    progress: Callable[[int, int, float], None] | None = None

    def cells(self) -> tuple[Cell, ...]:
        return chosen(self.operations, self.workload, self.limits)

    def programs(self) -> Workload:
        """The workload. InputError where none is named, which a driver needs: the suite is calibrate's own."""
        if self.workload is None:
            raise InputError(f"name the programs that {self.evaluator} is to run, with --workload")
        return self.workload

    def evaluator_metrics(self) -> tuple[Metric, ...]:
        """InputError for metrics that drivers do not have."""
        for metric in self.metrics:
            if metric not in EVALUATOR_METRICS:
                raise InputError(f"an evaluator behind a driver has no {metric}; use {', '.join(EVALUATOR_METRICS)}")
        return tuple(metric for metric in EVALUATOR_METRICS if metric in (self.metrics or EVALUATOR_METRICS))

    def driver_timing(self) -> DriverTiming:
        return DriverTiming(choose_core(self.core), self.seconds, self.seed, self.progress)


def check_drift(check: DriftCheck, baseline: Path, model: Sequence[Path] = ()) -> DriftVerdict:
    """Check what a `check` names, or `model`, against a baseline.

    `baseline` is the folder of another build, or of another checkout of the evaluator, which is timed against this one;
    a file of instruction counts, or of an evaluator's figures; a history, whose change points are judged; or, with a
    `model`, another model whose predictions are compared. A `model` beside anything else adds a note on which of its
    prices are in doubt. InputError where the baseline is none of these.
    """
    verdict = _checked(check, baseline, model)
    verdict = replace(
        apply_limits(verdict, check.limits), workload=check.workload.name if check.workload else verdict.workload
    )
    return with_model(verdict, load(list(model))) if model and verdict.mode != "predicted" else verdict


def _checked(check: DriftCheck, baseline: Path, model: Sequence[Path]) -> DriftVerdict:
    if baseline.is_file() and is_history(baseline):
        return compare_history(read_history(baseline), str(baseline), check.operations, check.metrics, check.limits)
    if check.evaluator != NATIVE:
        return _evaluators(check, baseline)
    if baseline.is_dir():
        _require_only(check, "time")
        return _builds(check, Build.at(baseline), Build.this())
    if model and not holds_counts(baseline):
        _require_only(check, "prediction")
        models = load([baseline]), load(list(model))
        return compare_models(*models, check.cells(), check.limits)
    _require_only(check, "instructions")
    if check.workload is not None:
        raise InputError(f"{baseline} has counts of the drift suite; leave --workload out")
    stored = read_counts(baseline)
    return compare_counts(stored, take_counts(check.cells()), str(baseline), check.limits)


def check_revisions(check: DriftCheck, repository: Path, base: str, head: str) -> DriftVerdict:
    """Build two commits of a repository and compare them side by side: builds of calibrate, which are kept, or those of
    the check's evaluator, in temporary checkouts."""
    name = f"{base}..{head}"
    if check.evaluator == NATIVE:
        _require_only(check, "time")
        was, now = (
            replace(Build.at(build_revision(repository, revision, cache_folder())), name=revision)
            for revision in (base, head)
        )
        return apply_limits(_builds(check, was, now), check.limits)
    with ExitStack() as stack:
        folders = [stack.enter_context(built_checkout(repository, each, check.build)) for each in (base, head)]
        was_driver, now_driver = (driver_named(check.evaluator, folder) for folder in folders)
        workload = check.programs()
        verdict = compare_evaluators(
            was_driver,
            now_driver,
            check.cells(),
            name=name,
            workload=workload.name,
            metrics=check.evaluator_metrics(),
            limits=check.limits,
            timing=check.driver_timing(),
        )
    return apply_limits(verdict, check.limits)


def _builds(check: DriftCheck, baseline: Build, candidate: Build) -> DriftVerdict:
    return compare_builds(
        baseline,
        candidate,
        check.cells(),
        core=choose_core(check.core),
        limits=check.limits,
        seconds=check.seconds or DEFAULT_SECONDS,
        seed=check.seed,
        progress=check.progress,
    )


def _evaluators(check: DriftCheck, baseline: Path) -> DriftVerdict:
    workload, metrics = check.programs(), check.evaluator_metrics()
    candidate, cells, timing = driver_named(check.evaluator), check.cells(), check.driver_timing()
    if baseline.is_dir():
        return compare_evaluators(
            driver_named(check.evaluator, baseline),
            candidate,
            cells,
            name=str(baseline),
            workload=workload.name,
            metrics=metrics,
            limits=check.limits,
            timing=timing,
        )
    stored = read(baseline, EvaluatorFigures)
    if check.operations != EVERY:  # the others are not missed
        ids = {cell.id for cell in cells}
        kept = {name: figure for name, figure in stored.figures.items() if name in ids}
        stored = msgspec.structs.replace(stored, figures=kept)
    found = take_figures(candidate, cells, workload.name, metrics, timing)
    return compare_figures(stored, found, cells, name=str(baseline), metrics=metrics, limits=check.limits)


def _require_only(check: DriftCheck, metric: Metric) -> None:
    for each in check.metrics:
        if each != metric:
            raise InputError(f"this check compares the metric {metric}, and --metrics asks for {each}")


def baseline_path(name: str) -> Path:
    """What the user names: a path that is there, or the baseline of that name, which is `baselines/NAME.json`."""
    path = Path(name)
    if path.exists() or not _NAME.fullmatch(name):
        return path
    return Path("baselines") / f"{name}.json"


def renew(check: DriftCheck, path: Path) -> InstructionCounts | EvaluatorFigures:
    """Write what a check compares with: instruction counts of the whole suite, or the figures of the check's evaluator.
    InputError where the file holds something else."""
    made: InstructionCounts | EvaluatorFigures
    kind = InstructionCounts if check.evaluator == NATIVE else EvaluatorFigures
    if path.exists() and _is_other(path, kind):
        raise InputError(f"{path} is not a file of {kind.__struct_config__.tag}; --renew would overwrite it")
    if check.evaluator == NATIVE:
        made = take_counts(drift_suite())
    else:
        driver, metrics = driver_named(check.evaluator), check.evaluator_metrics()
        made = take_figures(driver, check.cells(), check.programs().name, metrics, check.driver_timing())
    write_atomically(path, encode(made, indent=1))
    return made


def _is_other(path: Path, kind: type[Document]) -> bool:
    """Whether a file is JSON of another kind, such as a model. A damaged file is not."""
    try:
        return kind_of(decode_json(read_bytes(path), dict[str, object], str(path)), kind) is None
    except DecodeError:
        return False


def compare_models(
    baseline: CostModel, candidate: CostModel, cells: Sequence[Cell], limits: DriftLimits = NO_LIMITS
) -> DriftVerdict:
    """Predicted nanoseconds of one evaluation of each cell. A whole call has no price of its own and is left out.

    ModelError where a model does not price what a program uses.
    """
    priced = [cell for cell in cells if cell.work == "evaluate"]
    programs = [_program(cell) for cell in priced]
    pairs = zip(predict(baseline, programs), predict(candidate, programs), strict=True)
    drifts = tuple(
        exact_drift(
            cell.id,
            cell.operation,
            "prediction",
            was.evaluation_ns,
            now.evaluation_ns,
            limits.tolerance(cell.id, "prediction"),
        )
        for cell, (was, now) in zip(priced, pairs, strict=True)
    )
    return DriftVerdict("predicted", baseline.source, drifts)


def _program(cell: Cell) -> WorkloadProgram:
    return WorkloadProgram(
        name=cell.id,
        flat=cell.flat,
        language=LedgerLanguage(cell.language),
        protocol_version=cell.protocol_version,
        arguments=cell.arguments,
        source="drift suite",
    )
