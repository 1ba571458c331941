"""Sections about runs: noise and discards over a session, drift over many runs, and their provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import msgspec
import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from costmodel.report.colours import Palette
from costmodel.report.content import Cell, Column, Flagged, Level, Plot, Section, Table
from costmodel.report.models import facts_table
from costmodel.report.text import count_cell, percent, share_cell, signed
from costmodel.runs.anomalies import pool_findings, run_findings
from costmodel.runs.design import Cell as Timed
from costmodel.runs.means import HASH_YARDSTICK, YARDSTICKS, process_means
from costmodel.runs.store import Run
from costmodel.trace import Severity

_MOST_LINES: Final = 6  # operations in the plot of drift: as many as there are colours
_COLUMNS: Final = ("cell", "operation", "process", "block", "order", "iterations", "ns", "gate", *YARDSTICKS)
_MOST_UNCERTAIN: Final = 200
_LEVELS: Final[dict[Severity, Level]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
    Severity.DEBUG: "info",
}


def run_flags(runs: Sequence[Run]) -> Iterator[Flagged]:
    """Every anomaly, and cells that missed their precision."""
    findings = [finding for run in runs for finding in run_findings(run.path)]
    for finding in (*findings, *(pool_findings(runs) if len(runs) > 1 else ())):
        yield Flagged(_LEVELS[finding.severity], finding.kind.value, finding.where, finding.text)
    for run in runs:
        if run.manifest.uncertain:
            text = f"{len(run.manifest.uncertain)} of {len(run.design.cells)} cells missed their precision"
            yield Flagged("info", "uncertain", run.name, text)


def run_sections(runs: Sequence[Run]) -> Iterator[Section]:
    """The drift over all runs, then each run."""
    frames = [run.samples(_COLUMNS) for run in runs]
    if len(runs) > 1:
        yield _over_time(runs, frames)
    for run, samples in zip(runs, frames, strict=True):
        yield _session(run, samples)
        yield _provenance(run)


def _session(run: Run, samples: pd.DataFrame) -> Section:
    outcome = {
        key: f"{value:.4g}" if isinstance(value, float) else str(value) for key, value in run.manifest.outcome.items()
    }
    tables = [
        facts_table("Outcome", {"status": run.manifest.status.value, "because": run.manifest.status_reason} | outcome)
    ]
    gated = samples.loc[samples["gate"] != "", "gate"].value_counts()
    if len(gated):
        columns = (Column("gate"), Column("batches", True), Column("of all", True))
        rows = tuple(
            (Cell(str(gate)), count_cell(count), share_cell(count / len(samples))) for gate, count in gated.items()
        )
        tables.append(Table("Discarded batches, by what disturbed them", columns, rows))
    if run.manifest.uncertain:
        listed = sorted(run.manifest.uncertain.items())[:_MOST_UNCERTAIN]
        caption = f"Cells that missed their precision ({len(listed)} of {len(run.manifest.uncertain)})"
        reasons = tuple((Cell(cell), Cell(reason)) for cell, reason in listed)
        tables.append(Table(caption, (Column("cell"), Column("reason")), reasons))
    plots: tuple[Plot, ...] = ()
    if len(samples):
        blocks = _blocks(samples)
        share = float(blocks["gated"].sum() / blocks["batches"].sum())
        processes = blocks["process"].nunique()
        words = f"{len(blocks)} blocks of {processes} processes; {percent(share)} of batches were discarded."
        plots = (
            Plot(f"session-{run.name}", "Noise and discards over the session", words, partial(_draw_session, blocks)),
        )
    intro = "Yardsticks are fixed loads that are timed in every block: what moves them is the machine."
    return Section(f"Session of {run.name}", intro, plots, tuple(tables))


def _blocks(samples: pd.DataFrame) -> pd.DataFrame:
    """A row for each block, in the order of timing: yardsticks, batches, gated batches."""
    groups = samples.assign(gated=samples["gate"] != "").groupby(["process", "block"], sort=True)
    blocks = groups.agg(
        **{name: (name, "median") for name in YARDSTICKS}, batches=("gated", "size"), gated=("gated", "sum")
    )
    return blocks.reset_index()


def _draw_session(blocks: pd.DataFrame, canvas: Canvas, palette: Palette) -> None:
    above, below = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    at = np.arange(len(blocks))
    for name, colour, marker in zip(YARDSTICKS, palette.series, "os", strict=False):
        relative = 100 * (blocks[name] / blocks[name].median() - 1)
        label = name.removeprefix("yardstick_").removesuffix("_ns")
        above.plot(at, relative, marker, color=colour, markersize=2.5, label=f"{label} yardstick")
    below.bar(at, 100 * blocks["gated"] / blocks["batches"], color=palette.alarm, width=1.0, linewidth=0)
    for place in np.flatnonzero(np.diff(blocks["process"])) + 0.5:
        for axes in (above, below):
            axes.axvline(place, color=palette.faint, linewidth=0.8)
    above.set_ylabel("off the median (%)")
    below.set_ylabel("discarded (%)")
    below.set_xlabel("block, in the order of timing; vertical lines part processes")
    above.legend()


def _over_time(runs: Sequence[Run], frames: Sequence[pd.DataFrame]) -> Section:
    """How the times of operations, against the hash yardstick, moved from run to run."""
    order = sorted(range(len(runs)), key=lambda i: (runs[i].manifest.created, runs[i].name))
    moved = _moved([_cell_logs(runs[i], frames[i]) for i in order])
    yardsticks = [float(frames[i][HASH_YARDSTICK].median()) if len(frames[i]) else float("nan") for i in order]
    last = moved.apply(_last, axis=1) if len(moved) else pd.Series(dtype=float)
    worst = last.abs().sort_values(ascending=False, kind="stable").index
    columns = (Column("run"), Column("created"), Column("hash yardstick (ns)", True), Column("off the first", True))
    rows = tuple(
        (
            Cell(runs[i].name),
            Cell(runs[i].manifest.created),
            count_cell(None if np.isnan(yard) else round(yard, 1)),
            Cell("–") if np.isnan(yard) else Cell(signed(yard / yardsticks[0] - 1), yard / yardsticks[0] - 1),
        )
        for i, yard in zip(order, yardsticks, strict=True)
    )
    changes = tuple(
        (Cell(str(name)), count_cell(int(moved.loc[name].notna().sum())), Cell(signed(last[name]), float(last[name])))
        for name in worst
    )
    tables = [Table("Runs", columns, rows)]
    plots: tuple[Plot, ...] = ()
    if changes:
        heads = (Column("operation"), Column("runs", True), Column("last against first", True))
        tables.append(Table("Change of each operation, measured against the hash yardstick", heads, changes))
        words = f"The largest change from first to last run is {changes[0][2].text}, of {worst[0]}."
        title = "Drift over the runs"
        plots = (Plot("drift", title, words, partial(_draw_drift, moved.loc[worst[:_MOST_LINES]], len(runs))),)
    intro = (
        "Median, over an operation's cells, of the change since the first run that has the cell. The plot has the "
        "operations that moved most."
    )
    return Section("Drift over time", intro, plots, tuple(tables))


def _moved(logs: Sequence[pd.Series[float]]) -> pd.DataFrame:
    """Rows are operations, columns are runs: the median, over the cells that an operation has in this run and in one
    before it, of the logarithmic change since the first run that has the cell. NaN where there is none."""
    cells = pd.concat([log for log in logs if len(log)], axis=1, keys=[i for i, log in enumerate(logs) if len(log)])
    repeated = cells[cells.notna().sum(axis=1) > 1]
    changes = repeated.sub(repeated.bfill(axis=1).iloc[:, 0], axis=0)
    return changes.groupby(level="operation").median().reindex(columns=range(len(logs)))


def _last(row: pd.Series[float]) -> float:
    return float(np.expm1(row.dropna().iloc[-1]))


def _cell_logs(run: Run, samples: pd.DataFrame) -> pd.Series[float]:
    """For each cell the mean over processes of log(time/hash yardstick), by operation, cell and the hash of what it
    does: a cell of the same name in another run may be another program."""
    if samples.empty:
        return pd.Series(dtype=float)
    means = process_means(samples, yardsticks=(HASH_YARDSTICK,)).mean(axis=1).dropna()
    cells = {cell.id: (cell.operation, cell.id, _content(cell)) for cell in run.design.cells}
    index = pd.MultiIndex.from_tuples(
        [cells[str(name)] for name in means.index], names=["operation", "cell", "content"]
    )
    return pd.Series(means.to_numpy(), index=index)


def _content(cell: Timed) -> str:
    return hashlib.sha256(msgspec.json.encode((cell.work, cell.repeats, cell.flat, cell.arguments))).hexdigest()


def _draw_drift(moved: pd.DataFrame, count: int, canvas: Canvas, palette: Palette) -> None:
    axes = canvas.subplots()
    for colour, marker, name in zip(palette.series, "os^Dvx", moved.index, strict=False):
        axes.plot(np.arange(count), 100 * np.expm1(moved.loc[name]), marker=marker, color=colour, label=str(name))
    axes.axhline(0, color=palette.ink, linewidth=0.8)
    axes.set_xticks(np.arange(count), [str(number + 1) for number in range(count)])
    axes.set_xlabel("run, oldest first")
    axes.set_ylabel("change (%)")
    axes.legend(ncols=2)


def _provenance(run: Run) -> Section:
    manifest = run.manifest
    cpu = manifest.machine.get("cpu")
    machine = {key: str(value) for key, value in manifest.machine.items() if not isinstance(value, dict | list)}
    machine |= {key: str(value) for key, value in cpu.items()} if isinstance(cpu, dict) else {}
    head = {
        "experiment": manifest.experiment,
        "created": manifest.created,
        "command line": " ".join(manifest.command_line),
        "design": manifest.design_sha256,
        "seed": str(manifest.seed),
        "clock": str(manifest.clock.get("name", "unknown")),
        "first message": _moment(manifest.messages.first),
        "last message": _moment(manifest.messages.last),
    }
    facts = [("run", name, fact) for name, fact in manifest.files.items()]
    facts += [("input", name, fact) for name, fact in manifest.inputs.items()]
    files = tuple((Cell(kind), Cell(name), count_cell(fact.bytes), Cell(fact.sha256)) for kind, name, fact in facts)
    counts = tuple((Cell(kind), count_cell(count)) for kind, count in manifest.messages.counts.items())
    tables = (
        facts_table("Run", head),
        Table("Files and inputs", (Column("of"), Column("file"), Column("bytes", True), Column("SHA-256")), files),
        Table("Messages", (Column("kind"), Column("count", True)), counts),
        facts_table("Versions", manifest.versions),
        facts_table("Machine", machine),
    )
    return Section(f"Provenance of {run.name}", tables=tables)


def _moment(ns: int | None) -> str:
    return "–" if not ns else str(np.datetime64(ns, "ns")) + " UTC"
