"""Observed against predicted: the ratio, how sure it is, and what to call it. And what becomes of an operation between
two measurements, and how many are judged together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.records import finite
from costmodel.records.figures import EstimateRecord, ExitCode


class Estimate(NamedTuple):
    """A positive quantity and its 95 % interval. What is known exactly has an interval of no width."""

    value: float
    low: float
    high: float

    def record(self) -> EstimateRecord:
        """As documents have it."""
        return EstimateRecord(value=finite(self.value), interval=(finite(self.low), finite(self.high)))


class ScoreStatus(StrEnum):
    """What a score, or all of them together, amounts to."""

    PASSED = "pass"
    FAILED = "fail"
    INCONCLUSIVE = "inconclusive"

    @property
    def exit_code(self) -> ExitCode:
        """What the command line ends with."""
        codes: dict[ScoreStatus, ExitCode] = {ScoreStatus.PASSED: 0, ScoreStatus.FAILED: 1, ScoreStatus.INCONCLUSIVE: 3}
        return codes[self]


def ratio(observed: Estimate, predicted: Estimate) -> Estimate:
    """Observed over predicted: above 1 the model undercharges.

    The two errors come from different runs, so they are taken as independent: on the logarithmic scale each side's
    half-width is the root of the sum of the two squares that push the ratio that way.
    """
    value = observed.value / predicted.value
    down = math.hypot(_log(observed.value, observed.low), _log(predicted.high, predicted.value))
    up = math.hypot(_log(observed.high, observed.value), _log(predicted.value, predicted.low))
    return Estimate(value, value * math.exp(-down), value * math.exp(up))


def judge(ratio: Estimate, tolerance: float) -> ScoreStatus:
    """Pass where the whole interval lies within 1 ± tolerance, fail where none of it does, else inconclusive."""
    if 1 - tolerance <= ratio.low and ratio.high <= 1 + tolerance:
        return ScoreStatus.PASSED
    if ratio.high < 1 - tolerance or ratio.low > 1 + tolerance:
        return ScoreStatus.FAILED
    return ScoreStatus.INCONCLUSIVE


def overall(statuses: Iterable[ScoreStatus]) -> ScoreStatus:
    """One failure fails the whole; short of that, one inconclusive score leaves it inconclusive."""
    found = set(statuses)
    return next(
        (status for status in (ScoreStatus.FAILED, ScoreStatus.INCONCLUSIVE) if status in found), ScoreStatus.PASSED
    )


def checked_tolerance(tolerance: float, name: str = "tolerance") -> float:
    """The tolerance, a share of the predicted time; InputError unless it is above 0 and below 1."""
    if not 0 < tolerance < 1:
        raise InputError(f"{name} {tolerance:g} is not between 0 and 1; 0.05 means 5 %")
    return tolerance


def _log(above: float, below: float) -> float:
    """Logarithm of above/below, infinite where `below` has no logarithm: an estimate that may be nothing at all."""
    return math.log(above / below) if below > 0 else math.inf


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
