"""Validation: workloads replayed, observed times against predicted ones, gates, a verdict."""

from costmodel.judging.estimate import Estimate, ScoreStatus
from costmodel.validate.replay import validate
from costmodel.validate.verdict import DEFAULT_TOLERANCE, Gates, Score, ValidationVerdict

__all__ = [
    "DEFAULT_TOLERANCE",
    "Estimate",
    "Gates",
    "Score",
    "ScoreStatus",
    "ValidationVerdict",
    "validate",
]
