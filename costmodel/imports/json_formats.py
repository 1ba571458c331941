"""Formats of JSON: criterion for Haskell and for Rust, JMH, plutus' uplc-evaluator, and `go test -json`.

Shapes are those that the tools write: criterion 1.6 (`Report`), criterion.rs 0.5 (`estimates.json`, `sample.json`) and
cargo-criterion 1.1 (messages), JMH 1.37 (`-rf json`), uplc-evaluator of plutus 1.68, test2json of Go 1.22.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from scipy.special import ndtri, stdtrit

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.imports.measured import LEVEL, MAX_FILE_BYTES, Measured, MeasurementFile, averaged, stated, time_in_ns
from costmodel.imports.text_formats import read_go

_T = TypeVar("_T")

_MIN_SAMPLES: Final = 2


def read_json(path: Path, content: bytes) -> MeasurementFile:
    """What a JSON file holds, told by its keys. InputError for one of another kind."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        lines = content.splitlines()
        if len([line for line in lines if line.strip()]) > 1:
            return _read_messages(path, lines)
        raise InputError(f"{path}: no JSON: {error}") from error
    if isinstance(document, dict):
        if "reason" in document or "Action" in document:
            return _read_messages(path, [content])
        for key, (_, read) in _BY_KEY.items():
            if key in document:
                return read(path, document)
    if isinstance(document, list):
        return _read_list(path, document)
    known = ", ".join(dict.fromkeys(name for name, _ in _BY_KEY.values()))
    raise InputError(f"{path}: JSON of no known format: neither {known}, JMH, criterion nor lines of cargo criterion")


def _read_list(path: Path, document: list[Any]) -> MeasurementFile:
    if document[:1] == ["criterion"] and len(document) == 3 and isinstance(document[2], list):
        return MeasurementFile(path, "Haskell criterion JSON", tuple(_haskell(path, document[2])))
    if document and all(isinstance(each, dict) and "reportAnalysis" in each for each in document):
        return MeasurementFile(path, "Haskell criterion JSON", tuple(_haskell(path, document)))
    if document and all(isinstance(each, dict) and "primaryMetric" in each for each in document):
        facts = {key: str(document[0][key]) for key in ("vmName", "vmVersion", "jdkVersion") if key in document[0]}
        return MeasurementFile(path, "JMH JSON", tuple(_jmh(path, document)), facts)
    if document and all(isinstance(each, dict) and "program_id" in each for each in document):
        return MeasurementFile(
            path, _EVALUATOR, tuple(_evaluated(each, f"{path}, result {i}") for i, each in _counted(document))
        )
    raise InputError(f"{path}: a JSON list that is neither of JMH nor of criterion, or that is empty")


def _counted(items: Iterable[_T]) -> Iterator[tuple[int, _T]]:
    return enumerate(items, start=1)


def _as(kind: type[_T], value: object, where: str) -> _T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{where}: {error}") from None


# criterion for Haskell


class _ConfInt(msgspec.Struct, frozen=True):
    confIntLDX: float  # noqa: N815 - the file's own name: how far the lower bound lies below the estimate
    confIntUDX: float  # noqa: N815
    confIntCL: float = 0.05  # noqa: N815 - what is left outside of the interval


class _CriterionEstimate(msgspec.Struct, frozen=True):
    estPoint: float  # noqa: N815
    estError: _ConfInt  # noqa: N815


class _Analysis(msgspec.Struct, frozen=True):
    anMean: _CriterionEstimate  # noqa: N815


class _CriterionReport(msgspec.Struct, frozen=True):
    reportName: str  # noqa: N815
    reportAnalysis: _Analysis  # noqa: N815


def _haskell(path: Path, reports: list[Any]) -> Iterator[Measured]:
    for number, each in _counted(reports):
        where = f"{path}, report {number}"
        report = _as(_CriterionReport, each, where)
        mean, error = report.reportAnalysis.anMean, report.reportAnalysis.anMean.estError
        level = error.confIntCL if error.confIntCL >= 0.5 else 1 - error.confIntCL
        ns = time_in_ns(mean.estPoint, "s", where)
        below, above = 1e9 * error.confIntLDX, 1e9 * error.confIntUDX
        yield stated(report.reportName, ns, ns - below, ns + above, where, level=level)


