"""What a session knows so far: batches and discards, estimates per process, precision per cell, and what is left to do.

A cell is looked at after `min_processes` processes, and then after half as many again each time (5, 8, 12, 18, 27, 40).
Its first look within the target is its last; a pair of cells whose difference is wanted goes on until both are within.
Between looks nothing is decided.

A cell that stops early is one whose processes happened to agree, so its own variance is believed only as far as the
others bear it out (`judging.moderation`). Where processes scatter normally, 94 to 97 % of 95 % intervals hold, those of
cells that stopped at their first look included, whatever the target and whether cells are alike or half of them vary
six times as much (tests/timing/test_tally.py). Where all scatter exponentially, 88 to 93 % hold over all cells; of the
cells that stopped at their first look, 80 % where the standard deviation between processes is 3 %. What no look can
know is that one process in twenty is far off, of a cell of which none was.

How many blocks a process gives to a cell follows the variances found so far: blocks = √(c₁/c₂ · s₂²/s₁²) for the costs
and variances of starting a process (c₁, s₁²) and of timing a block (c₂, s₂²) (Kalibera & Jones, Rigorous benchmarking
in reasonable time, ISMM 2013), within bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from costmodel.errors import Inconclusive
from costmodel.judging.moderation import half_widths
from costmodel.records.run import NATIVE
from costmodel.runs.design import FEWEST_BLOCKS, Plan
from costmodel.runs.means import block_yardstick, choices_for, process_means, steadiest
from costmodel.runs.tables import Sample
from costmodel.timing.plan import groups

_DISCARD_CAP: Final = 0.8  # what is left is still clean; beyond it a session hardly moves
_DISCARD_MINIMUM: Final = 1000  # batches before the rate is judged: a neighbour may be gone in a moment
_LOOK_GROWTH: Final = 1.5
_MOST_BLOCKS: Final = 4  # times the plan's, for a cell whose blocks differ much and its processes little
_TIMED_TO_START: Final = 4  # blocks take so many times what their process takes to start, or the start is most of it
_COLUMNS: Final = ["cell", "process", "iterations", "ns", "disturbance", "yardstick_hash_ns", "yardstick_machine_ns"]


class Tally:
    """Takes samples as they come, and looks at the precision when a process has ended."""

    def __init__(self, plan: Plan, earlier: pd.DataFrame) -> None:
        """`earlier` are the samples that a resumed run holds already."""
        self._plan = plan
        self._choices = choices_for(plan.evaluator)
        self._ids = pd.Index([cell.id for cell in plan.cells])
        self._groups = groups(plan.cells)
        self._looks = list(_looks(plan.min_processes, plan.max_processes))
        self._current: list[Sample] = []
        self._current_disturbed = 0
        self._chosen = 0
        self._all_means = [pd.DataFrame(index=self._ids) for _ in self._choices]
        self._all_spreads = [pd.DataFrame(index=self._ids) for _ in self._choices]
        self._batches = pd.Series(0, index=self._ids)
        self._disturbed = pd.Series(0, index=self._ids)
        self.next_process = int(earlier["process"].max()) + 1 if len(earlier) else 0
        self.half_widths = pd.Series(np.inf, index=self._ids)
        self.active = np.ones(len(self._ids), dtype=bool)
        every = pd.Series(True, index=self._ids)
        for _, rows in earlier.groupby("process"):
            self._take(rows)
            if self.processes in self._looks:  # and at no other time, or to resume would be one look more
                self._find_precision(every)
                self._decide()
        self._find_precision(every)

    @property
    def _means(self) -> pd.DataFrame:
        """By the yardsticks that leave processes differing least so far, as the fit will choose them: one process in
        which one of them ran slowly says nothing about its cells."""
        return self._all_means[self._chosen]

    @property
    def _spread(self) -> pd.DataFrame:
        return self._all_spreads[self._chosen]

    @property
    def processes(self) -> int:
        """Processes that have measured something."""
        return self._means.shape[1]

    @property
    def batches(self) -> int:
        return int(self._batches.sum())

    @property
    def disturbed(self) -> int:
        return int(self._disturbed.sum())

    @property
    def discard_rate(self) -> float:
        """The share of all batches that were disturbed, those of the process under way included."""
        batches = self.batches + len(self._current)
        return (self.disturbed + self._current_disturbed) / batches if batches else 0.0

    @property
    def cells_done(self) -> int:
        """Cells with processes enough and an interval within the target."""
        return int((self._within() & self._enough()).sum())

    @property
    def precise(self) -> bool:
        """Whether enough processes have measured every cell well enough."""
        return not self.active.any()

    def add(self, samples: list[Sample]) -> None:
        """Inconclusive where too many batches are disturbed for the rest to be believed."""
        self._current += samples
        self._current_disturbed += sum(sample.disturbance != "" for sample in samples)
        if self.batches + len(self._current) >= _DISCARD_MINIMUM and self.discard_rate > _DISCARD_CAP:
            raise Inconclusive(
                f"{self.discard_rate:.0%} of the batches were disturbed by other work on core {self._plan.core}; "
                "stop that work or choose another core, then resume the run"
            )

    def end_process(self) -> None:
        """Take in the process whose samples were added last, whole or not, and look if a look is due. Several at once
        may be taken when a session is halted."""
        if self._current:
            frame = pd.DataFrame.from_records(map(msgspec.structs.asdict, self._current), columns=_COLUMNS)
            chosen = self._chosen
            for _, rows in frame.groupby("process"):
                self._take(rows)
            self._current, self._current_disturbed = [], 0
            latest = self._means.iloc[:, -1].notna()
            self._find_precision(latest if chosen == self._chosen else latest | True)
            if self.processes in self._looks:
                self._decide()

    def drop(self, cell: str) -> None:
        """Measure a cell no more."""
        self.active &= self._ids != cell

    def _take(self, rows: pd.DataFrame) -> None:
        process = int(rows["process"].iloc[0])
        for choice, all_means, all_spreads in zip(self._choices, self._all_means, self._all_spreads, strict=True):
            all_means[process] = process_means(rows, yardsticks=choice).get(process, np.nan)
            all_spreads[process] = _spread(rows, choice)
        self._chosen = steadiest(means.to_numpy(np.float64).T for means in self._all_means)
        self._batches = self._batches.add(rows["cell"].value_counts(), fill_value=0)
        self._disturbed = self._disturbed.add(rows.loc[rows["disturbance"] != "", "cell"].value_counts(), fill_value=0)

    def _find_precision(self, cells: pd.Series[bool]) -> None:
        """Of these cells; nothing is new of the others."""
        if self.processes:
            found = half_widths(self._means.to_numpy(dtype=np.float64), self._plan.min_processes)
            self.half_widths[cells] = found[cells.to_numpy()]

    def _decide(self) -> None:
        """Drop the groups of cells that are all done."""
        done = (self._within() & self._enough()).to_numpy()
        for group in self._groups:
            self.active[group] &= not done[group].all()

    def _within(self) -> pd.Series[bool]:
        return self.half_widths <= self._plan.target_half_width

    def _enough(self) -> pd.Series[bool]:
        enough: pd.Series[bool] = self._means.notna().sum(axis=1) >= self._plan.min_processes
        return enough

    def rounds(self, process_seconds: float, round_seconds: float) -> NDArray[np.int64]:
        """In how many blocks the next process is to time each cell, given what a process costs beside its blocks and
        what a round of blocks of all active cells costs, in seconds."""
        planned = self._plan.blocks_per_process
        most = _MOST_BLOCKS * planned
        # What a driver's process takes to start is mostly runs of its cells, which warm it up.
        native = self._plan.evaluator == NATIVE
        fewest = min(_TIMED_TO_START * process_seconds / round_seconds if round_seconds and native else 0, most)
        if self.processes < self._plan.min_processes:
            return np.full(len(self._ids), math.ceil(max(planned, fewest)))
        within = np.square(self._spread.median(axis=1))
        between = (self._means.var(axis=1) - within / planned).clip(lower=within / most**2)
        best = np.sqrt(process_seconds / max(round_seconds, 1e-6) * (within / between).fillna(1.0))
        blocks = best.clip(max(2 * FEWEST_BLOCKS, fewest) if native else FEWEST_BLOCKS, most).round()
        return np.asarray(blocks.to_numpy(), dtype=np.int64)

    def uncertain(self, ended_by: str) -> dict[str, str]:
        """The reason for every cell that missed the target."""
        target = self._plan.target_half_width
        counts = self._means.notna().sum(axis=1)
        reasons = {}
        for cell in self._ids[~(self._within() & self._enough())]:
            half_width = self.half_widths[cell]
            reached = f"±{half_width:.1%}" if np.isfinite(half_width) else "no interval"
            why = self._why(cell, int(counts[cell]))
            reasons[str(cell)] = f"{reached} after {counts[cell]} processes, target ±{target:.1%}: {why}{ended_by}"
        return reasons

    def _why(self, cell: str, count: int) -> str:
        """What kept a cell from its target, beside the session's end."""
        disturbed = self._disturbed[cell] / max(self._batches[cell], 1)
        if count < min(self.processes, self._plan.min_processes):
            return f"too few clean batches ({disturbed:.0%} disturbed), "
        if count < self._plan.min_processes:
            return ""
        between, within = self._means.loc[cell].std(), self._spread.loc[cell].median()
        return f"processes differ by {between:.1%}, batches of one by {within:.1%}, "


def _looks(first: int, last: int) -> Iterator[int]:
    """After how many processes to look."""
    look = first
    while look < last:
        yield look
        look = math.ceil(look * _LOOK_GROWTH)
    yield last


def _spread(rows: pd.DataFrame, yardsticks: Sequence[str]) -> pd.Series[float]:
    """By cell the standard deviation of log(time ÷ yardstick) of a process's clean batches, from their quartiles."""
    clean = rows[rows["disturbance"] == ""]
    logs = np.log(clean["ns"] / clean["iterations"] / block_yardstick(clean, yardsticks))
    by_cell = logs.groupby(clean["cell"])
    spread: pd.Series[float] = (by_cell.quantile(0.75) - by_cell.quantile(0.25)) / 1.349
    return spread
