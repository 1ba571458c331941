"""How far ratios of observed to predicted may be off together, and how wide intervals of predicted times would have to
be.

The first by random draws of everything that is uncertain. What programs share is drawn once for all of them: the errors
of the model's measurement, and how far the state of the machine explains the difference between the model's measurement
and the replay. What an observation has for itself is drawn for each program. By what the model misses programs however
well it was measured is not drawn: that is what the ratios are to show.

The second by a workload's own misses: conformal, split by family. Programs of one contract share code, so each family
counts as one, spread evenly over its programs. The families left out and those that calibrate are never the same. What
is found is said beside the model's own intervals; no verdict depends on it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.judging.estimate import Estimate
from costmodel.predict.fitted import Predicted

Floats = NDArray[np.float64]

DRAWS: Final = 2000
_NORMAL_95: Final = 1.959963984540054  # standard errors either side in a 95 % interval
_LEAST_SHARE: Final = 0.01  # of a predicted time that a draw leaves, however unsure the model is


def draw_ratios(predictions: Sequence[Predicted], observed_ns: Sequence[Estimate], state: float, seed: int) -> Floats:
    """Ratios of observed to predicted, shape (DRAWS, programs); the same arguments give the same draws.

    `observed_ns` are in the replay's own state of the machine, `state` is the factor that brings them to the model's.
    """
    rng = np.random.default_rng(seed)
    names = sorted({error.name for predicted in predictions for error in predicted.errors})
    errors = dict(zip(names, rng.standard_normal((len(names), DRAWS)) / _NORMAL_95, strict=True))
    shift: Floats = state ** rng.uniform(0, 1, DRAWS)
    own = rng.standard_normal((len(observed_ns), DRAWS)) / _NORMAL_95
    columns = [
        shift * _observed(observed, noise) / _drawn(predicted, errors)
        for predicted, observed, noise in zip(predictions, observed_ns, own, strict=True)
    ]
    return np.column_stack(columns)


def _drawn(predicted: Predicted, errors: dict[str, Floats]) -> Floats:
    drawn = np.full(DRAWS, predicted.ns)
    for name, below, above in predicted.errors:
        drawn += errors[name] * np.where(errors[name] < 0, below, above)
    positive: Floats = np.maximum(drawn, _LEAST_SHARE * predicted.ns)
    return positive


def _observed(observed: Estimate, noise: Floats) -> Floats:
    """Log-normal about the value, each side as wide as the interval's; a side without a bound counts as a factor 2."""
    down = np.log(observed.value / observed.low) if observed.low > 0 else np.log(2)
    up = np.log(observed.high / observed.value) if np.isfinite(observed.high) else np.log(2)
    drawn: Floats = observed.value * np.exp(noise * np.where(noise < 0, down, up))
    return drawn


LEVEL: Final = 0.9  # 95 % would take 19 other families, more than most workloads have
FEWEST_FAMILIES: Final = 10  # one left out, and the nine others that a bound at this level takes


def family(name: str, loop_count: int | None) -> str:
    """What a program shares by name: the whole name of a loop, else the part before the first hyphen or underscore."""
    return name if loop_count is not None else re.split(r"[-_]", name, maxsplit=1)[0]


def miss(predicted: Estimate, observed_ns: float) -> float:
    """By how many half-widths of the predicted interval, on the side of the miss and in logarithms, it is missed."""
    if observed_ns == predicted.value:
        return 0.0
    if observed_ns > predicted.value:
        width = math.log(predicted.high / predicted.value)
    else:
        width = math.log(predicted.value / predicted.low) if predicted.low > 0 else math.inf
    return abs(math.log(observed_ns / predicted.value)) / width if width > 0 else math.inf


def scale(families: Sequence[str], misses: Sequence[float]) -> float:
    """The factor on half-widths that holds a program of one family more with a probability of at least LEVEL.

    The family to come has a share of its own, at infinity: with too few families no factor is enough.
    """
    share = 1 / (len(set(families)) + 1)
    reached = 0.0
    for found, name in sorted(zip(misses, families, strict=True)):
        reached += share / families.count(name)
        if reached >= LEVEL - 1e-9:
            return found
    return math.inf


def calibration(families: Sequence[str], misses: Sequence[float]) -> str:
    """A line for the user: how many programs the model's intervals hold, and how wide they would have to be."""
    count = len(set(families))
    held = sum(found <= 1 for found in misses) / len(misses)
    own = f"the model's own 95 % intervals hold {held:.0%} of {len(misses)} programs"
    if count < FEWEST_FAMILIES:
        return f"{own}; {count} families by name are too few to calibrate them, which takes {FEWEST_FAMILIES}"
    return (
        f"{own}; half-widths times {scale(families, misses):.2f} would hold {LEVEL:.0%} of the programs of other "
        f"contracts (conformal, {count} families by name); left out in turn, {left_out(families, misses):.0%} are held"
    )


def left_out(families: Sequence[str], misses: Sequence[float]) -> float:
    """The share of programs held by the factor that all families but their own give."""
    held = 0
    for name in set(families):
        others = [place for place, other in enumerate(families) if other != name]
        factor = scale([families[place] for place in others], [misses[place] for place in others])
        held += sum(found <= factor for found, other in zip(misses, families, strict=True) if other == name)
    return held / len(misses)
