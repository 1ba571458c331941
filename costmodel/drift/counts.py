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
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from costmodel import __version__
from costmodel.drift.suite import drift_suite, suite_sha256
from costmodel.drift.verdict import Drift, DriftVerdict
from costmodel.errors import Inconclusive, InputError
from costmodel.files import write_atomically
from costmodel.judging.change import Change
from costmodel.judging.estimate import Estimate
from costmodel.machine import build_info
from costmodel.runs.design import Cell
from costmodel.runs.store import file_fact
from costmodel.timing.clock import cpu_flags
from costmodel.timing.icount import Count, count, tool_version

DEFAULT_COUNT_TOLERANCE: Final = 0.005

_KIND: Final = "instruction counts"
_SCHEMA_VERSION: Final = 1
_RENEW: Final = "renew it with `make baseline`, or check on the machine that it is of"


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What counts depend on beside the sources. `libraries` are versions as built, `objects` SHA-256 of the shared
    objects that were executed, by file name; `processor` is a hash over the features that libraries choose code by."""

    architecture: str
    compiler: str
    libraries: str
    objects: dict[str, str]
    processor: str
    valgrind: str


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the suite: `counts` has instructions of our own code and of libraries by operation."""

    kind: Literal["instruction counts"] = _KIND
    schema_version: int = _SCHEMA_VERSION
    calibrate: str
    suite_sha256: str
    environment: Environment
    counts: dict[str, tuple[Annotated[int, msgspec.Meta(gt=0)], Annotated[int, msgspec.Meta(ge=0)]]]


class _Kind(msgspec.Struct):
    kind: str = ""


def take_counts(cells: Sequence[Cell]) -> Baseline:
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
    return Baseline(calibrate=__version__, suite_sha256=suite_sha256(), environment=environment, counts=counts)


def write_counts(baseline: Baseline, path: Path) -> None:
    """The same counts give the same bytes."""
    write_atomically(path, msgspec.json.format(msgspec.json.encode(baseline, order="sorted"), indent=1) + b"\n")


def read_counts(path: Path) -> Baseline:
    """InputError for a file that `write_counts` did not write."""
    try:
        baseline = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(
            f"{path} is no baseline of instruction counts: {error}; --renew writes one, "
            "and to compare cost models name a MODEL too"
        ) from error
    if baseline.schema_version != _SCHEMA_VERSION:
        raise InputError(f"{path} has schema version {baseline.schema_version}; this tool reads {_SCHEMA_VERSION}")
    return baseline


def holds_counts(path: Path) -> bool:
    """Whether a file says that it is a baseline of counts. InputError where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kind).kind == _KIND
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.MsgspecError, RecursionError):
        return False


def is_other_document(path: Path) -> bool:
    """Whether a file is JSON of another kind, such as a model. A damaged file is not."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Kind).kind != _KIND
    except (OSError, msgspec.MsgspecError, RecursionError):
        return False


def compare_counts(
    baseline: Baseline, candidate: Baseline, source: str, tolerance: float = DEFAULT_COUNT_TOLERANCE
) -> DriftVerdict:
    """Counts against counts, of the operations that the candidate has. Inconclusive where they are not counts of the
    same suite by the same compiler."""
    _require_comparable(baseline, candidate, source)
    differing = _differing(baseline.environment, candidate.environment)
    dominant = {cell.id: cell.operation for cell in drift_suite()}
    drifts = tuple(
        _drift(name, dominant.get(name, ""), Count(*baseline.counts[name]), Count(*now), tolerance, whole=not differing)
        for name, now in candidate.counts.items()
    )
    notes = [f"libraries not compared: {', '.join(differing)} differ from the baseline's"] if differing else []
    if any(drift.status is not Change.UNCHANGED for drift in drifts):
        notes.append(f"if the change is meant: calibrate validate --against {source} --renew (`make baseline`)")
    return DriftVerdict("deterministic", "instructions", source, tolerance, drifts, tuple(notes))


def _require_comparable(baseline: Baseline, candidate: Baseline, source: str) -> None:
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


def _drift(name: str, dominant: str, was: Count, now: Count, tolerance: float, *, whole: bool) -> Drift:
    # Where libraries are not compared, they are taken as what they were.
    total = now.total if whole else now.own + was.libraries
    ratio = total / was.total
    status = Change.of(ratio, tolerance)
    own = now.own / was.own - 1
    note = f"own code {100 * own:+.2f} %" if status is not Change.UNCHANGED else ""
    return Drift(name, dominant, was.total, total, Estimate(ratio, ratio, ratio), status, note)
