"""From runs to one robust time for every cell in every process, with the machine's changes of state cancelled.

A batch's time is divided by the yardsticks of its block, each to a power: those powers that leave processes differing
least in that run. Where the machine yardstick is off in one process, by its layout there, and the cells are not, it is
trusted less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from msgspec.structs import asdict
from numpy.typing import NDArray

from costmodel.errors import Inconclusive, InputError
from costmodel.fit.uncertainty import Clusters
from costmodel.model import MAX_COST, StepKind, Variant, variant_for
from costmodel.plutus.language import LedgerLanguage
from costmodel.records.run import DesignCell, RunStatus
from costmodel.runs.means import COLUMNS, HASH_YARDSTICK, YARDSTICKS, steadiest, trimmed_means
from costmodel.runs.store import Run

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

BUILTINS, STEPS, CALLS = "builtins", "steps", "calls"
"""The experiments that a fit uses."""

_NOP_PREFIX = "nop"


@dataclass(frozen=True, slots=True, order=True)
class ObservedCell:
    """One timed work item, equal in all runs that have it.

    `sizes` are in the measures of the operation (words for most builtins; bytes and nodes for calls). `repeats` is how
    often one evaluation applies the operation, `steps` its step counts in the order of StepKind, `builtins` how often
    it applies each builtin, by name, `features` what else was counted, by name, `footprint` how many different nodes of
    its program it computes (0: not known), `arguments` the number of its arguments. `program` is the checksum of the
    program of a part of a call, which tells what belongs together; `occurrence` numbers cells that agree in everything
    else.
    `sizes_by_measure` has the sizes by other measures, by name, where they differ. A `witness` has operands that a
    search for worst inputs found, and is another cell than an ordinary one of the same sizes.
    """

    experiment: str
    operation: str
    sizes: tuple[int, ...]
    repeats: int
    steps: tuple[int, ...]
    builtins: tuple[tuple[str, int], ...]
    arguments: int
    variant: Variant
    program: str = ""
    occurrence: int = 0
    footprint: int = 0
    features: tuple[tuple[str, float], ...] = ()
    sizes_by_measure: tuple[tuple[str, tuple[int, ...]], ...] = ()
    witness: bool = False


def cells_of(planned: Sequence[DesignCell], where: str) -> dict[str, ObservedCell]:
    """The cells of a design that a fit uses, by their ids in it. InputError, naming `where`, for a malformed one.

    Nothing in a cell depends on the design's ids or order of timing, nor, but for parts of calls, on constants, so
    designs that differ in these only give equal cells.
    """
    cells: dict[str, ObservedCell] = {}
    occurrences: Counter[ObservedCell] = Counter()
    for plan in planned:
        if plan.experiment not in (BUILTINS, STEPS, CALLS):
            continue
        cell = _cell(plan, where)
        if cell.experiment == CALLS:
            cell = replace(cell, program=plan.program)
        cells[plan.id] = replace(cell, occurrence=occurrences[cell])
        occurrences[cell] += 1
    return cells


def _cell(plan: DesignCell, where: str) -> ObservedCell:
    kinds = {kind.name.lower(): kind for kind in StepKind}
    counts = [0] * len(StepKind)
    for name, count in plan.steps.items():
        if name not in kinds or not 0 <= count <= MAX_COST:
            raise InputError(f"{where}: cell {plan.id!r} counts {count} steps of kind {name!r}, which cannot be")
        counts[kinds[name]] = count
    if any(not 0 <= size <= MAX_COST for size in (*plan.sizes, plan.footprint)):
        raise InputError(f"{where}: cell {plan.id!r} has a size that is negative or beyond 64 bits")
    if any(not 0 <= count <= MAX_COST for count in plan.features.values()):
        raise InputError(f"{where}: cell {plan.id!r} has a feature that is negative or beyond 64 bits")
    try:
        language = LedgerLanguage(plan.language)
    except ValueError as error:
        raise InputError(f"{where}: cell {plan.id!r} has the unknown ledger language {plan.language!r}") from error
    return ObservedCell(
        experiment=plan.experiment,
        operation=plan.operation,
        sizes=plan.sizes,
        repeats=plan.repeats,
        steps=tuple(counts),
        builtins=tuple(sorted((name, count) for name, count in plan.builtins.items() if count)),
        footprint=plan.footprint,
        features=tuple(sorted((name, float(count)) for name, count in plan.features.items())),
        sizes_by_measure=tuple(sorted(plan.sizes_by_measure.items())),
        arguments=len(plan.arguments),
        variant=variant_for(language, plan.protocol_version),
        witness=plan.witness,
    )


def is_nop(name: str) -> bool:
    """Whether this names a builtin that does nothing, which models do not price."""
    return name.startswith(_NOP_PREFIX)


def nop_name(arity: int, forces: int) -> str:
    """The name of the builtin that does nothing with `arity` arguments after `forces` forces."""
    return f"{_NOP_PREFIX}{arity}_{forces}"


_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Powers of the first of two yardsticks that are tried; the other has the rest."""

