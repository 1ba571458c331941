"""`calibrate eval` over a replay corpus."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from pathlib import Path
from typing import Any

from costmodel.cli.output import print_json, stdout, table, time_ns, visible
from costmodel.errors import InputError
from costmodel.machine.traced import Narrator
from costmodel.model import ExUnits
from costmodel.trace import Trace
from costmodel.workloads.corpus import load_corpus
from costmodel.workloads.evaluation import CaseResult, replay


def evaluate_corpus(path: Path, trace: Trace, *, as_json: bool) -> int:
    """Replays a corpus and compares success and ExUnits; 0 if all agree, else 1."""
    results = [replay(evaluation) for evaluation in load_corpus(path)]
    if narrator := Narrator.of(trace):
        for result in results:
            if result.outcome is None:
                narrator.refuse(result.refused or "", case=result.case)
            else:
                narrator.tell(result.outcome, case=result.case, nanoseconds=result.evaluate_ns)
    if not results:
        raise InputError(f"{path}: the corpus has no cases")
    exact = sum(result.exact for result in results)
    if as_json:
        print_json(
            {
                "cases": [_document(result) for result in results],
                "exact": exact,
                "latency_ns": {name: _latency(times) for name, times in _times(results).items()},
            }
        )
    else:
        _show(results, exact)
    return 0 if exact == len(results) else 1


def _times(results: list[CaseResult]) -> dict[str, list[int]]:
    return {
        "decode": [result.decode_ns for result in results],
        "evaluate": [result.evaluate_ns for result in results if result.outcome is not None],
    }


def _latency(times: list[int]) -> dict[str, float]:
    if not times:
        return {}
    tail = statistics.quantiles(times, n=20, method="inclusive")[-1] if len(times) > 1 else float(times[0])
    return {"median": statistics.median(times), "p95": tail, "max": max(times), "total": sum(times)}


def _document(result: CaseResult) -> dict[str, Any]:
    outcome = result.outcome
    return {
        "id": result.case,
        "exact": result.exact,
        "status": "refused" if outcome is None else outcome.status.value,
        "error": result.refused if outcome is None else outcome.error,
        "ex_units": None if outcome is None else asdict(outcome.spent),
        "expected": {
            "success": result.expected_success,
            "ex_units": None if result.expected is None else asdict(result.expected),
        },
        "decode_ns": result.decode_ns,
        "evaluate_ns": result.evaluate_ns,
    }


def _show(results: list[CaseResult], exact: int) -> None:
    console = stdout()
    for result in results:
        if not result.exact:
            console.print(f"miss: {visible(result.case)}", markup=False, soft_wrap=True)
            console.print(f"  expected {_expected(result)}", markup=False, soft_wrap=True)
            console.print(f"  actual   {_actual(result)}", markup=False, soft_wrap=True)
    console.print(f"{exact} of {len(results)} cases exact", markup=False)
    rows = [
        (name, *(time_ns(value) for value in _latency(times).values()))
        for name, times in _times(results).items()
        if times
    ]
    headings = (
        ("wall time", "left"),
        ("median", "right"),
        ("95th percentile", "right"),
        ("longest", "right"),
        ("all", "right"),
    )
    console.print(table(None, headings, rows))


def _units(units: ExUnits | None) -> str:
    return "" if units is None else f", cpu {units.cpu}, mem {units.mem}"


def _expected(result: CaseResult) -> str:
    return ("success" if result.expected_success else "failure") + _units(result.expected)


def _actual(result: CaseResult) -> str:
    if result.outcome is None:
        return f"refused: {result.refused}"
    reason = f" ({result.outcome.error})" if result.outcome.error else ""
    return f"{result.outcome.status.value}{reason}{_units(result.outcome.spent)}"