# criterion.rs


class _Confidence(msgspec.Struct, frozen=True):
    lower_bound: float
    upper_bound: float
    confidence_level: float = LEVEL


class _RustEstimate(msgspec.Struct, frozen=True):
    point_estimate: float
    confidence_interval: _Confidence


class _Estimates(msgspec.Struct, frozen=True):
    """`slope` is what the tool reports where it varied the number of iterations, `mean` otherwise."""

    mean: _RustEstimate
    slope: _RustEstimate | None = None


class _RustSample(msgspec.Struct, frozen=True):
    iters: list[float]
    times: list[float]


class _RustName(msgspec.Struct, frozen=True):
    full_id: str


def _rust_name(path: Path) -> str:
    """The benchmark's name, which is in `benchmark.json` beside the figures."""
    beside = path.with_name("benchmark.json")
    if not beside.is_file():
        raise InputError(
            f"{path}: no benchmark.json beside it to name the benchmark; import it where the tool wrote it"
        )
    try:
        return msgspec.json.decode(read_bytes(beside, MAX_FILE_BYTES), type=_RustName).full_id
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"{beside}: no description of a benchmark: {error}") from error


def _read_estimates(path: Path, document: dict[str, Any]) -> MeasurementFile:
    estimates = _as(_Estimates, document, str(path))
    best, bounds = (estimates.slope or estimates.mean), (estimates.slope or estimates.mean).confidence_interval
    ns = time_in_ns(best.point_estimate, "ns", str(path))
    level = bounds.confidence_level
    measured = stated(_rust_name(path), ns, bounds.lower_bound, bounds.upper_bound, str(path), level=level)
    return MeasurementFile(path, _RUST, (measured,))


def _read_sample(path: Path, document: dict[str, Any]) -> MeasurementFile:
    sample = _as(_RustSample, document, str(path))
    if len(sample.iters) != len(sample.times) or not sample.iters or min(sample.iters) <= 0:
        raise InputError(f"{path}: iters and times are no lists of samples of like length")
    times = [
        time_in_ns(time / iterations, "ns", str(path))
        for time, iterations in zip(sample.times, sample.iters, strict=True)
    ]
    return MeasurementFile(path, _RUST, (averaged(_rust_name(path), times, str(path)),))


class _Typical(msgspec.Struct, frozen=True):
    estimate: float
    lower_bound: float
    upper_bound: float
    unit: str


class _ToolMessage(msgspec.Struct, frozen=True):
    """A line of `cargo criterion --message-format=json` or, with other keys, of `go test -json`."""

    reason: str = ""
    id: str = ""
    typical: _Typical | None = None
    Action: str = ""
    Output: str = ""


def _read_messages(path: Path, lines: list[bytes]) -> MeasurementFile:
    found, output = [], []
    of_go = False
    for number, line in _counted(lines):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            message = msgspec.json.decode(line, type=_ToolMessage)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InputError(f"{where}: no message in JSON: {error}") from error
        of_go = of_go or bool(message.Action)
        output.append(message.Output if message.Action == "output" else "")
        if message.reason != "benchmark-complete":
            continue
        if message.typical is None or not message.id:
            raise InputError(f"{where}: a benchmark without id or typical time")
        typical = message.typical
        ns = [time_in_ns(value, typical.unit, where) for value in (typical.estimate, typical.upper_bound)]
        low = typical.lower_bound * ns[0] / typical.estimate
        found.append(stated(message.id, ns[0], low, ns[1], where))
    if of_go:
        return read_go(path, "".join(output).split("\n"))
    if not found:
        raise InputError(f"{path}: no message benchmark-complete in it; give `cargo criterion --message-format=json`")
    return MeasurementFile(path, "cargo criterion messages", tuple(found))


# JMH