_STAGE_SHARE = 0.95
"""A process with fewer cells than this share of another's belongs to a later stage of the session."""


@dataclass(frozen=True, slots=True)
class Observations:
    """What runs observed of C cells in P processes.

    `logs` is P × C: the trimmed mean of log ns of one evaluation, brought to the state of the machine in which the
    yardstick takes `reference_yardstick_ns`, if there is one; NaN where a process has too few clean batches of the
    cell. `yardsticks` names the columns whose geometric mean the yardstick is; `hash_yardstick_ns` the median of the
    hash one, which alone does not depend on what else a session times. `uncertain` has the reason for each cell that
    missed its precision, `lost` the cells of which no process had enough clean batches.
    """

    cells: tuple[ObservedCell, ...]
    logs: Floats
    clusters: Clusters
    reference_yardstick_ns: float | None
    hash_yardstick_ns: float | None
    yardsticks: tuple[str, ...]
    yardstick_powers: tuple[dict[str, float], ...]
    uncertain: dict[ObservedCell, str]
    lost: tuple[ObservedCell, ...]
    clean_batches: int
    disturbed_batches: int

    def columns(self, experiment: str) -> list[int]:
        """The columns of an experiment's cells."""
        return [i for i, cell in enumerate(self.cells) if cell.experiment == experiment]


def check_runs(runs: Sequence[Run]) -> None:
    """InputError, naming the run, unless all are whole, unharmed, different, and of one machine and evaluator."""
    if not runs:
        raise InputError("no run to fit; name at least one run folder")
    for i, run in enumerate(runs):
        if run.manifest.status is not RunStatus.COMPLETE:
            raise InputError(
                f"{run.path} is not complete ({run.manifest.status}); "
                f"finish it with: calibrate measure --resume {run.path}"
            )
        run.verify()
        for other in runs[:i]:
            _check_alike(run, other)


def _check_alike(run: Run, other: Run) -> None:
    a, b = run.manifest, other.manifest
    if a.run == b.run:
        raise InputError(f"{run.path} and {other.path} are the same run; name it once")
    if a.machine != b.machine:
        different = _first_difference(asdict(a.machine), asdict(b.machine))
        raise InputError(f"{run.path} and {other.path} are of unlike machines ({different} differs); fit them apart")
    clocks = [manifest.clock.name for manifest in (a, b)]
    if clocks[0] != clocks[1]:
        raise InputError(f"{run.path} and {other.path} are of unlike clocks ({clocks[0]}, {clocks[1]}); fit them apart")
    if a.evaluator != b.evaluator:
        different = _first_difference(a.evaluator, b.evaluator)
        raise InputError(f"{run.path} and {other.path} timed unlike evaluators ({different} differs); fit them apart")


def _first_difference(a: Mapping[str, object], b: Mapping[str, object]) -> str:
    return next(key for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key))


