"""What a session knows so far: batches and discards, estimates per process, precision per cell."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import pandas as pd

from costmodel.errors import Inconclusive
from costmodel.runs.design import Plan
from costmodel.runs.means import process_means
from costmodel.runs.schema import Sample
from costmodel.timing.estimate import estimate

_DISCARD_CAP: Final = 0.8  # what is left is still clean; beyond it a session hardly moves
_DISCARD_MINIMUM: Final = 1000  # batches before the rate is judged: a neighbour may be gone in a moment
_REPLICATES: Final = 1000
_COLUMNS: Final = ["cell", "process", "iterations", "ns", "gate", "yardstick_hash_ns", "yardstick_machine_ns"]


class Tally:
    """Takes samples as they come, and looks at the precision when a process has ended."""

    def __init__(self, plan: Plan, earlier: pd.DataFrame) -> None:
        """`earlier` are the samples that a resumed run holds already."""
        self._plan = plan
        self._cells = [cell.id for cell in plan.cells]
        self.batches = len(earlier)
        self.gated = int((earlier["gate"] != "").sum())
        self._means = process_means(earlier)
        self._seen = set(earlier["process"])
        self._current: list[Sample] = []
        self.next_process = int(earlier["process"].max()) + 1 if len(earlier) else 0
        self.half_widths = pd.Series(np.inf, index=self._cells)
        self._look()

    @property
    def processes(self) -> int:
        """Processes that have measured something."""
        return len(self._seen)

    @property
    def discard_rate(self) -> float:
        return self.gated / self.batches if self.batches else 0.0

    @property
    def cells_done(self) -> int:
        return int((self.half_widths <= self._plan.target_half_width).sum())

    @property
    def precise(self) -> bool:
        """Whether enough processes have measured every cell well enough."""
        return self.processes >= self._plan.min_processes and self.cells_done == len(self._cells)

    def add(self, samples: list[Sample]) -> None:
        """Inconclusive where too many batches are gated for the rest to be believed."""
        self._current += samples
        self.batches += len(samples)
        self.gated += sum(sample.gate != "" for sample in samples)
        if self.batches >= _DISCARD_MINIMUM and self.discard_rate > _DISCARD_CAP:
            raise Inconclusive(
                f"{self.discard_rate:.0%} of the batches were disturbed by other work on core {self._plan.core}; "
                "stop that work or choose another core, then resume the run"
            )

    def end_process(self) -> None:
        """Take in the process whose samples were added last, whole or not, and look at the precision."""
        if self._current:
            rows = pd.DataFrame.from_records(map(msgspec.structs.asdict, self._current), columns=_COLUMNS)
            self._seen |= set(rows["process"])
            self._means = self._means.join(process_means(rows), how="outer")
            self._current = []
            self._look()

    def _look(self) -> None:
        if not self._means.empty:
            table = estimate(self._means, scale_ns=1.0, seed=self._plan.seed, replicates=_REPLICATES)
            self.half_widths = table["half_width"].reindex(self._cells, fill_value=np.inf)

    def uncertain(self, ended_by: str) -> dict[str, str]:
        """The reason for every cell that missed the target."""
        target = self._plan.target_half_width
        reasons = {}
        for cell, half_width in self.half_widths.items():
            if half_width > target:
                reached = f"±{half_width:.1%}" if np.isfinite(half_width) else "no interval"
                reasons[str(cell)] = f"{reached} after {self.processes} processes, target ±{target:.1%}: {ended_by}"
        return reasons
