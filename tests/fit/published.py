"""The official benchmark results as points of a fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from costmodel.fit.costing import PricedFunction, fit_function
from costmodel.fit.regression import Rounding
from costmodel.fit.uncertainty import Clusters, Replicates
from costmodel.model import Variant, ledger_model
from costmodel.plutus.builtins import BUILTIN_BY_NAME


def official_fit(shared_data: Path, builtin: str) -> PricedFunction:
    """The builtin's costing function of variant E, fitted to the official times as upstream does: weights all equal."""
    sizes, seconds = _points(shared_data, builtin[0].upper() + builtin[1:])
    _, (around, *_) = _points(shared_data, f"Nop{BUILTIN_BY_NAME[builtin].arity}o")
    costs = np.tile((np.array(seconds) - around) * 1e12, (103, 1))
    clusters = Clusters(*np.zeros((3, 2), np.intp))
    function = ledger_model(Variant.E).builtins[builtin].cpu
    replicates = Replicates(costs, clusters, 1.0, 1, 0.0, np.zeros(len(sizes), np.bool_))
    return fit_function(function, sizes, costs, np.ones(len(sizes)), replicates, rounding=Rounding.CEILING)


def _points(shared_data: Path, benchmark: str) -> tuple[list[tuple[int, ...]], list[float]]:
    """Argument sizes and mean time (s) of each point of a benchmark."""
    sizes, seconds = [], []
    with (shared_data / "official" / "benching-conway.csv").open(encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.partition(",")
            head, *numbers = name.split("/")
            if head == benchmark:
                sizes.append(tuple(map(int, numbers)))
                seconds.append(float(rest.split(",")[0]))
    return sizes, seconds
