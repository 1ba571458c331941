"""What a step costs more in a program of which more is run.

Caches and branch predictors know a short loop by heart and a large contract but in part, so a step of the same kind
takes longer the more different nodes of its program a run computes: its footprint. No price of a step can say that. One
figure beside the prices does, found along with them: the picoseconds that any step takes more for each doubling of the
footprint. Prices hold for the typical footprint. Below `least` nodes, which is found too, less makes no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.fit.cells import Cell
from costmodel.fit.coefficient import Coefficient, rounded

Floats = NDArray[np.float64]

NAME: Final = "footprint"

_FEWEST: Final = 20
"""Programs of known footprint below which nothing can be said of it."""

_STEPS: Final = 2
"""Footprints that are tried as the least one, in each doubling."""


@dataclass(frozen=True, slots=True)
class Range:
    """The footprints that make a difference: the typical one (the median of what was measured), the least and the most.
    A program beyond them counts as having the nearest one."""

    typical: float
    least: float
    most: float

    def doublings(self, cells: Sequence[Cell]) -> Floats:
        """What the figure multiplies: doublings of the typical footprint, over all steps of each cell; 0 for a cell of
        which the footprint is not known."""
        footprints = np.array([cell.footprint or self.typical for cell in cells])
        steps = np.array([sum(cell.steps) for cell in cells], np.float64)
        found: Floats = steps * np.log2(np.clip(footprints, self.least, self.most) / self.typical)
        return found


@dataclass(frozen=True, slots=True)
class Footprint:
    """The figure, the range that it holds over, and its N replicates."""

    coefficient: Coefficient
    range: Range
    replicates_ps: Floats = field(repr=False)

    def to_json(self) -> dict[str, object]:
        return {
            "coefficients": {NAME: self.coefficient.to_json()},
            "typical": rounded(self.range.typical),
            "least": rounded(self.range.least),
            "most": rounded(self.range.most),
        }


def find_range(cells: Sequence[Cell], times_ps: Floats) -> Range | None:
    """The range with the least footprint by which one price of a step and one figure explain the times of steps best
    (relative least squares). None where too few cells, or all alike, say nothing.

    It is chosen once, from the point estimate: intervals of the figure do not hold what another choice would change.
    """
    known = np.array([cell.footprint for cell in cells if cell.footprint], np.float64)
    if len(known) < _FEWEST or known.min() == known.max():
        return None
    typical, most = float(np.median(known)), float(known.max())
    lowest, highest = np.log2([known.min(), max(typical, known.min() + 1)])
    tried = np.exp2(np.linspace(lowest, highest, 1 + int(_STEPS * (highest - lowest))))
    ranges = [Range(typical, float(least), most) for least in tried]
    return min(ranges, key=lambda found: _miss(cells, times_ps, found))


def _miss(cells: Sequence[Cell], times_ps: Floats, found: Range) -> float:
    steps = np.array([sum(cell.steps) for cell in cells], np.float64)
    design = np.column_stack([np.ones(len(cells)), steps, found.doublings(cells)]) / times_ps[:, None]
    best, *_ = np.linalg.lstsq(design, np.ones(len(cells)), rcond=None)
    missed = design @ best - 1
    return float(missed @ missed)
