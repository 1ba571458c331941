"""From the samples of a run to one robust time for every cell in every process.

Per process, the 25 %-trimmed mean of log(time ÷ yardstick) over the clean batches. Trimming follows S. M. Stigler,
Annals of Statistics 5, 1977.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from costmodel.runs.design import FEWEST_BLOCKS

HASH_YARDSTICK: Final = "yardstick_hash_ns"
YARDSTICKS: Final = (HASH_YARDSTICK, "yardstick_machine_ns")
"""The columns of the yardsticks: a hash loop, and a program on the evaluator that is measured."""

COLUMNS: Final = ("cell", "process", "block", "iterations", "ns", "gate", *YARDSTICKS)
"""What the functions of this module need of a run's samples."""

_TRIM: Final = 0.25  # of the batches of a process, at each end


def block_yardstick(samples: pd.DataFrame, yardsticks: Sequence[str] = YARDSTICKS) -> pd.Series[float]:
    """The yardstick of each sample's block in ns: the geometric mean of the columns named."""
    product: pd.Series[float] = samples[list(yardsticks)].prod(axis=1, skipna=False)
    return product.pow(1 / len(yardsticks))


def process_means(samples: pd.DataFrame, *, yardsticks: Sequence[str] = YARDSTICKS) -> pd.DataFrame:
    """Rows are cells, columns are processes: the trimmed mean of log(ns of one iteration ÷ yardstick), NaN where a
    process has too few clean batches. Without `yardsticks`, of log(ns of one iteration)."""
    clean = samples[samples["gate"] == ""]
    time = clean["ns"] / clean["iterations"]
    scale = block_yardstick(clean, yardsticks) if yardsticks else 1.0
    frame = clean[["cell", "process"]].assign(log=np.log(time / scale)).sort_values("log")
    groups = frame.groupby(["cell", "process"])["log"]
    rank, size = groups.cumcount(), groups.transform("size")
    cut = (_TRIM * size).astype(int)
    kept = frame[(rank >= cut) & (rank < size - cut) & (size >= FEWEST_BLOCKS)]
    return kept.groupby(["cell", "process"])["log"].mean().unstack("process")
