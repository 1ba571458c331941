"""Workloads: programs with arguments and expected budgets, to be replayed."""

from costmodel.workloads.folder import COUNT_ENDS_AT, from_folder
from costmodel.workloads.loops import SignatureCase, secp, signature_cases, verification_loop
from costmodel.workloads.sources import DEFAULT_SAMPLE, find_workload
from costmodel.workloads.workload import (
    DEFAULT_LANGUAGE,
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    Workload,
    WorkloadProgram,
    script_arguments,
)

__all__ = [
    "COUNT_ENDS_AT",
    "DEFAULT_LANGUAGE",
    "DEFAULT_LOOP_COUNTS",
    "DEFAULT_PROTOCOL_VERSION",
    "DEFAULT_SAMPLE",
    "SignatureCase",
    "Workload",
    "WorkloadProgram",
    "find_workload",
    "from_folder",
    "script_arguments",
    "secp",
    "signature_cases",
    "verification_loop",
]
