"""How often comparisons are right, counted over simulated batches: `make compare-study`, short in the tests."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from costmodel.batches import Comparison, compare, select
from costmodel.batches.comparison import judge
from costmodel.batches.difference import split
from costmodel.judging.estimate import Change
from tests.batches.simulated import Truth, many_cells, observed, write_batch

TOLERANCE = 0.01
SIZES = (0.0, TOLERANCE, 2 * TOLERANCE)


@dataclass(frozen=True)
class Rates:
    """Of `tables` tables the share with any false alarm, and the shares of their rows by verdict."""

    tables: int
    false_alarms: float
    rows: dict[Change, float]


def rates(
    seed: int,
    tables: int,
    change: float,
    *,
    runs: int,
    rows: int,
    base_runs: int | None = None,
    truth: Truth | None = None,
) -> Rates:
    """Judge tables whose rows all changed by `change`."""
    rng = np.random.default_rng(seed)
    made = truth or Truth()
    made = Truth(float(np.log1p(change)), made.machine_sd, made.run_sd, made.process_sd)
    verdicts: Counter[Change] = Counter()
    alarms = 0
    for _ in range(tables):
        seen = observed(rng, made, runs=runs, base_runs=base_runs, rows=rows)
        found = judge(seen, ("new", "old"), [(0, 1)], TOLERANCE)[0].verdicts
        verdicts.update(verdict.status for verdict in found)
        alarms += any(verdict.status in wrong(change) for verdict in found)
    return Rates(tables, alarms / tables, {status: verdicts[status] / (tables * rows) for status in Change})


def wrong(change: float) -> set[Change]:
    """The verdicts that a true change makes false. On the very edge of the band both sides are."""
    if change <= TOLERANCE - 1e-12:
        return {Change.REGRESSED, Change.IMPROVED}
    if change <= TOLERANCE + 1e-12:
        return {Change.REGRESSED, Change.IMPROVED, Change.UNCHANGED}
    return {Change.IMPROVED, Change.UNCHANGED}


def power_at_recommendation(seed: int, pilots: int, change: float, *, pilot_runs: int, rows: int) -> tuple[float, int]:
    """The share of rows settled rightly with the runs that a pilot's table asked for, and their median number."""
    rng = np.random.default_rng(seed)
    truth = Truth(float(np.log1p(change)))
    right, recommended = 0, []
    aim = Change.REGRESSED if change else Change.UNCHANGED
    for _ in range(pilots):
        pilot = judge(observed(rng, truth, runs=pilot_runs, rows=rows), ("new", "old"), [(0, 1)], TOLERANCE)[0]
        count = max(verdict.needed or pilot_runs for verdict in pilot.verdicts)
        recommended.append(count)
        final = judge(observed(rng, truth, runs=count, rows=rows), ("new", "old"), [(0, 1)], TOLERANCE)[0]
        right += sum(verdict.status is aim for verdict in final.verdicts)
    return right / (pilots * rows), int(np.median(recommended))


def components(
    seed: int, batches: int, *, runs: int, machines: int, base_runs: int | None = None
) -> dict[str, tuple[float, float]]:
    """By level the mean estimated variance over the true one, and how often its 95 % interval holds the true one."""
    truth = Truth(machine_sd=0.03)
    true = {"within": truth.process_sd**2, "between_runs": truth.run_sd**2, "between_machines": truth.machine_sd**2}
    seen = observed(np.random.default_rng(seed), truth, runs=runs, base_runs=base_runs, rows=batches, machines=machines)
    found = split(seen)
    result = {}
    for level, variance in true.items():
        component = getattr(found, level)
        held = (component.low <= variance) & (variance <= component.high)
        result[level] = float(component.variance.mean() / variance), float(held.mean())
    return result


def compared(seed: int, change: float, *, runs: int, operations: int, truth: Truth) -> Comparison:
    """As a user compares: runs on disk, all of them anew."""
    changed = Truth(float(np.log1p(change)), truth.machine_sd, truth.run_sd, truth.process_sd)
    with tempfile.TemporaryDirectory() as folder:
        new, old = (
            write_batch(Path(folder) / name, 2 * seed + number, runs, made, cells=many_cells(operations))
            for number, (name, made) in enumerate({"new": changed, "old": truth}.items())
        )
        return compare(select([str(new)]), select([str(old)]), tolerance=TOLERANCE)


def settled_on_disk(tables: int, change: float, *, operations: int) -> tuple[float, int]:
    """`power_at_recommendation` of runs on disk, of operations alone, after 6 + 6 quiet runs."""
    truth, aim = Truth(run_sd=0.003, process_sd=0.005), Change.REGRESSED if change else Change.UNCHANGED
    right, recommended = 0, []
    for seed in range(tables):
        pilot = compared(2 * seed, change, runs=6, operations=operations, truth=truth)
        recommended.append(max(verdict.needed or 6 for verdict in pilot.pairs[0].verdicts))
        final = compared(2 * seed + 1, change, runs=recommended[-1], operations=operations, truth=truth)
        right += sum(verdict.status is aim for verdict in final.pairs[0].verdicts if verdict.row.operation)
    return right / (tables * operations), int(np.median(recommended))


def main() -> None:
    """The long study, printed."""
    tables = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    write = sys.stdout.write
    for rows in (1, 20):
        for runs, base_runs in ((3, 3), (6, 6), (20, 20), (3, 20)):
            for change in SIZES:
                found = rates(rows + runs, tables, change, runs=runs, base_runs=base_runs, rows=rows)
                shares = ", ".join(f"{share:.1%} {status}" for status, share in found.rows.items())
                write(f"change {change:.0%}, {runs} + {base_runs} runs, {rows} rows: ")
                write(f"{found.false_alarms:.1%} of tables with a false verdict; rows: {shares}\n")
    for rows in (1, 10):
        for change in (0.0, 2 * TOLERANCE):
            settled, count = power_at_recommendation(rows, tables // 4, change, pilot_runs=6, rows=rows)
            write(f"change {change:.0%}, {rows} rows: power {settled:.1%} with the runs recommended after 6 + 6 ")
            write(f"(median {count} + {count})\n")
    for runs, base_runs, machines in ((6, 6, 4), (4, 9, 5)):
        for level, (ratio, held) in components(1, tables, runs=runs, base_runs=base_runs, machines=machines).items():
            write(f"{machines} machines, {runs} and {base_runs} runs each: {level} {ratio:.3f} of the truth, ")
            write(f"interval holds it {held:.1%}\n")
    for change in (0.0, 2 * TOLERANCE):
        settled, count = settled_on_disk(max(tables // 50, 1), change, operations=5)
        write(f"change {change:.0%}, runs on disk, 5 operations: power {settled:.1%} with the runs recommended ")
        write(f"(median {count} + {count})\n")


if __name__ == "__main__":
    main()
