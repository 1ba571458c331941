"""How the errors of a model's coefficients hang together, so that any prediction can be given an interval.

Builtins share the no-op that is taken off their times, steps share their cells, and all share the processes that they
were timed in: their errors are far from independent. The jackknife says what each process adds to each error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student_t

from costmodel.fit.builtins import BuiltinFit
from costmodel.fit.coefficient import rounded
from costmodel.fit.lack_of_fit import LackOfFit
from costmodel.fit.resample import Replicates
from costmodel.fit.steps import StepsFit

Floats = NDArray[np.float64]

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class JointErrors:
    """Errors of the p coefficients `names`, e.g. cekVarCost or addInteger.slope.

    `parts_ps` is R × p. A prediction Σ c·coefficient has the standard error √Σ(parts_ps @ c)², and its 95 % interval
    reaches `t` of these to either side. Errors are those before any constraint. `lack` adds to the first of the
    coefficients, those of the steps, what programs differ by beyond that.
    """

    names: tuple[str, ...]
    parts_ps: Floats
    t: float
    lack: LackOfFit

    def half_width(self, counts: Sequence[float]) -> float:
        """Half the 95 % interval of a prediction, ps; `counts` multiplies each coefficient."""
        return self.t * float(np.linalg.norm(self.parts_ps @ np.array(counts, np.float64)))

    def to_json(self) -> dict[str, object]:
        return {
            "t": rounded(self.t),
            "parts_ps": {
                name: [rounded(value, _DIGITS) for value in column.tolist()]
                for name, column in zip(self.names, self.parts_ps.T, strict=True)
            },
            "lack_of_fit": {
                "t": rounded(self.lack.t),
                "scatter": rounded(self.lack.scatter),
                "parts_ps": {
                    name: [rounded(value, _DIGITS) for value in column.tolist()]
                    for name, column in zip(self.names, self.lack.parts_ps.T, strict=False)
                },
            },
        }


def errors_of(steps: StepsFit, builtins: Sequence[BuiltinFit], replicates: Replicates) -> JointErrors:
    """The joint errors of all step and builtin coefficients, a row for each process."""
    names = [coefficient.name for coefficient in steps.coefficients]
    columns = list(steps.replicates_ps.T)
    if steps.footprint is not None:
        names.append(steps.footprint.coefficient.name)
        columns.append(steps.footprint.replicates_ps)
    for fit in builtins:
        names += [f"{fit.name}.{name}" for name in fit.priced.names]
        columns += list(fit.priced.unconstrained.T)
    parts = replicates.errors(np.column_stack(columns))
    return JointErrors(tuple(names), parts, float(student_t.ppf(0.975, replicates.freedom)), steps.lack)