def observe(runs: Sequence[Run]) -> Observations:
    """Read the clean batches of `runs`. InputError where they have no step cells, or what no fit can use;
    Inconclusive where they have too few.

    A cell of which no process has enough clean batches is left out, with the reason in `lost`.
    """
    cells_by_run = [cells_of(run.design.cells, str(run.path)) for run in runs]
    everything = tuple(sorted({cell for cells in cells_by_run for cell in cells.values()}))
    if not any(cell.experiment == STEPS for cell in everything):
        raise InputError(
            f"{runs[0].path}: no run has step cells, and without step costs nothing can be fitted; measure them "
            "too, with `calibrate measure --experiment builtins,steps`"
        )
    column = {cell: i for i, cell in enumerate(everything)}
    read = [
        _clean(run, {name: column[cell] for name, cell in cells.items()})
        for run, cells in zip(runs, cells_by_run, strict=True)
    ]
    yardsticks = _usable_yardsticks(read, runs[0].path)
    references = {name: _reference([batches.yardsticks[name] for batches in read], read) for name in yardsticks}
    found = [_corrected(batches, references, len(everything)) for batches in read]
    logs = np.vstack([means for means, _ in found])
    lost = np.asarray(np.isnan(logs).all(axis=0))
    steps = np.array([cell.experiment == STEPS for cell in everything])
    if lost[steps].all():
        raise Inconclusive(f"{runs[0].path}: too few clean batches of every step cell; measure longer")
    designs = [frozenset(cells.values()) for cells in cells_by_run]
    return Observations(
        cells=tuple(cell for cell, gone in zip(everything, lost, strict=True) if not gone),
        logs=logs[:, ~lost],
        clusters=_clusters(read, designs, runs, logs),
        reference_yardstick_ns=float(np.exp(np.mean([p for _, p in found], axis=0) @ np.log([*references.values()]))),
        hash_yardstick_ns=references.get(HASH_YARDSTICK),
        yardsticks=yardsticks,
        yardstick_powers=tuple(
            {name: float(p) for name, p in zip(yardsticks, powers, strict=True)} for _, powers in found
        ),
        uncertain=_uncertain(runs, cells_by_run),
        lost=tuple(cell for cell, gone in zip(everything, lost, strict=True) if gone),
        clean_batches=sum(len(batches.columns) for batches in read),
        disturbed_batches=sum(batches.disturbed for batches in read),
    )


@dataclass(frozen=True, slots=True)
class _CleanBatches:
    """A run's n clean batches: process from 0, block, column and log ns of one evaluation; yardsticks by name (ns)."""

    processes: Indices
    blocks: Indices
    columns: Indices
    log_ns: Floats
    yardsticks: dict[str, Floats]
    disturbed: int

    @property
    def process_count(self) -> int:
        return int(self.processes.max()) + 1


def _clean(run: Run, column: dict[str, int]) -> _CleanBatches:
    """The clean batches of the cells in `column` (cell id to column)."""
    table = run.table(COLUMNS)
    names, codes = _encoded(table["cell"])
    columns = np.array([column.get(name, -1) for name in names], np.intp)[codes]
    disturbances, disturbance = _encoded(table["disturbance"])
    ours = columns >= 0
    clean = ours & np.array([name == "" for name in disturbances], np.bool_)[disturbance]
    if not clean.any():
        raise Inconclusive(f"{run.path} has no clean batches; measure again on a quieter machine")
    values = {name: table[name].to_numpy()[clean] for name in COLUMNS if name not in ("cell", "disturbance")}
    per_evaluation = values["ns"] / values["iterations"]
    if not (np.isfinite(per_evaluation) & (per_evaluation > 0)).all():
        raise InputError(f"{run.path} has a batch that took no time; its samples cannot be used")
    return _CleanBatches(
        processes=np.unique(values["process"], return_inverse=True)[1].astype(np.intp),
        blocks=values["block"].astype(np.intp),
        columns=columns[clean],
        log_ns=np.log(per_evaluation),
        yardsticks={name: values[name].astype(np.float64) for name in YARDSTICKS},
        disturbed=int(ours.sum() - clean.sum()),
    )


def _encoded(column: pa.ChunkedArray) -> tuple[list[str], Indices]:
    """A column of texts as its different values and, for each row, the number of its value."""
    texts = column.cast(pa.string()).combine_chunks().dictionary_encode()
    return texts.dictionary.to_pylist(), texts.indices.to_numpy().astype(np.intp)


def _usable_yardsticks(read: Sequence[_CleanBatches], where: Path) -> tuple[str, ...]:
    """The yardsticks that every clean batch has: the same for all, lest some times be measured by another rod."""
    usable = tuple(
        name
        for name in YARDSTICKS
        if all((np.isfinite(batches.yardsticks[name]) & (batches.yardsticks[name] > 0)).all() for batches in read)
    )
    if not usable:
        raise InputError(f"{where}: the runs have no yardstick in common; measure again")
    return usable


