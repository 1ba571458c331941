"""Validation: workloads replayed, predicted time against observed, a verdict."""

from costmodel.validate.replay import validate
from costmodel.validate.score import DEFAULT_TOLERANCE, Estimate, Status
from costmodel.validate.verdict import VERDICT_SCHEMA_VERSION, Score, Verdict

__all__ = ["DEFAULT_TOLERANCE", "VERDICT_SCHEMA_VERSION", "Estimate", "Score", "Status", "Verdict", "validate"]
