"""Evaluators behind one small interface: exact ExUnits, counts, results. The native one is the first."""

from costmodel.machine.interface import Machine, Outcome, Status
from costmodel.machine.native import BuildInfo, Features, NativeMachine, Script, build_info

__all__ = ["BuildInfo", "Features", "Machine", "NativeMachine", "Outcome", "Script", "Status", "build_info"]