def _clusters(
    read: Sequence[_CleanBatches], designs: Sequence[frozenset[ObservedCell]], runs: Sequence[Run], logs: Floats
) -> Clusters:
    """Processes of all runs in order; runs of the same cells form a group, which needs two processes at least."""
    group_of = {design: i for i, design in enumerate(dict.fromkeys(designs))}
    counts = [batches.process_count for batches in read]
    group = np.repeat([group_of[design] for design in designs], counts).astype(np.intp)
    for i, run in enumerate(runs):
        if int((group == group_of[designs[i]]).sum()) < 2:
            raise Inconclusive(f"{run.path} has one process, and its spread cannot be told from one; measure longer")
    present = np.split((~np.isnan(logs)).sum(axis=1), np.cumsum(counts)[:-1])
    return Clusters(
        run=np.repeat(np.arange(len(runs)), counts).astype(np.intp),
        group=group,
        stratum=np.concatenate([_strata(cells) for cells in present]),
    )


def _strata(present: Indices) -> Indices:
    """Number the stages of a session: from the numbers of cells that its processes have, in order.

    A session drops cells that are precise, so its later processes have fewer. A new stage begins where a process has
    visibly fewer cells than the stage's first, and it holds two processes at least.
    """
    strata = np.zeros(len(present), np.intp)
    start = 0
    for i in range(1, len(present)):
        stage = strata[i - 1]
        if present[i] < _STAGE_SHARE * present[start] and i - start >= 2 and i + 1 < len(present):
            stage, start = stage + 1, i
        strata[i] = stage
    return strata


def _reference(values: Sequence[Floats], read: Sequence[_CleanBatches]) -> float:
    """Median of a yardstick over all blocks of all runs, in ns: the state of the machine that the model speaks of."""
    blocks = []
    for batches, yard in zip(read, values, strict=True):
        _, first = np.unique(batches.processes * (int(batches.blocks.max()) + 1) + batches.blocks, return_index=True)
        blocks.append(yard[first])
    return float(np.median(np.concatenate(blocks)))


def _means(batches: _CleanBatches, correction: Floats, columns: int) -> Floats:
    """Processes × `columns`: trimmed means of the corrected log times, NaN where there is too little."""
    groups = batches.processes * columns + batches.columns
    means = trimmed_means(batches.log_ns + correction, groups, batches.process_count * columns)
    return means.reshape(batches.process_count, columns)


def _corrected(batches: _CleanBatches, references: Mapping[str, float], columns: int) -> tuple[Floats, Floats]:
    """Processes × `columns`: trimmed means of log times, brought to the state of the machine in which the yardsticks
    take what `references` says, and NaN where there is too little; and the power of each yardstick."""
    deviations = np.array([np.log(batches.yardsticks[name] / reference) for name, reference in references.items()])
    powers = _powers(batches, deviations, columns)
    return _means(batches, -(powers @ deviations), columns), powers


def _powers(batches: _CleanBatches, deviations: Floats, columns: int) -> Floats:
    """By which power of each yardstick (rows of `deviations`, logs) times are to be divided, 1 altogether: those that
    leave processes differing least, over all cells alike."""
    count = len(deviations)
    usual = np.full(count, 1 / count)
    if count < 2:
        return usual
    tried = [usual, *(np.array([share, 1 - share]) for share in _SHARES)]
    return tried[steadiest(_means(batches, -(powers @ deviations), columns) for powers in tried)]


def _uncertain(runs: Sequence[Run], cells_by_run: Sequence[dict[str, ObservedCell]]) -> dict[ObservedCell, str]:
    """Cells whose sessions missed the target, unless another run of the same cells met it."""
    reasons: dict[ObservedCell, str] = {}
    met: set[ObservedCell] = set()
    for run, cells in zip(runs, cells_by_run, strict=True):
        for name, cell in cells.items():
            if name in run.manifest.uncertain:
                reasons.setdefault(cell, run.manifest.uncertain[name])
            else:
                met.add(cell)
    return {cell: reason for cell, reason in reasons.items() if cell not in met}
