"""Designs of what is measured: the three experiments, builtins, steps and calls, as cells for a timing session."""

from costmodel.measure.builtins import DESIGNED_BUILTINS
from costmodel.measure.design import EXPERIMENTS, design_cells

__all__ = ["DESIGNED_BUILTINS", "EXPERIMENTS", "design_cells"]
