"""Imported runs: builtins alone, from whole times of benchmarks, less the no-op of as many arguments.

A benchmark of upstream's kind is a program that applies one builtin once. The same program with a builtin that does
nothing takes everything but the builtin's own work, so the difference is the builtin's cost, as in upstream's own
procedure. All that follows is the engine's own: relative errors weigh alike, the intervals that were imported are those
of the points, and shapes, flags and envelopes are as for runs of one's own. Steps and calls were not measured, and the
model does not price them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from costmodel.errors import InputError
from costmodel.fit.builtins import Applications
from costmodel.fit.costing import relative_scales
from costmodel.fit.envelope import Points, reads
from costmodel.fit.observations import Observations, ObservedCell, cells_of, is_nop
from costmodel.fit.uncertainty import Clusters, Replicates
from costmodel.model import CostModel, Variant
from costmodel.plutus.builtins import BUILTIN_BY_NAME
from costmodel.runs.bounds import DRAWS, drawn, is_imported
from costmodel.runs.store import Run

Floats = NDArray[np.float64]

UNKNOWN_SIZE = 0
"""Stands for the size of an argument that the benchmark's name does not tell and the cost does not depend on."""


def are_imported(runs: Sequence[Run]) -> bool:
    """Whether the runs were imported. InputError where some were and others not."""
    imported = [run for run in runs if is_imported(run)]
    if imported and len(imported) < len(runs):
        other = next(run for run in runs if not is_imported(run))
        raise InputError(f"{imported[0].path} was imported and {other.path} was not; fit them apart")
    return bool(imported)


def observe_imported(runs: Sequence[Run]) -> Observations:
    """Read the means and intervals of imported runs, as draws that stand in for processes."""
    tables: list[dict[ObservedCell, Floats]] = []
    uncertain: dict[ObservedCell, str] = {}
    for run in runs:
        cells = cells_of(run.design.cells, str(run.path))
        names, logs = drawn(run)
        if set(names) != cells.keys():
            raise InputError(f"{run.path} has bounds of other cells than its design's; import it again")
        uncertain |= {cells[name]: reason for name, reason in run.manifest.uncertain.items() if name in cells}
        tables.append({cells[name]: row for name, row in zip(names, logs, strict=True)})
    everything = sorted({cell for table in tables for cell in table})
    logs = np.vstack([np.array([table.get(cell, np.full(DRAWS, np.nan)) for cell in everything]).T for table in tables])
    designs = [frozenset(table) for table in tables]
    group_of = {design: i for i, design in enumerate(dict.fromkeys(designs))}
    run_of = np.repeat(np.arange(len(runs)), DRAWS).astype(np.intp)
    return Observations(
        cells=tuple(everything),
        logs=logs,
        clusters=Clusters(
            run=run_of,
            group=np.array([group_of[designs[i]] for i in run_of], np.intp),
            stratum=np.zeros(len(run_of), np.intp),
        ),
        reference_yardstick_ns=None,
        hash_yardstick_ns=None,
        yardsticks=(),
        yardstick_powers=(),
        uncertain=uncertain,
        lost=(),
        clean_batches=sum(len(table) for table in tables),
        disturbed_batches=0,
    )


def whole_times(
    cells: Sequence[ObservedCell], columns: Sequence[int], replicates: Replicates
) -> dict[str, Applications]:
    """Each benchmark as one application of its operation, with all that its program spends around it."""
    members: dict[str, list[int]] = defaultdict(list)
    for i, cell in enumerate(cells):
        members[cell.operation].append(i)
    found = {}
    for name, indices in sorted(members.items()):
        times = replicates.times_ps[:, [columns[i] for i in indices]]
        found[name] = Applications(
            sizes=tuple(cells[i].sizes for i in indices),
            times_ps=times,
            own_ps=times,
            paired=np.zeros(len(indices), np.bool_),
            known=np.ones(len(indices), np.bool_),
            apart=np.ones(len(indices)),
            unpaired=0,
            cells=tuple((cells[i], cells[i]) for i in indices),
        )
    return found


def imported_points(
    applied: Mapping[str, Applications], replicates: Replicates, ledger: CostModel, variant: Variant
) -> tuple[dict[str, Points], dict[str, str]]:
    """The cost of every builtin at its points, and the reason for each that has none to be fitted.

    Where a builtin takes no longer than its no-op its cost is below what the program around it hides, and it is not
    fitted. Without no-ops in the runs, times are taken to be the builtins' own.
    """
    points, unfitted = {}, {}
    for name, whole in applied.items():
        if is_nop(name):
            continue
        if (reason := _unfit(name, whole, applied, ledger, variant)) is not None:
            unfitted[name] = reason
            continue
        builtin, function = BUILTIN_BY_NAME[name], ledger.builtins[name].cpu
        no_op = applied.get(_no_op(builtin.arity))
        costs = whole.times_ps if no_op is None else whole.times_ps - no_op.times_ps.mean(axis=1)[:, None]
        if costs[0].mean() <= 0:
            unfitted[name] = f"it takes no longer than the no-op of {builtin.arity} arguments"
            continue
        sizes = tuple(point + (UNKNOWN_SIZE,) * (builtin.arity - len(point)) for point in whole.sizes)
        errors = np.linalg.norm(replicates.errors(costs), axis=0)
        scales = relative_scales(function, sizes, costs[0], errors)
        points[name] = Points(function, sizes, costs, scales, whole.times_ps[0], whole.known)
    return points, unfitted


def without_no_ops(applied: Mapping[str, Applications]) -> tuple[str, ...]:
    """What to warn of: numbers of arguments whose builtins have nothing taken off."""
    arities = sorted({BUILTIN_BY_NAME[name].arity for name in applied if not is_nop(name)})
    missing = [str(arity) for arity in arities if _no_op(arity) not in applied]
    if not missing:
        return ()
    return (
        f"no benchmark of a no-op with {', '.join(missing)} arguments: costs hold what their programs spend around",
    )


def _no_op(arity: int) -> str:
    return f"nop{arity}"


def _unfit(
    name: str, whole: Applications, applied: Mapping[str, Applications], ledger: CostModel, variant: Variant
) -> str | None:
    """Why a builtin cannot be fitted, or None."""
    builtin = BUILTIN_BY_NAME[name]
    if name not in ledger.builtins:
        return f"{ledger.source} has no shape for it"
    counts = {len(point) for point in whole.sizes}
    if len(counts) > 1:
        return f"its benchmarks have {', '.join(map(str, sorted(counts)))} sizes, so they cannot be taken together"
    (count,) = counts
    read = reads(ledger.builtins[name].cpu)
    if count > builtin.arity or (read and count <= max(read)):
        return f"its benchmarks have {count} sizes, and it has {builtin.arity} arguments"
    if any(builtin.size_measures(cell.variant) != builtin.size_measures(variant) for cell, *_ in whole.cells):
        return f"its sizes were taken in a measure that variant {variant} does not use"
    if any(_no_op(n) in applied for n in range(1, 7)) and _no_op(builtin.arity) not in applied:
        return f"no benchmark of a no-op with {builtin.arity} arguments, which others have"
    return None
