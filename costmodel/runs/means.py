"""From the samples of a run to one robust time for every cell in every process.

Per process, the 25 %-trimmed mean of log(time ÷ yardstick) over the clean batches. Trimming follows S. M. Stigler,
Annals of Statistics 5, 1977. What disturbs a batch unseen makes it longer, never shorter; trimmed alike at
both ends, such batches would move the mean up with their number. So as many of the longest are left out beforehand as
there are more batches far above the rest than far below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from costmodel.records.run import NATIVE
from costmodel.runs.design import FEWEST_BLOCKS

Floats: TypeAlias = NDArray[np.float64]
Indices: TypeAlias = NDArray[np.intp]

HASH_YARDSTICK: Final = "yardstick_hash_ns"
YARDSTICKS: Final = (HASH_YARDSTICK, "yardstick_machine_ns")
"""The columns of the yardsticks: a hash loop, and a program on the evaluator that is measured."""


def yardsticks_for(evaluator: str) -> tuple[str, ...]:
    """The yardsticks that the times of an evaluator, as users name it, are divided by: both for the native machine,
    whose layout in a process the machine yardstick shares. A driver has a process of its own, to which that layout is
    no more than noise: of plutigo, processes differ by 1.8 % by both yardsticks, and by 0.7 % by the hash alone."""
    return YARDSTICKS if evaluator == NATIVE else (HASH_YARDSTICK,)


def choices_for(evaluator: str) -> tuple[tuple[str, ...], ...]:
    """The yardsticks by which times may be divided, the usual ones first: `steadiest` says by which."""
    usual = yardsticks_for(evaluator)
    return (usual, *((name,) for name in usual)) if len(usual) > 1 else (usual,)


COLUMNS: Final = ("cell", "process", "block", "iterations", "ns", "disturbance", *YARDSTICKS)
"""What the functions of this module need of a run's samples."""

_TRIM: Final = 0.25  # of the batches of a process, at each end

_LEAST_DEVIATION: Final = 1e-4  # processes that differ by less than this share do not differ
_LEAST_FALL: Final = 0.005
"""By so much the logarithm of what processes differ by has to fall before the usual yardsticks are not the best."""

_FENCE: Final = 3.0  # interquartile ranges beyond the quartiles, from which on a batch is far (Tukey's outer fence)


def block_yardstick(samples: pd.DataFrame, yardsticks: Sequence[str] = YARDSTICKS) -> pd.Series[float]:
    """The yardstick of each sample's block in ns: the geometric mean of the columns named."""
    product: pd.Series[float] = samples[list(yardsticks)].prod(axis=1, skipna=False)
    return product.pow(1 / len(yardsticks))


def process_means(samples: pd.DataFrame, *, yardsticks: Sequence[str] = YARDSTICKS) -> pd.DataFrame:
    """Rows are cells, columns are processes: the trimmed mean of log(ns of one iteration ÷ yardstick), NaN where a
    process has too few clean batches. Without `yardsticks`, of log(ns of one iteration)."""
    clean = samples[samples["disturbance"] == ""]
    time = clean["ns"] / clean["iterations"]
    scale = block_yardstick(clean, yardsticks) if yardsticks else 1.0
    if clean.empty:
        return pd.DataFrame(index=pd.Index([], name="cell"), columns=pd.Index([], name="process"), dtype=np.float64)
    cells, cell_names = pd.factorize(clean["cell"], sort=True)
    processes, process_numbers = pd.factorize(clean["process"], sort=True)
    logs = np.log((time / scale).to_numpy(dtype=np.float64))
    means = trimmed_means(logs, cells * len(process_numbers) + processes, len(cell_names) * len(process_numbers))
    table = pd.DataFrame(
        means.reshape(len(cell_names), -1),
        index=pd.Index(cell_names, name="cell"),
        columns=pd.Index(process_numbers, name="process"),
    )
    return table.dropna(how="all").dropna(axis=1, how="all")


def trimmed_means(values: Floats, groups: Indices, count: int) -> Floats:
    """The trimmed mean of the values of each of `count` groups, NaN of those with fewer than FEWEST_BLOCKS; `groups` is
    the group of each value, numbered from 0."""
    means = np.full(count, np.nan)
    if not len(values):
        return means
    order = np.lexsort((values, groups))
    values, groups = values[order], groups[order]
    present, starts, sizes = np.unique(groups, return_index=True, return_counts=True)
    rank = np.arange(len(groups)) - np.repeat(starts, sizes)
    kept_sizes = sizes - _excess(values, starts, sizes)
    cut = (_TRIM * kept_sizes).astype(np.intp)
    kept = (rank >= np.repeat(cut, sizes)) & (rank < np.repeat(kept_sizes - cut, sizes))
    sums = np.add.reduceat(np.where(kept, values, 0.0), starts)
    means[present] = np.where(sizes >= FEWEST_BLOCKS, sums / (kept_sizes - 2 * cut), np.nan)
    return means


def _excess(values: Floats, starts: Indices, sizes: Indices) -> Indices:
    """By how many more of each group's sorted `values` lie far above the rest than far below it."""
    quarter = (sizes - 1) // 4
    first, third = values[starts + quarter], values[starts + sizes - 1 - quarter]
    reach = _FENCE * (third - first)
    above = np.add.reduceat(values > np.repeat(third + reach, sizes), starts, dtype=np.intp)
    below = np.add.reduceat(values < np.repeat(first - reach, sizes), starts, dtype=np.intp)
    excess: Indices = np.maximum(above - below, 0)
    return excess


def steadiest(means: Iterable[Floats]) -> int:
    """Of means of the same cells by several yardsticks, each processes × cells with NaN where there is too little, the
    number of those that leave processes differing least: of the first ones unless others leave less."""
    spreads = [_between(each) for each in means]
    best = int(np.argmin(spreads))
    return best if spreads[best] < spreads[0] - _LEAST_FALL else 0


def _between(means: Floats) -> float:
    """The mean logarithm of the standard deviation between processes, over the cells that several have."""
    present = ~np.isnan(means)
    counts = present.sum(axis=0)
    centres = np.where(present, means, 0.0).sum(axis=0) / np.maximum(counts, 1)
    squares = np.square(np.where(present, means - centres, 0.0)).sum(axis=0)
    several = counts > 1
    if not several.any():
        return 0.0
    deviations = np.sqrt(squares[several] / (counts[several] - 1))
    return float(np.log(np.maximum(deviations, _LEAST_DEVIATION)).mean())
