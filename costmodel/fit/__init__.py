"""From runs to a cost model: costing functions, step costs and call costs, with their uncertainty."""

from costmodel.fit.builtins import BuiltinFit, NoOp
from costmodel.fit.calls import CallFit
from costmodel.fit.coefficient import Coefficient, Flag, FlagKind, Interval
from costmodel.fit.fitted import FittedModel, SummaryRow
from costmodel.fit.joint import Joint
from costmodel.fit.pipeline import DEFAULT_REPLICATES, fit_runs
from costmodel.fit.prices import Rounding
from costmodel.fit.steps import StepsFit

__all__ = [
    "DEFAULT_REPLICATES",
    "BuiltinFit",
    "CallFit",
    "Coefficient",
    "FittedModel",
    "Flag",
    "FlagKind",
    "Interval",
    "Joint",
    "NoOp",
    "Rounding",
    "StepsFit",
    "SummaryRow",
    "fit_runs",
]
