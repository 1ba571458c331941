"""Sections about runs: noise and discards over a session, and their provenance."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec
import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from costmodel.records.run import Status
from costmodel.report.clusters import validated_section
from costmodel.report.colours import Palette
from costmodel.report.history import drift_flags, drift_sections
from costmodel.report.models import facts_table
from costmodel.report.page_model import Cell, Column, Flagged, Fold, Level, Plot, Section, Table
from costmodel.report.run_summary import Digest, Runs
from costmodel.report.text import count_cell, percent, share_cell
from costmodel.runs.anomalies import Finding, Kind, pool_findings, run_findings
from costmodel.runs.means import YARDSTICKS
from costmodel.runs.store import Run
from costmodel.trace import Severity

_MOST_UNCERTAIN: Final = 200
_MOST_BLOCKS: Final = 400  # drawn one by one; of more, the extremes of as many groups
_LEVELS: Final[dict[Severity, Level]] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "info",
    Severity.DEBUG: "info",
}


def run_flags(runs: Runs) -> Iterator[Flagged]:
    """Every anomaly, cells that missed their precision, and steps over time."""
    paths = (*runs.broken, *(run.path for run in runs.runs))
    findings = [finding for path in paths for finding in run_findings(path)]
    findings += pool_findings(runs.runs) if len(runs.runs) > 1 else ()
    findings += [
        Finding(Kind.UNREADABLE, Severity.ERROR, str(digest.run.path), digest.unread)
        for digest in runs.digests
        if digest.unread
    ]
    for finding in dict.fromkeys(findings):
        yield Flagged(_LEVELS[finding.severity], finding.kind.value, finding.where, finding.text)
    for run in runs.runs:
        if missed := len(run.manifest.uncertain):
            cells = len(run.design.cells)
            text = f"{missed} of {cells} cells missed their precision"
            yield Flagged("warning" if 2 * missed > cells else "info", "uncertain", run.name, text)
    yield from drift_flags(runs.digests)


def run_sections(runs: Runs) -> Iterator[Section]:
    """The drift over all runs, then each run: at length if it is the only one, else to be opened."""
    digests = runs.digests
    if len(digests) > 1:
        yield from drift_sections(digests)
    for digest in digests:
        if len(digest.validated):
            yield validated_section(digest)
    intro = "Yardsticks are fixed loads that are timed in every block: what moves them is the machine."
    if len(digests) == 1:
        name = digests[0].run.name
        yield Section(f"Session of {name}", intro, _session_plots(digests[0]), _session_tables(digests[0]))
        yield Section(f"Provenance of {name}", tables=_provenance(digests[0].run))
    elif digests:
        sessions = tuple(_fold(digest, _session_plots(digest), _session_tables(digest)) for digest in digests)
        yield Section("Sessions", intro, folds=sessions)
        yield Section("Provenance", folds=tuple(_fold(digest, (), _provenance(digest.run)) for digest in digests))


def _fold(digest: Digest, plots: tuple[Plot, ...], tables: tuple[Table, ...]) -> Fold:
    status = digest.run.manifest.status
    note = "" if status is Status.COMPLETE else status.value
    return Fold(digest.run.name, note, bool(note), plots, tables)


def _session_plots(digest: Digest) -> tuple[Plot, ...]:
    blocks = digest.blocks
    if not len(blocks):
        return ()
    share = sum(digest.gated.values()) / digest.batches
    processes = blocks["process"].nunique()
    words = f"{len(blocks)} blocks of {processes} processes; {percent(share)} of batches were discarded."
    if len(blocks) > _MOST_BLOCKS:
        words += f" Of each {-(-len(blocks) // _MOST_BLOCKS)} blocks in a row, the extremes are drawn."
    draw = partial(_draw_session, blocks)
    return (Plot(f"session-{digest.run.name}", "Noise and discards over the session", words, draw),)


def _session_tables(digest: Digest) -> tuple[Table, ...]:
    manifest = digest.run.manifest
    outcome = {
        key: f"{value:.4g}" if isinstance(value, float) else str(value)
        for key, value in (msgspec.structs.asdict(manifest.outcome) if manifest.outcome else {}).items()
    }
    because = {"because": manifest.status_reason} if manifest.status_reason else {}
    tables = [facts_table("Outcome", {"status": manifest.status.value} | because | outcome)]
    if digest.gated:
        columns = (Column("gate"), Column("batches", True), Column("of all", True))
        rows = tuple(
            (Cell(gate), count_cell(count), share_cell(count / digest.batches)) for gate, count in digest.gated.items()
        )
        tables.append(Table("Discarded batches, by what disturbed them", columns, rows))
    if manifest.uncertain:
        listed = sorted(manifest.uncertain.items())[:_MOST_UNCERTAIN]
        caption = f"Cells that missed their precision ({len(listed)} of {len(manifest.uncertain)})"
        reasons = tuple((Cell(cell), Cell(reason)) for cell, reason in listed)
        tables.append(Table(caption, (Column("cell"), Column("reason")), reasons))
    return tuple(tables)


def _draw_session(blocks: pd.DataFrame, canvas: Canvas, palette: Palette) -> None:
    above, below = canvas.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    width = -(-len(blocks) // _MOST_BLOCKS)
    group = np.arange(len(blocks)) // width
    for name, colour, marker in zip(YARDSTICKS, palette.series, "os", strict=False):
        relative = (100 * (blocks[name] / blocks[name].median() - 1)).dropna()
        groups = relative.groupby(group[relative.index])
        at = np.union1d(groups.idxmin(), groups.idxmax())
        label = name.removeprefix("yardstick_").removesuffix("_ns")
        above.plot(at, relative[at], marker, color=colour, markersize=2.5, label=f"{label} yardstick")
    counts = blocks[["gated", "batches"]].groupby(group).sum()
    middle = (counts.index + 0.5) * width - 0.5
    below.bar(middle, 100 * counts["gated"] / counts["batches"], color=palette.alarm, width=width, linewidth=0)
    for place in np.flatnonzero(np.diff(blocks["process"])) + 0.5:
        for axes in (above, below):
            axes.axvline(place, color=palette.faint, linewidth=0.8)
    above.set_ylabel("off the median (%)")
    below.set_ylabel("discarded (%)")
    below.set_xlabel("block, in the order of timing; vertical lines part processes")
    canvas.legend(loc="outside upper left", ncols=2)


def _provenance(run: Run) -> tuple[Table, ...]:
    manifest = run.manifest
    facts = msgspec.structs.asdict(manifest.machine)
    machine = {key: str(value) for key, value in facts.items() if isinstance(value, str | int)} | manifest.machine.cpu
    head = {
        "experiment": manifest.experiment,
        "created": manifest.created,
        "command line": " ".join(manifest.command_line),
        "design": manifest.design_sha256,
        "seed": str(manifest.seed),
        "clock": manifest.clock.name,
        "first message": _moment(manifest.messages.first),
        "last message": _moment(manifest.messages.last),
    }
    listed = [("run", name, fact) for name, fact in manifest.files.items()]
    listed += [("input", name, fact) for name, fact in manifest.inputs.items()]
    files = tuple((Cell(kind), Cell(name), count_cell(fact.bytes), Cell(fact.sha256)) for kind, name, fact in listed)
    counts = tuple((Cell(kind), count_cell(count)) for kind, count in manifest.messages.counts.items())
    return (
        facts_table("Run", head),
        Table("Files and inputs", (Column("of"), Column("file"), Column("bytes", True), Column("SHA-256")), files),
        Table("Messages", (Column("kind"), Column("count", True)), counts),
        facts_table("Versions", manifest.versions),
        facts_table("Machine", machine),
    )


def _moment(ns: int | None) -> str:
    return "–" if not ns else str(np.datetime64(ns, "ns")) + " UTC"
