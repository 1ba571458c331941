"""From the means of processes (costmodel/runs/means.py) to one time per cell with an interval.

The mean over the processes, with a cluster bootstrap that resamples whole processes. With few clusters a percentile
bootstrap is too narrow; its deviations are therefore widened by t(n−1)/z · sqrt(n/(n−1)) for n processes (T.
Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69, 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # scipy.stats has the same, and takes half a second to load

from costmodel.runs.means import HASH_YARDSTICK, YARDSTICKS, block_yardstick

Floats: TypeAlias = NDArray[np.float64]


def reference_yardstick(samples: pd.DataFrame, yardsticks: Sequence[str] = YARDSTICKS) -> float:
    """The median over the blocks of clean samples of what `yardsticks` come to, in ns: the machine state that estimates
    stand for."""
    clean = samples[samples["disturbance"] == ""].drop_duplicates(["process", "block"])
    return float(block_yardstick(clean, yardsticks).median())


def hash_yardstick(samples: pd.DataFrame) -> float:
    """The median hash yardstick over the blocks of clean samples, in ns.

    It compares sessions: unlike the machine yardstick it fits into registers and a few cache lines, so that it takes
    the same time whatever else its session measures.
    """
    clean = samples[samples["disturbance"] == ""].drop_duplicates(["process", "block"])
    return float(clean[HASH_YARDSTICK].median())


def estimate(
    means: pd.DataFrame, *, scale_ns: float, seed: int = 0, replicates: int = 2000, level: float = 0.95
) -> pd.DataFrame:
    """One row per cell of `process_means`: value_ns, low_ns, high_ns (of one iteration, at a yardstick of `scale_ns`;
    1 for means that were not normalised), half_width (of the interval, relative) and processes.

    With fewer than two processes the interval is infinite. The same seed gives the same intervals.
    """
    if means.empty:
        return pd.DataFrame(columns=["value_ns", "low_ns", "high_ns", "half_width", "processes"], index=means.index)
    logs = means.to_numpy(dtype=np.float64)
    counts = np.isfinite(logs).sum(axis=1)
    tail = (1 - level) / 2
    centre, low, high = _quantiles(logs, (tail, 1 - tail), seed=seed, replicates=replicates)
    widening = _widening(counts, level)
    low, high = centre + (low - centre) * widening, centre + (high - centre) * widening
    low, high = np.where(counts > 1, low, -np.inf), np.where(counts > 1, high, np.inf)
    with np.errstate(over="ignore"):
        half_width = (np.exp(high - centre) - np.exp(low - centre)) / 2
    return pd.DataFrame(
        {
            "value_ns": np.exp(centre) * scale_ns,
            "low_ns": np.exp(low) * scale_ns,
            "high_ns": np.exp(high) * scale_ns,
            "half_width": half_width,
            "processes": counts,
        },
        index=means.index,
    )


def _quantiles(logs: Floats, tails: tuple[float, float], *, seed: int, replicates: int) -> tuple[Floats, ...]:
    """Of logs[cell, process] (NaN where missing) the mean over the processes, and two quantiles of it over resamples
    of whole processes: three arrays, one element a cell.

    A cell resamples the processes that have it. Cells of the same processes share their resamples.
    """
    present, pattern = np.unique(np.isfinite(logs), axis=0, return_inverse=True)
    found = np.full((3, len(logs)), np.nan)
    for number, processes in enumerate(present):
        if not processes.any():
            continue
        rows = np.flatnonzero(pattern.reshape(-1) == number)
        values = logs[np.ix_(rows, np.flatnonzero(processes))]
        found[0, rows], boot = resampled_means(values, seed=seed, replicates=replicates)
        found[1:, rows] = np.quantile(boot, tails, axis=0)
    return found[0], found[1], found[2]


def resampled_means(logs: Floats, *, seed: int, replicates: int) -> tuple[Floats, Floats]:
    """Means over processes of logs[cell, process] (NaN where missing), and of `replicates` resamples of the processes:
    shapes (cells,) and (replicates, cells). A resample draws the same processes for all cells, so that what cells of a
    process have in common stays in common."""
    present = np.isfinite(logs)
    values = np.where(present, logs, 0.0)
    processes = logs.shape[1]
    weights = np.random.default_rng(seed).multinomial(processes, np.full(processes, 1 / processes), size=replicates)
    with np.errstate(invalid="ignore"):
        centre = values.sum(axis=1) / present.sum(axis=1)
        boot = (weights @ values.T) / (weights @ present.T.astype(np.float64))
    # A resample that has none of a cell's processes says nothing about it, and is taken for its centre.
    return centre, np.where(np.isfinite(boot), boot, centre)


def _widening(counts: NDArray[np.int64], level: float) -> Floats:
    clusters = np.maximum(counts, 2).astype(np.float64)
    quantile = (1 + level) / 2
    factor: Floats = stdtrit(clusters - 1, quantile) / ndtri(quantile) * np.sqrt(clusters / (clusters - 1))
    return factor
