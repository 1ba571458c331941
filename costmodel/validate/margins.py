"""Margins: what one more turn of a loop, or one more application of an operation, takes and is predicted to take.

Programs of one name at several counts differ by that alone, so a margin has nothing in it of what a program costs once:
its start, its operands, the call around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from costmodel.judging.estimate import Estimate
from costmodel.validate.summary import interval
from costmodel.workloads import WorkloadProgram

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Margin:
    """Of the programs of one name, from the lowest of their `counts` to the highest: nanoseconds for each one more, and
    observed over predicted."""

    program: str
    counts: tuple[int, int]
    predicted_ns: float
    observed_ns: float
    ratio: Estimate


@dataclass(frozen=True, slots=True)
class Margins:
    """All margins r of a workload; `median` and `p95` are the median and the 95th percentile of |r − 1|."""

    median: Estimate
    p95: Estimate
    each: tuple[Margin, ...]


def margins(
    programs: Sequence[WorkloadProgram], predicted_ns: Floats, observed_ns: Floats, drawn: Floats
) -> Margins | None:
    """The margins of programs that come at several counts; None where none does, or none is predicted to grow.

    `drawn` are the ratios of observed to predicted as they may be, shape (draws, programs).
    """
    at: dict[str, dict[int, int]] = {}
    for place, program in enumerate(programs):
        if program.loop_count is not None:
            at.setdefault(program.name, {})[program.loop_count] = place
    found: list[Margin] = []
    columns: list[Floats] = []
    for name, places in at.items():
        low, high = min(places), max(places)
        few, many = places[low], places[high]
        predicted = float(predicted_ns[many] - predicted_ns[few])
        if not predicted > 0:
            continue
        observed = float(observed_ns[many] - observed_ns[few])
        column = (drawn[:, many] * predicted_ns[many] - drawn[:, few] * predicted_ns[few]) / predicted
        columns.append(column)
        ratio = interval(observed / predicted, column)
        found.append(Margin(name, (low, high), predicted / (high - low), observed / (high - low), ratio))
    if not found:
        return None
    off = np.abs(np.array([margin.ratio.value for margin in found]) - 1)
    drawn_off = np.abs(np.column_stack(columns) - 1)
    return Margins(
        median=interval(float(np.median(off)), np.median(drawn_off, axis=1)),
        p95=interval(float(np.quantile(off, 0.95)), np.quantile(drawn_off, 0.95, axis=1)),
        each=tuple(found),
    )
