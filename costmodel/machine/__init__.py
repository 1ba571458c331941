"""Evaluators behind one interface: the native machine, with exact ExUnits and counts, and drivers of any others."""

from costmodel.machine.interface import (
    CellLost,
    Evaluator,
    Loaded,
    Order,
    Outcome,
    Reading,
    Status,
    Subject,
    evaluator_label,
)
from costmodel.machine.native import BuildInfo, Features, NativeMachine, Script, build_info, exact_machine

__all__ = [
    "BuildInfo",
    "CellLost",
    "Evaluator",
    "Features",
    "Loaded",
    "NativeMachine",
    "Order",
    "Outcome",
    "Reading",
    "Script",
    "Status",
    "Subject",
    "build_info",
    "evaluator_label",
    "exact_machine",
]
