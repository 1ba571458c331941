"""Batches side by side: differences, verdicts, and what the variance is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from costmodel import __version__
from costmodel.batches.difference import Component, Difference, Split, difference, split, units_needed
from costmodel.batches.observe import ComparedRow, ObservedRuns, observe
from costmodel.batches.select import RunBatch, check_comparable, same_evaluator, warnings
from costmodel.errors import InputError
from costmodel.judging.estimate import Change, holm, worst
from costmodel.records import comparison as records
from costmodel.records import finite
from costmodel.records.figures import ExitCode
from costmodel.runs.anomalies import origin
from costmodel.runs.bounds import is_imported
from costmodel.runs.means import HASH_YARDSTICK, YARDSTICKS

LEVEL: Final = 0.95
DEFAULT_TOLERANCE: Final = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """One row of one pair of batches. `change` is candidate ÷ baseline − 1, with its 95 % interval.

    `p_beyond` and `p_within` are p-values after Holm, against a change within and outside the band. `needed` is how
    many units (runs, or machines) each batch should have to tell no change, or one of twice the band, with a power of
    90 %; None where no number that anybody could measure would do. `more` is how many that is beyond the smaller batch:
    None for a row that is settled, 0 where there are enough and the change is too near the band's edge to be told.
    `spread` is the standard deviation of log time of one unit (of a pair's difference, where machines timed both), by
    which units of one batch differ; infinite where nothing was repeated.
    """

    row: ComparedRow
    cells: int
    change: float
    low: float
    high: float
    p_beyond: float
    p_within: float
    status: Change
    needed: int | None
    more: int | None
    spread: float


@dataclass(frozen=True, slots=True)
class BatchPair:
    """Two batches compared. `unit` is what was repeated, `counts` how often in candidate and baseline."""

    candidate: str
    baseline: str
    unit: Literal["run", "machine"]
    counts: tuple[int, int]
    caution: str
    verdicts: tuple[RowVerdict, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` found. `tolerance` is the band: changes from 1/(1 + tolerance) − 1 to +tolerance count as none.
    `yardsticks` are what times are measured against."""

    tolerance: float
    batches: tuple[RunBatch, ...]
    yardsticks: tuple[str, ...]
    observed: ObservedRuns
    split: Split
    pairs: tuple[BatchPair, ...]
    warnings: tuple[str, ...]

    @property
    def status(self) -> Change:
        return worst(verdict.status for pair in self.pairs for verdict in pair.verdicts)

    @property
    def exit_code(self) -> ExitCode:
        return self.status.exit_code

    def document(self, command_line: Sequence[str] = ()) -> records.ComparisonDocument:
        """The document of `--json`, as docs/comparing.md describes it."""
        return records.ComparisonDocument(
            tool_version=__version__,
            command_line=tuple(command_line),
            status=self.status.value,
            exit_code=self.exit_code,
            tolerance=self.tolerance,
            level=LEVEL,
            yardsticks=self.yardsticks,
            warnings=self.warnings,
            batches=tuple(self._batch(number, batch) for number, batch in enumerate(self.batches)),
            comparisons=tuple(map(_pair, self.pairs)),
            variance=tuple(self._split(number, row) for number, row in enumerate(self.observed.rows)),
        )

    def _batch(self, number: int, batch: RunBatch) -> records.ComparedBatch:
        chosen = self.observed.batch == number
        return records.ComparedBatch(
            name=batch.name,
            runs=tuple(run.name for run in batch.runs),
            machines=tuple(sorted(set(batch.machines))),
            left_out=tuple(map(str, batch.left_out)),
            inputs=tuple(map(origin, batch.runs)),
            hash_yardstick_ns=tuple(finite(float(yard)) for yard in self.observed.yardsticks_ns[chosen]),
        )

    def _split(self, number: int, row: ComparedRow) -> records.SplitRecord:
        share = self.split.within_share
        return records.SplitRecord(
            **row._asdict(),
            within_runs=_component(self.split.within, number),
            between_runs=_component(self.split.between_runs, number),
            between_machines=_component(self.split.between_machines, number),
            within_share_of_a_runs_mean=None if share is None else finite(float(share[number])),
        )


def compare(
    candidates: Sequence[RunBatch], baselines: Sequence[RunBatch], *, tolerance: float = DEFAULT_TOLERANCE
) -> Comparison:
    """Compare every candidate with every baseline; `tolerance` is the change, as a share, that does not matter.

    InputError where there is nothing to compare: no common cells, one run on both sides, clocks of unlike units.
    """
    if not 0 < tolerance < 1:
        raise InputError(f"invalid tolerance {tolerance}; use a share between 0 and 1")
    batches = (*candidates, *baselines)
    _check_apart(candidates, baselines)
    check_comparable(batches)
    notes = warnings(batches)
    yardsticks = _yardsticks(batches)
    observed = observe(batches, yardsticks)
    if observed.left_out:
        notes.append(
            f"{observed.left_out} cells that not every run has were left out; {observed.lacking} lacks most of them"
        )
    numbers = [(i, len(candidates) + j) for j in range(len(baselines)) for i in range(len(candidates))]
    notes += [note for pair in numbers if (note := _yardstick_note(observed, batches, pair, tolerance))]
    return Comparison(
        tolerance=tolerance,
        batches=batches,
        yardsticks=tuple(yardsticks),
        observed=observed,
        split=split(observed, LEVEL),
        pairs=judge(observed, [batch.name for batch in batches], numbers, tolerance),
        warnings=tuple(notes),
    )


def _check_apart(candidates: Sequence[RunBatch], baselines: Sequence[RunBatch]) -> None:
    if not candidates or not baselines:
        raise InputError("a comparison needs a batch on either side; name runs before and after --against")
    known = {run.name: batch.name for batch in baselines for run in batch.runs}
    for batch in candidates:
        for run in batch.runs:
            if run.name in known:
                raise InputError(f"{run.path} is in {batch.name} and in {known[run.name]}; it cannot be on both sides")


def _yardsticks(batches: Sequence[RunBatch]) -> tuple[str, ...]:
    """What times are measured against: nothing for imported runs, which have no yardstick."""
    runs = [run for batch in batches for run in batch.runs]
    imported = [run for run in runs if is_imported(run)]
    if imported and len(imported) < len(runs):
        other = next(run for run in runs if not is_imported(run))
        raise InputError(f"{imported[0].path} was imported and {other.path} was not; they have no yardstick in common")
    if imported:
        return ()
    # The machine yardstick is run by the evaluator itself: a change of the evaluator would hide in it.
    return YARDSTICKS if same_evaluator(batches) else (HASH_YARDSTICK,)


def _yardstick_note(
    observed: ObservedRuns, batches: Sequence[RunBatch], pair: tuple[int, int], tolerance: float
) -> str | None:
    """What to say where the machine's own pace differs by more than the band: times are relative to it."""
    if np.isnan(observed.yardsticks_ns).any():
        return None
    logs = [float(np.log(observed.yardsticks_ns[observed.batch == number]).mean()) for number in pair]
    shift = float(np.expm1(logs[0] - logs[1]))
    if abs(shift) <= tolerance:
        return None
    candidate, baseline = (batches[number].name for number in pair)
    return f"the hash yardstick took {shift:+.1%} in {candidate} against {baseline}: times are relative to it"


def judge(
    observed: ObservedRuns, names: Sequence[str], numbers: Sequence[tuple[int, int]], tolerance: float
) -> tuple[BatchPair, ...]:
    """Judge the pairs of batches in `numbers`, candidate first, all their rows as one family."""
    band = float(np.log1p(tolerance))
    differences = [difference(observed, candidate, baseline) for candidate, baseline in numbers]
    beyond = holm(np.array([each.p_beyond(band) for each in differences]))
    within = holm(np.array([each.p_within(band) for each in differences]))
    alpha = (1 - LEVEL) / beyond.size  # what the least likely row must pass
    pairs = []
    for i, ((candidate, baseline), each) in enumerate(zip(numbers, differences, strict=True)):
        verdicts = _verdicts(observed, each, beyond[i], within[i], band, alpha)
        pairs.append(BatchPair(names[candidate], names[baseline], each.unit, each.counts, each.caution, verdicts))
    return tuple(pairs)


def _verdicts(
    observed: ObservedRuns, found: Difference, beyond: Floats, within: Floats, band: float, alpha: float
) -> tuple[RowVerdict, ...]:
    low, high = found.interval(LEVEL)
    verdicts = []
    for j, row in enumerate(observed.rows):
        status = _status(float(found.value[j]), beyond[j], within[j])
        needed = units_needed(float(found.variance[j]), float(found.variance_df[j]), band, alpha, paired=found.paired)
        settled = status is not Change.INCONCLUSIVE
        verdicts.append(
            RowVerdict(
                row=row,
                cells=observed.cells[j],
                change=float(np.expm1(found.value[j])),
                low=float(np.expm1(low[j])),
                high=float(np.expm1(high[j])),
                p_beyond=float(beyond[j]),
                p_within=float(within[j]),
                status=status,
                needed=needed,
                more=None if settled or needed is None else max(0, needed - min(found.counts)),
                spread=float(np.sqrt(found.variance[j])),
            )
        )
    return tuple(verdicts)


def _status(value: float, p_beyond: float, p_within: float) -> Change:
    if p_beyond < 1 - LEVEL:
        return Change.REGRESSED if value > 0 else Change.IMPROVED
    return Change.UNCHANGED if p_within < 1 - LEVEL else Change.INCONCLUSIVE


def _pair(pair: BatchPair) -> records.BatchPairRecord:
    return records.BatchPairRecord(
        candidate=pair.candidate,
        baseline=pair.baseline,
        unit=pair.unit,
        counts=pair.counts,
        caution=pair.caution,
        rows=tuple(map(_row, pair.verdicts)),
    )


def _row(verdict: RowVerdict) -> records.ComparedRowRecord:
    low, high = (bound if np.isfinite(bound) and bound > -1 else None for bound in (verdict.low, verdict.high))
    return records.ComparedRowRecord(
        **verdict.row._asdict(),
        cells=verdict.cells,
        change=verdict.change,
        interval=(low, high),
        p_beyond_holm=finite(verdict.p_beyond),
        p_within_holm=finite(verdict.p_within),
        verdict=verdict.status.value,
        needed=verdict.needed,
        more=verdict.more,
        spread=finite(verdict.spread),
    )


def _component(component: Component | None, number: int) -> records.ComponentRecord | None:
    """Variances as standard deviations of log time, which for small ones are relative; 0 for a negative estimate."""
    if component is None:
        return None
    low, high = float(component.low[number]), float(component.high[number])
    return records.ComponentRecord(
        sd=float(np.sqrt(max(component.variance[number], 0.0))),
        interval=(float(np.sqrt(low)), finite(float(np.sqrt(high)))),
        variance=float(component.variance[number]),
        degrees_of_freedom=component.df,
    )
