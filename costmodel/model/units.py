"""Units of cost and the ledger's saturating arithmetic.

ExCPU is counted in picoseconds on the reference machine, ExMemory in 8-byte words. Both are 64-bit integers that
saturate at their bounds (`SatInt` in the Plutus sources): a sum that overflowed by wrapping would turn an enormous
cost into an affordable one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MAX_COST = 2**63 - 1
MIN_COST = -(2**63)


def saturate(value: int) -> int:
    """The nearest 64-bit signed integer to `value`."""
    return MAX_COST if value > MAX_COST else MIN_COST if value < MIN_COST else value


def sat_add(a: int, b: int) -> int:
    """a + b, saturating at the 64-bit bounds."""
    return saturate(a + b)


def sat_mul(a: int, b: int) -> int:
    """a × b, saturating at the 64-bit bounds."""
    return saturate(a * b)


def ps_to_ns(ps: int) -> float:
    """Nanoseconds in `ps` picoseconds (ExCPU)."""
    return ps / 1000


def us_to_ps(us: float) -> int:
    """The whole picoseconds that cover `us` microseconds: the ceiling, as upstream rounds fitted coefficients."""
    return math.ceil(us * 1e6)


@dataclass(frozen=True, slots=True)
class ExUnits:
    """A budget or its use: `cpu` in picoseconds, `mem` in 8-byte words. Addition saturates."""

    cpu: int
    mem: int

    def __add__(self, other: ExUnits) -> ExUnits:
        return ExUnits(sat_add(self.cpu, other.cpu), sat_add(self.mem, other.mem))
