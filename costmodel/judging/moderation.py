"""Variances of many cells moderated by one another.

Five processes say little about the variance of one cell, and a cell that stops early is one whose processes happened to
agree. What a thousand cells say together is a prior: each cell's variance is drawn towards it, the more the fewer
processes the cell has (G. K. Smyth, "Linear models and empirical Bayes methods for assessing differential expression in
microarray experiments", Statistical Applications in Genetics and Molecular Biology 3, 2004; `squeezeVar` of limma).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma, stdtrit

Floats = NDArray[np.float64]

_FEWEST = 10
"""Cells below which variances say nothing of how variances differ."""

_LEAST_SHARE = 1e-5
"""Variances below this share of the median one come from ties of the clock."""


class Prior(NamedTuple):
    """What many variances say of one: it is as if `freedom` more degrees of freedom had shown `variance`."""

    variance: float
    freedom: float

    def moderated(self, variances: Floats, freedom: Floats) -> Floats:
        """The variances (length n, each with its degrees of freedom; 0 where it has none), drawn to the prior."""
        if np.isinf(self.freedom):
            return np.full(len(variances), self.variance)
        known = np.where(freedom > 0, variances, 0.0)
        found: Floats = (self.freedom * self.variance + freedom * known) / np.maximum(self.freedom + freedom, 1e-9)
        return found


def prior_of(variances: Floats, freedom: Floats) -> Prior:
    """The prior that variances (length n) with their degrees of freedom show; one without weight for too few of them.

    The moments of log variances determine it: their spread beyond that of χ² is the spread of the true ones.
    """
    use = (freedom > 0) & np.isfinite(variances)
    if use.sum() < _FEWEST or not (variances[use] > 0).any():
        return Prior(float(np.median(variances[use])) if use.any() else 0.0, 0.0)
    s2, d = variances[use], freedom[use]
    s2 = np.maximum(s2, _LEAST_SHARE * float(np.median(s2[s2 > 0])))
    logs = np.log(s2) - digamma(d / 2) + np.log(d / 2)
    centre = float(logs.mean())
    spread = float(np.square(logs - centre).sum() / (len(logs) - 1) - polygamma(1, d / 2).mean())
    if spread <= 0:
        return Prior(float(np.exp(centre)), float("inf"))
    d0 = 2 * _inverse_trigamma(spread)
    return Prior(float(np.exp(centre + digamma(d0 / 2) - np.log(d0 / 2))), d0)


def common_freedom_cap(residuals: Floats, freedom: Floats) -> float:
    """The most degrees of freedom that a prior can have, from residuals (processes × cells, NaN where there is none).

    Cells of one process share its state. If they were one and the same cell, a thousand would say no more than one.
    """
    whole = ~np.isnan(residuals).any(axis=0)
    d = float(np.median(freedom[freedom > 0])) if (freedom > 0).any() else 1.0
    if whole.sum() < _FEWEST:  # cells of different processes: only those of the first stage have all
        rows = np.argsort(np.isnan(residuals).sum(axis=1), kind="stable")[: max(int(d) + 1, 2)]
        residuals = residuals[rows]
        whole = ~np.isnan(residuals).any(axis=0)
    values = residuals[:, whole] - residuals[:, whole].mean(axis=0) if whole.any() else residuals[:, whole]
    lengths = np.linalg.norm(values, axis=0)
    values = values[:, lengths > 0] / lengths[lengths > 0]
    n = values.shape[1]
    if n < 2 or len(values) < 2:
        return d
    # The mean squared correlation of two cells, beyond what chance gives with so few processes.
    squares = (float(np.square(values @ values.T).sum()) - n) / (n * (n - 1))
    chance = 1 / max(len(values) - 1, 1)
    shared = max((squares - chance) / max(1 - chance, 1e-9), 1 / n)
    return d / float(min(shared, 1.0))


def half_widths(logs: Floats, first: int) -> Floats:
    """Relative half-widths (length n) of the 95 % intervals of cells' means over processes, from `logs` (n × processes,
    NaN where there is none); infinite where fewer than two have the cell.

    The prior of the variances comes from the `first` processes, which measured every cell: those that follow measured
    the ones that vary most. By Bayes' rule what the data say of a variance does not depend on when the cell was
    stopped, so intervals hold for cells that stopped at good news as for the others, as far as the prior does.
    """
    freedom, variances = _spread(logs)
    early_freedom, early = _spread(logs[:, :first])
    prior = prior_of(early, early_freedom)
    own = float(np.median(early_freedom[early_freedom > 0])) if (early_freedom > 0).any() else 0.0
    added = min(prior.freedom, own, common_freedom_cap(logs[:, :first].T, early_freedom))
    errors = np.sqrt(prior.moderated(variances, freedom) / (freedom + 1))
    known = freedom > 0
    found = np.full(len(logs), np.inf)
    found[known] = np.sinh(stdtrit(freedom[known] + added, 0.975) * errors[known])
    return found


def _spread(logs: Floats) -> tuple[Floats, Floats]:
    """Degrees of freedom and variances over the columns of `logs` (0 and 0 where fewer than two are there)."""
    present = np.isfinite(logs)
    counts = present.sum(axis=1)
    values = np.where(present, logs, 0.0)
    means = values.sum(axis=1) / np.maximum(counts, 1)
    squares = np.square(np.where(present, logs - means[:, None], 0.0)).sum(axis=1)
    freedom = np.maximum(counts - 1, 0)
    return freedom.astype(np.float64), squares / np.maximum(freedom, 1)


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value: Newton's method on 1/trigamma, which is nearly linear (Smyth 2004, appendix)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x
