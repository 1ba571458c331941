"""Designs of what is measured: the three experiments, builtins, steps and calls, as cells for a timing session."""

from costmodel.experiments.builtins import DESIGNED_BUILTINS
from costmodel.experiments.design import EXPERIMENTS, design_cells, flagged_design, imprecise_cells

__all__ = ["DESIGNED_BUILTINS", "EXPERIMENTS", "design_cells", "flagged_design", "imprecise_cells"]
