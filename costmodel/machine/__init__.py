"""Evaluators behind one interface: the native machine, with exact ExUnits and counts, and drivers of any others."""

from costmodel.machine.interface import (
    CellLost,
    EvaluationStatus,
    Evaluator,
    LoadedSubject,
    Order,
    Outcome,
    Reading,
    Subject,
    evaluator_label,
)
from costmodel.machine.native import (
    BINDERS,
    CONSTANT_CASES,
    BuildInfo,
    Features,
    NativeMachine,
    Script,
    build_info,
    exact_machine,
)

__all__ = [
    "BINDERS",
    "CONSTANT_CASES",
    "BuildInfo",
    "CellLost",
    "EvaluationStatus",
    "Evaluator",
    "Features",
    "LoadedSubject",
    "NativeMachine",
    "Order",
    "Outcome",
    "Reading",
    "Script",
    "Subject",
    "build_info",
    "evaluator_label",
    "exact_machine",
]
