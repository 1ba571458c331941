"""How far ratios of observed to predicted may be off together: random draws of everything that is uncertain.

What programs share is drawn once for all of them: the errors of the model's measurement, and how far the state of the
machine explains the difference between the model's measurement and the replay. What an observation has for itself is
drawn for each program. By what the model misses programs however well it was measured is not drawn: that is what the
ratios are to show.
"""

from __future__ import annotations

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
