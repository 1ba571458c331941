"""Runs that were imported: means with intervals instead of batches.

Statistics that resample processes need something to resample. `drawn` gives them that: for each cell as many log times
as there are draws, with the cell's mean, and scattered so that Student's interval of their mean is the interval that
was imported. Draws of different cells are independent, as nothing says how the errors of foreign measurements go
together. They are made where they are used and are in no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy.special import stdtrit

from costmodel.errors import InputError
from costmodel.runs.store import Run
from costmodel.runs.tables import as_parquet

Floats: TypeAlias = NDArray[np.float64]

BOUNDS: Final = "bounds.parquet"
CLOCK: Final = "imported"
"""The name of the clock of an imported run."""

DRAWS: Final = 20
"""Of each cell: enough for a standard error that is itself good to a sixth."""

_SCHEMA: Final = pa.schema(
    [("cell", pa.string()), ("ns", pa.float64()), ("low_ns", pa.float64()), ("high_ns", pa.float64())]
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The mean time of a cell and its 95 % interval, in ns; None where none was given."""

    cell: str
    ns: float
    low_ns: float | None
    high_ns: float | None


def is_imported(run: Run) -> bool:
    """Whether a run holds means that were measured elsewhere."""
    return run.manifest.clock.name == CLOCK


def bounds_parquet(bounds: Sequence[Bounds]) -> bytes:
    """The content of the file of bounds."""
    columns = [[getattr(each, name) for each in bounds] for name in _SCHEMA.names]
    return as_parquet(pa.table(columns, schema=_SCHEMA))


def drawn(run: Run) -> tuple[list[str], Floats]:
    """The cells of an imported run and their log ns (cells × DRAWS). InputError where its bounds cannot be read."""
    path = run.path / BOUNDS
    try:
        table = pq.read_table(path, schema=_SCHEMA)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not readable as bounds of imported times: {error}") from error
    ns, low, high = (table[name].to_numpy() for name in ("ns", "low_ns", "high_ns"))
    if not (np.isfinite(ns) & (ns > 0)).all():
        raise InputError(f"{path} has a mean that is no time")
    # An interval as wide as to hold 0 says nothing below the mean, and is taken to be as wide there as above.
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.nan_to_num(np.where(low > 0, np.log(high / low) / 2, np.log(high / ns)))
    errors = half / float(stdtrit(DRAWS - 1, 0.975))
    chance = np.random.default_rng(int(run.manifest.design_sha256[:16], 16))
    scatter = chance.standard_normal((len(ns), DRAWS))
    scatter -= scatter.mean(axis=1, keepdims=True)
    scatter /= scatter.std(axis=1, ddof=1, keepdims=True)
    return table["cell"].to_pylist(), np.log(ns)[:, None] + errors[:, None] * np.sqrt(DRAWS) * scatter
