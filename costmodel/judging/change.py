"""What becomes of an operation between two measurements, and how many are judged together."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from costmodel.records.figures import ExitCode


class Change(StrEnum):
    """What became of an operation. Inconclusive never reads as unchanged."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"

    @classmethod
    def of(cls, ratio: float, tolerance: float) -> Change:
        """Of a ratio that is known exactly, candidate over baseline."""
        if ratio > 1 + tolerance:
            return cls.REGRESSED
        return cls.IMPROVED if ratio < 1 - tolerance else cls.UNCHANGED

    @property
    def exit_code(self) -> ExitCode:
        """0 nothing became slower, 1 something did, 3 inconclusive."""
        codes: dict[Change, ExitCode] = {Change.REGRESSED: 1, Change.INCONCLUSIVE: 3}
        return codes.get(self, 0)


def worst(changes: Iterable[Change]) -> Change:
    """Of all together: one regression decides; short of that, one inconclusive one leaves the whole inconclusive."""
    found = set(changes)
    order = (Change.REGRESSED, Change.INCONCLUSIVE, Change.IMPROVED)
    return next((change for change in order if change in found), Change.UNCHANGED)


def holm(p_values: NDArray[np.float64], family: int | None = None) -> NDArray[np.float64]:
    """P-values of any shape as one family, adjusted (S. Holm, Scandinavian Journal of Statistics 6, 1979).

    A `family` larger than their number has that many hypotheses more which were tested and not rejected.
    """
    flat = p_values.ravel()
    order = np.argsort(flat, kind="stable")
    left = (family or len(flat)) - np.arange(len(flat))
    adjusted = np.empty_like(flat)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(flat[order] * left))
    return adjusted.reshape(p_values.shape)
