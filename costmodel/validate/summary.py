"""Scores of a whole workload: how far off its predictions are, all together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.judging.estimate import Estimate
from costmodel.records.validation import Timed

Floats = NDArray[np.float64]

_FEWEST_FOR_A_LINE: Final = 3
_TAIL: Final = 2.5  # per cent either side of a 95 % interval


class Extreme(NamedTuple):
    """A program at one end of a workload, and its ratio of observed to predicted."""

    program: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Summary:
    """How `programs` observed times r = observed/predicted are off, timed as `work` says.

    `median` and `p95` are the median and the 95th percentile of |r − 1|; `spread` is the geometric standard deviation
    of r, less 1. `undercharged` is the program with the largest r, `overcharged` with the smallest. On the logarithmic
    scale `slope` is that of observed on predicted, and `r2` the share of the variance of observed times that the
    predictions themselves explain, 1 − Σ(ln r)²/Σ(ln observed − mean)²: no line is fitted, so a constant factor counts
    against it, and it can be negative. Both are None where fewer than three programs or equal times define no line.
    """

    work: Timed
    programs: int
    median: Estimate
    p95: Estimate
    spread: float
    undercharged: Extreme
    overcharged: Extreme
    slope: float | None
    r2: Estimate | None


def summarise(work: Timed, labels: list[str], predicted_ns: Floats, observed_ns: Floats, drawn: Floats) -> Summary:
    """The summary of times by program. `drawn` are the ratios as they may be, shape (draws, programs)."""
    ratios = observed_ns / predicted_ns
    most, least = int(np.argmax(ratios)), int(np.argmin(ratios))
    deviations, drawn_deviations = np.abs(ratios - 1), np.abs(drawn - 1)
    logs = np.log(ratios)
    return Summary(
        work=work,
        programs=len(labels),
        median=interval(float(np.median(deviations)), np.median(drawn_deviations, axis=1)),
        p95=interval(float(np.quantile(deviations, 0.95)), np.quantile(drawn_deviations, 0.95, axis=1)),
        spread=float(np.expm1(logs.std(ddof=1))) if len(logs) > 1 else 0.0,
        undercharged=Extreme(labels[most], float(ratios[most])),
        overcharged=Extreme(labels[least], float(ratios[least])),
        slope=_slope(predicted_ns, observed_ns),
        r2=_explained(observed_ns, logs, np.log(drawn)),
    )


def interval(value: float, drawn: Floats) -> Estimate:
    """A value with the 95 % interval of its draws, which holds it whatever they are."""
    low, high = np.percentile(drawn, [_TAIL, 100 - _TAIL])
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def _slope(predicted_ns: Floats, observed_ns: Floats) -> float | None:
    x, y = np.log(predicted_ns), np.log(observed_ns)
    x, y = x - x.mean(), y - y.mean()
    if len(x) < _FEWEST_FOR_A_LINE or not x @ x > 0:
        return None
    return float(x @ y / (x @ x))


def _explained(observed_ns: Floats, logs: Floats, drawn_logs: Floats) -> Estimate | None:
    centred = np.log(observed_ns) - np.log(observed_ns).mean()
    variance = float(centred @ centred)
    if len(logs) < _FEWEST_FOR_A_LINE or not variance > 0:
        return None
    return interval(1 - float(logs @ logs) / variance, 1 - (drawn_logs**2).sum(axis=1) / variance)
