"""Scores of a whole workload: how far off its predictions are, all together; by what one more turn of a loop, or one
more application of an operation, is missed; and models to beat.

Programs of one name at several counts differ by that alone, so a margin has nothing in it of what a program costs once:
its start, its operands, the call around it.

A baseline predicts the time of a program as one factor times a single figure of it. The factor is the median of
observed time over that figure, over the very programs that are judged: a baseline is fitted to what it is tried on,
which the model is not, so it looks better than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.judging.estimate import Estimate
from costmodel.predict.counts import Prediction
from costmodel.records.validation import Timed
from costmodel.workloads import WorkloadProgram

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

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


def summarise(
    work: Timed,
    labels: list[str],
    predicted_ns: Floats,
    observed_ns: Floats,
    drawn: Floats,
    families: Sequence[str] = (),
    seed: int = 0,
) -> Summary:
    """The summary of times by program. `drawn` are the ratios as they may be, shape (draws, programs).

    With `families`, one for each program, every draw also takes as many families as there are, with replacement: a
    workload is a sample of contracts, and programs of one contract are not independent (the cluster bootstrap, Davison
    and Hinkley 1997, section 3.8). Without them, intervals are of these very programs.
    """
    ratios = observed_ns / predicted_ns
    most, least = int(np.argmax(ratios)), int(np.argmin(ratios))
    deviations, logs = np.abs(ratios - 1), np.log(ratios)
    chosen = _chosen(families, len(drawn), seed) if families else [np.arange(len(labels))] * len(drawn)
    samples = [np.abs(draw[places] - 1) for draw, places in zip(drawn, chosen, strict=True)]
    return Summary(
        work=work,
        programs=len(labels),
        median=interval(float(np.median(deviations)), np.array([np.median(sample) for sample in samples])),
        p95=interval(float(np.quantile(deviations, 0.95)), np.array([np.quantile(sample, 0.95) for sample in samples])),
        spread=float(np.expm1(logs.std(ddof=1))) if len(logs) > 1 else 0.0,
        undercharged=Extreme(labels[most], float(ratios[most])),
        overcharged=Extreme(labels[least], float(ratios[least])),
        slope=_slope(predicted_ns, observed_ns),
        r2=_explained(np.log(observed_ns), logs, np.log(drawn), chosen),
    )


def _chosen(families: Sequence[str], draws: int, seed: int) -> list[Places]:
    """For each draw the places of the programs of as many families as there are, drawn with replacement."""
    members = [np.flatnonzero(np.array(families) == name) for name in dict.fromkeys(families)]
    rng = np.random.default_rng([seed, len(members)])
    return [
        np.concatenate([members[at] for at in row]) for row in rng.integers(len(members), size=(draws, len(members)))
    ]


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


def _explained(observed_logs: Floats, logs: Floats, drawn_logs: Floats, chosen: Sequence[Places]) -> Estimate | None:
    whole = _r2(observed_logs, logs)
    if len(logs) < _FEWEST_FOR_A_LINE or whole is None:
        return None
    drawn = [_r2(observed_logs[places], draw[places]) for draw, places in zip(drawn_logs, chosen, strict=True)]
    return interval(whole, np.array([found for found in drawn if found is not None]))


def _r2(observed_logs: Floats, logs: Floats) -> float | None:
    variance = float(np.square(observed_logs - observed_logs.mean()).sum())
    return 1 - float(logs @ logs) / variance if variance > 0 else None


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


@dataclass(frozen=True, slots=True)
class Baseline:
    """One such model: `factor` nanoseconds for each unit of its figure, and how it does."""

    name: str
    factor: float
    summary: Summary


_FIGURES: Final[Mapping[str, Callable[[Prediction], int]]] = {
    "one constant per step": lambda prediction: sum(prediction.steps.values()),
    "the ledger's model, rescaled": lambda prediction: prediction.ex_units.cpu,
}


def baselines(work: Timed, predictions: Sequence[Prediction], observed_ns: Floats) -> tuple[Baseline, ...]:
    """The baselines on the observed times of these programs."""
    found = []
    for name, figure_of in _FIGURES.items():
        figures = np.array([figure_of(prediction) for prediction in predictions], np.float64)
        factor = float(np.median(observed_ns / figures))
        labels = [prediction.program.label for prediction in predictions]
        ratios = observed_ns / (factor * figures)
        found.append(Baseline(name, factor, summarise(work, labels, factor * figures, observed_ns, ratios[None, :])))
    return tuple(found)
