"""Drift by instruction counts: the suite of `drift_suite` against counts stored in a file.

A count depends on the sources, the compiler, the libraries and, through the libraries' choice of code, the processor.
Our own code's counts are comparable wherever architecture and compiler are the same. The libraries' are where the very
files, valgrind and the processor's features are the same too; elsewhere the check goes on with our own code alone,
whose change is then judged as a share of the whole operation.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from costmodel import __version__
from costmodel.drift.limits import NO_LIMITS, DriftLimits
from costmodel.drift.suite import drift_suite, suite_sha256
from costmodel.drift.verdict import DriftVerdict, OperationDrift, exact_drift
from costmodel.errors import DecodeError, Inconclusive
from costmodel.files import read_bytes
from costmodel.judging.estimate import Change
from costmodel.machine import build_info
from costmodel.records import decode_json, kind_of, parse
from costmodel.records.drift import Environment, InstructionCounts
from costmodel.runs.design import Cell
from costmodel.runs.store import file_fact
from costmodel.timing.clock import cpu_flags
from costmodel.timing.icount import Count, count, tool_version

_RENEW: Final = "renew it with `make baseline`, or check on the machine that it is of"


def take_counts(cells: Sequence[Cell]) -> InstructionCounts:
    """Count cells of the suite here and now. EnvironmentFault where this machine or build cannot count."""
    counted = count(cells)
    build = build_info()
    environment = Environment(
        architecture=platform.machine(),
        compiler=build.compiler,
        libraries=build.libraries,
        objects={path.name: file_fact(path).sha256 for path in counted.objects},
        processor=hashlib.sha256(" ".join(sorted(cpu_flags())).encode()).hexdigest()[:16],
        valgrind=tool_version(),
    )
    counts = {cell.id: (found.own, found.libraries) for cell, found in zip(cells, counted.cells, strict=True)}
    return InstructionCounts(calibrate=__version__, suite_sha256=suite_sha256(), environment=environment, counts=counts)


def read_counts(path: Path) -> InstructionCounts:
    """InputError for a file that is none of counts."""
    content = read_bytes(path)
    try:
        return parse(content, str(path), InstructionCounts)
    except DecodeError as error:
        raise DecodeError(f"{error}; models need a MODEL too, figures of an evaluator --evaluator") from error


def holds_counts(path: Path) -> bool:
    """Whether a file says that it is a baseline of counts. InputError where it cannot be read."""
    try:
        return kind_of(decode_json(read_bytes(path), dict[str, Any], str(path)), InstructionCounts) is not None
    except DecodeError:
        return False


def compare_counts(
    baseline: InstructionCounts,
    candidate: InstructionCounts,
    source: str,
    limits: DriftLimits = NO_LIMITS,
) -> DriftVerdict:
    """Counts against counts, of the operations that the candidate has. Inconclusive where they are not counts of the
    same suite by the same compiler."""
    _require_comparable(baseline, candidate, source)
    differing = _differing(baseline.environment, candidate.environment)
    dominant = {cell.id: cell.operation for cell in drift_suite()}
    drifts = tuple(
        _drift(
            name,
            dominant.get(name, ""),
            Count(*baseline.counts[name]),
            Count(*now),
            limits.tolerance(name, "instructions"),
            whole=not differing,
        )
        for name, now in candidate.counts.items()
    )
    notes = [f"libraries not compared: {', '.join(differing)} differ from the baseline's"] if differing else []
    if any(drift.status is not Change.UNCHANGED for drift in drifts):
        notes.append(f"if the change is meant: calibrate drift {source} --renew (`make baseline`)")
    return DriftVerdict("deterministic", source, drifts, tuple(notes))


def _require_comparable(baseline: InstructionCounts, candidate: InstructionCounts, source: str) -> None:
    was, now = baseline.environment, candidate.environment
    if (was.architecture, _version(was.compiler)) != (now.architecture, _version(now.compiler)):
        raise Inconclusive(
            f"{source} is of {was.compiler} on {was.architecture}, this build of {now.compiler} on {now.architecture}: "
            f"their instruction counts cannot be compared; {_RENEW}"
        )
    if baseline.suite_sha256 != candidate.suite_sha256 or not candidate.counts.keys() <= baseline.counts.keys():
        raise Inconclusive(f"{source} is of another suite of programs (version {baseline.calibrate}); {_RENEW}")


def _version(compiler: str) -> str:
    """What the compiler says of itself without the name it was called by: cc and gcc are often the same."""
    return compiler.partition(" ")[2]


def _differing(was: Environment, now: Environment) -> list[str]:
    """What keeps the libraries' counts from being compared."""
    kinds = {
        "library versions": was.libraries == now.libraries,
        # A part of the suite executes a part of the libraries.
        "library files": now.objects.items() <= was.objects.items(),
        "processor features": was.processor == now.processor,
        "valgrind": was.valgrind == now.valgrind,
    }
    return [name for name, same in kinds.items() if not same]


def _drift(name: str, dominant: str, was: Count, now: Count, tolerance: float, *, whole: bool) -> OperationDrift:
    # Where libraries are not compared, they are taken as what they were.
    total = now.total if whole else now.own + was.libraries
    drift = exact_drift(name, dominant, "instructions", was.total, total, tolerance)
    own = now.own / was.own - 1
    return drift if drift.status is Change.UNCHANGED else replace(drift, note=f"own code {100 * own:+.2f} %")
