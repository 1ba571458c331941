"""Models to beat: what little knowledge of a program predicts.

Each predicts the time of a program as one factor times a single figure of it. The factor is the median of observed time
over that figure, over the very programs that are judged: a baseline is fitted to what it is tried on, which the model
is not, so it looks better than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel.predict.counts import Prediction
from costmodel.records.validation import Timed
from costmodel.validate.summary import Summary, summarise

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Baseline:
    """One such model: `factor` nanoseconds for each unit of its figure, and how it does."""

    name: str
    factor: float
    summary: Summary


_FIGURES: Final[Mapping[str, Callable[[Prediction], int]]] = {
    "one constant per step": lambda prediction: sum(prediction.steps.values()),
    "the ledger's model, rescaled": lambda prediction: prediction.ex_units.cpu,
}


def baselines(work: Timed, predictions: Sequence[Prediction], observed_ns: Floats) -> tuple[Baseline, ...]:
    """The baselines on the observed times of these programs."""
    found = []
    for name, figure_of in _FIGURES.items():
        figures = np.array([figure_of(prediction) for prediction in predictions], np.float64)
        factor = float(np.median(observed_ns / figures))
        labels = [prediction.program.label for prediction in predictions]
        ratios = observed_ns / (factor * figures)
        found.append(Baseline(name, factor, summarise(work, labels, factor * figures, observed_ns, ratios[None, :])))
    return tuple(found)
