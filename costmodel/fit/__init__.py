"""From runs to a cost model: costing functions, step costs and call costs, with their uncertainty."""

from costmodel.fit.pipeline import DEFAULT_REPLICATES, Fit, fit_runs
from costmodel.fit.regression import FlagKind, Rounding
from costmodel.fit.verdict import DEFAULT_FACTOR, refuse_unusable

__all__ = ["DEFAULT_FACTOR", "DEFAULT_REPLICATES", "Fit", "FlagKind", "Rounding", "fit_runs", "refuse_unusable"]
