"""Observed against predicted: the ratio, how sure it is, and what to call it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

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