class _Metric(msgspec.Struct, frozen=True):
    score: float
    scoreUnit: str  # noqa: N815
    scoreError: float | str = "NaN"  # noqa: N815 - JMH writes "NaN" where it has no error
    rawData: list[list[float]] = []  # noqa: N815 - a list for each fork, a score for each iteration


class _Jmh(msgspec.Struct, frozen=True):
    benchmark: str
    mode: str
    primaryMetric: _Metric  # noqa: N815
    forks: int = 1
    measurementIterations: int = 1  # noqa: N815
    params: dict[str, str] = {}


_JMH_LEVEL: Final = 0.999  # of scoreError


def _jmh(path: Path, results: list[Any]) -> Iterator[Measured]:
    for number, each in _counted(results):
        where = f"{path}, result {number}"
        result = _as(_Jmh, each, where)
        name = "/".join((result.benchmark, *result.params.values()))
        metric = result.primaryMetric
        if forks := [fork for fork in metric.rawData if fork]:
            scores = [[_jmh_ns(score, metric.scoreUnit, where) for score in fork] for fork in forks]
            # Iterations of one fork are alike in all that differs from fork to fork.
            means = [sum(fork) / len(fork) for fork in scores]
            yield averaged(name, means if len(means) >= _MIN_SAMPLES else scores[0], where)
            continue
        ns = _jmh_ns(metric.score, metric.scoreUnit, where)
        if isinstance(metric.scoreError, str):
            yield Measured(name, ns, None, where)
            continue
        freedom = max(result.forks, 1) * result.measurementIterations - 1
        if freedom < 1 or not 0 <= metric.scoreError < metric.score:
            raise InputError(f"{where}: scoreError {metric.scoreError} is no error of {metric.score}")
        half = ns * metric.scoreError / metric.score
        half *= float(ndtri(0.5 + LEVEL / 2) / stdtrit(freedom, 0.5 + _JMH_LEVEL / 2))
        yield stated(name, ns, ns - half, ns + half, where)


def _jmh_ns(score: float, unit: str, where: str) -> float:
    """A score such as 12.5 us/op, or 80 ops/ms."""
    time, _, per = unit.partition("/")
    if per == "op":
        return time_in_ns(score, time, where)
    if time != "ops":
        raise InputError(f"{where}: the unit {unit[:20]!r} is neither time/op nor ops/time")
    if score <= 0:
        raise InputError(f"{where}: {score!r} {unit} is no rate")
    return time_in_ns(1 / score, per, where)


# uplc-evaluator


class _ServiceTiming(msgspec.Struct, frozen=True):
    cpu_time_ns: float


class _OldTiming(msgspec.Struct, frozen=True):
    cpu_time_ms: float


class _ServiceResult(msgspec.Struct, frozen=True):
    """`timing_samples` is what the service writes, `measurements` what its first version wrote."""

    program_id: str
    status: str
    timing_samples: list[_ServiceTiming] = []
    measurements: list[_OldTiming] = []
    error_message: str = ""


def _evaluated(document: object, where: str) -> Measured:
    result = _as(_ServiceResult, document, where)
    if result.status != "success":
        raise InputError(f"{where}: the program {result.program_id[:80]} failed: {result.error_message[:200]}")
    times = [time_in_ns(each.cpu_time_ns, "ns", where) for each in result.timing_samples]
    times += [time_in_ns(each.cpu_time_ms, "ms", where) for each in result.measurements]
    if not times:
        raise InputError(f"{where}: no timing_samples in it")
    return averaged(result.program_id, times, where)


def _read_result(path: Path, document: dict[str, Any]) -> MeasurementFile:
    return MeasurementFile(path, _EVALUATOR, (_evaluated(document, str(path)),))


_EVALUATOR: Final = "uplc-evaluator results"
_RUST: Final = "criterion.rs JSON"

_BY_KEY: Final[Mapping[str, tuple[str, Callable[[Path, dict[str, Any]], MeasurementFile]]]] = {
    "program_id": (_EVALUATOR, _read_result),
    "iters": (_RUST, _read_sample),
    "mean": (_RUST, _read_estimates),
}
"""What a JSON object is, by a key that only this format has."""
