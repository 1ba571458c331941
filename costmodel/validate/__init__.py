"""Validation: workloads replayed, observed times against predicted ones, gates, a verdict."""

from costmodel.judging.estimate import Estimate, Status
from costmodel.validate.gates import DEFAULT_TOLERANCE, Gates
from costmodel.validate.replay import validate
from costmodel.validate.verdict import VERDICT_SCHEMA_VERSION, Score, Verdict

__all__ = [
    "DEFAULT_TOLERANCE",
    "VERDICT_SCHEMA_VERSION",
    "Estimate",
    "Gates",
    "Score",
    "Status",
    "Verdict",
    "validate",
]
