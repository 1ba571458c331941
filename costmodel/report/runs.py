"""Sections about runs: noise and discards over a session, and their provenance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np
import pandas as pd

from costmodel.records.run import RunStatus, SessionOutcome
from costmodel.rendering import numbers
from costmodel.rendering.tables import Column, Table, TableCell, count_cell, facts, share_cell
from costmodel.report.charts import SERIES, Axis, Chart, Mark, Panel, values
from costmodel.report.clusters import validated_section
from costmodel.report.history import drift_flags, drift_sections
from costmodel.report.page_model import Conclusion, Flagged, Fold, KeyFigure, Level, Plot, Section
from costmodel.report.run_summary import Digest, Runs
from costmodel.runs.anomalies import Finding, Kind, pool_findings, run_findings
from costmodel.runs.means import YARDSTICKS
from costmodel.runs.store import Run
from costmodel.trace import Severity

_DAMAGE: Final = (Kind.UNREADABLE, Kind.CHANGED, Kind.MISSING_FILE)
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
            yield Flagged("warning" if 2 * missed > cells else "info", "uncertain", run.name, text, missed / cells)
    yield from drift_flags(runs.digests)


def run_sections(runs: Runs) -> Iterator[Section]:
    """The drift over all runs, then each run: at length if it is the only one, else to be opened."""
    digests = runs.digests
    if len(digests) > 1:
        yield from drift_sections(digests)
    for digest in digests:
        if len(digest.validated):
            yield validated_section(digest)
    intro = "Yardsticks are fixed workloads that are timed in every block: when they change, the machine changed."
    if len(digests) == 1:
        name = digests[0].run.name
        yield Section("Session", intro, _session_plots(digests[0]), _session_tables(digests[0]))
        yield Section(f"Provenance of {name}", tables=_provenance(digests[0].run), folded=True)
    elif digests:
        sessions = tuple(_fold(digest, _session_plots(digest), _session_tables(digest)) for digest in digests)
        yield Section("Sessions", intro, folds=sessions)
        origins = tuple(_fold(digest, (), _provenance(digest.run)) for digest in digests)
        yield Section("Provenance", folds=origins, folded=True)


def _fold(digest: Digest, plots: tuple[Plot, ...], tables: tuple[Table, ...]) -> Fold:
    status = digest.run.manifest.status
    note = "" if status is RunStatus.COMPLETE else status.value
    return Fold(digest.run.name, note, bool(note), plots, tables)


def _session_plots(digest: Digest) -> tuple[Plot, ...]:
    blocks = digest.blocks
    if not len(blocks):
        return ()
    share = sum(digest.disturbed.values()) / digest.batches
    processes = blocks["process"].nunique()
    words = f"{len(blocks)} blocks of {processes} processes; {numbers.percent(share)} of samples were discarded."
    if len(blocks) > _MOST_BLOCKS:
        words += f" Of each {-(-len(blocks) // _MOST_BLOCKS)} blocks in a row, the extremes are drawn."
    return (
        Plot(
            f"session-{digest.run.name}", "Noise and discarded samples over the session", words, _session_chart(blocks)
        ),
    )


def _session_tables(digest: Digest) -> tuple[Table, ...]:
    manifest = digest.run.manifest
    outcome = {
        key: f"{value:.4g}" if isinstance(value, float) else str(value)
        for key, value in (msgspec.structs.asdict(manifest.outcome) if manifest.outcome else {}).items()
    }
    because = {"because": manifest.status_reason} if manifest.status_reason else {}
    tables = [facts("Outcome", {"status": manifest.status.value} | because | outcome)]
    if digest.disturbed:
        columns = (Column("disturbance"), Column("samples", True), Column("of all", True))
        rows = tuple(
            (TableCell(disturbance), count_cell(count), share_cell(count / digest.batches))
            for disturbance, count in digest.disturbed.items()
        )
        tables.append(Table("Discarded samples, by what disturbed them", columns, rows))
    if manifest.uncertain:
        listed = sorted(manifest.uncertain.items())[:_MOST_UNCERTAIN]
        caption = f"Cells that missed their precision ({len(listed)} of {len(manifest.uncertain)})"
        reasons = tuple((TableCell(cell), TableCell(reason)) for cell, reason in listed)
        tables.append(Table(caption, (Column("cell"), Column("reason")), reasons))
    return tuple(tables)


def _session_chart(blocks: pd.DataFrame) -> Chart:
    width = -(-len(blocks) // _MOST_BLOCKS)
    group = np.arange(len(blocks)) // width
    above = []
    for name, ink in zip(YARDSTICKS, SERIES, strict=False):
        relative = (100 * (blocks[name] / blocks[name].median() - 1)).dropna()
        groups = relative.groupby(group[relative.index])
        at = np.union1d(groups.idxmin(), groups.idxmax())
        label = name.removeprefix("yardstick_").removesuffix("_ns")
        above.append(Mark("points", ink, x=values(at), y=values(relative[at]), label=f"{label} yardstick"))
    counts = blocks[["disturbed", "batches"]].groupby(group).sum()
    middle = values((counts.index + 0.5) * width - 0.5)
    below = Mark("bars", "alarm", x=middle, y=values(100 * counts["disturbed"] / counts["batches"]))
    starts = Mark("rule", "faint", x=values(np.flatnonzero(np.diff(blocks["process"])) + 0.5))
    label = "block, in order of time; vertical lines separate processes"
    return Chart(
        (
            Panel(Axis(""), Axis("from the median (%)"), (starts, *above), 2),
            Panel(Axis(label), Axis("discarded (%)"), (starts, below)),
        ),
        380,
    )


def run_figures(runs: Runs) -> Iterator[tuple[str, KeyFigure]]:
    """Key figures by what they answer."""
    outcomes = [run.manifest.outcome for run in runs.runs if isinstance(run.manifest.outcome, SessionOutcome)]
    cells, done = (sum(getattr(each, name) for each in outcomes) for name in ("cells", "cells_done"))
    if cells:
        widths = [each.median_half_width for each in outcomes if each.median_half_width is not None]
        value = f"±{numbers.percent(max(widths))}" if widths else numbers.MISSING
        status = "pass" if done == cells else "warning"
        yield (
            "precision",
            KeyFigure("Precision", value, f"median 95 % interval; {done} of {cells} cells as asked", status),
        )
    batches = sum(digest.batches for digest in runs.digests)
    if batches:
        share = sum(sum(digest.disturbed.values()) for digest in runs.digests) / batches
        spread = max(map(_spread, runs.digests), default=0.0)
        note = f"of samples discarded; the hash yardstick moves by ±{numbers.percent(spread)} (90 % of blocks)"
        yield "noise", KeyFigure("Noise", numbers.percent(share), note)


def _spread(digest: Digest) -> float:
    """Half the range of the middle 90 % of the hash yardstick, as a share of its median."""
    yard = digest.blocks[YARDSTICKS[0]].dropna() if len(digest.blocks) else pd.Series(dtype=float)
    if not len(yard):
        return 0.0
    low, middle, high = np.quantile(yard.to_numpy(float), (0.05, 0.5, 0.95))
    return float((high - low) / 2 / middle)


def run_conclusion(runs: Runs) -> Conclusion:
    """Whether the runs can be fitted."""
    unread = {digest.run.path for digest in runs.digests if digest.unread}
    bad = len(runs.broken) + sum(run.path in unread or _is_damaged(run) for run in runs.runs)
    if bad:
        return Conclusion("fail", f"{numbers.plural(bad, 'run')} damaged or incomplete")
    return Conclusion("pass", f"{numbers.plural(len(runs.runs), 'run')} complete and readable")


def _is_damaged(run: Run) -> bool:
    """Whether a run did not end, or has other files than it wrote."""
    return run.manifest.status is not RunStatus.COMPLETE or any(
        finding.kind in _DAMAGE and finding.severity is Severity.ERROR for finding in run_findings(run.path)
    )


def run_facts(runs: Runs) -> Iterator[tuple[str, str]]:
    """Evaluator, machine and date of the last run."""
    manifest = max((run.manifest for run in runs.runs), key=lambda each: each.created, default=None)
    if manifest is not None:
        evaluator = manifest.evaluator.get("name", "native")
        yield "evaluator", f"{evaluator} {manifest.versions.get('calibrate', '')}".strip()
        yield "machine", manifest.machine.cpu.get("model name", manifest.machine.id)
        yield "measured", manifest.created[:10]


def _provenance(run: Run) -> tuple[Table, ...]:
    manifest = run.manifest
    fingerprint = msgspec.structs.asdict(manifest.machine)
    machine = {
        key: str(value) for key, value in fingerprint.items() if isinstance(value, str | int)
    } | manifest.machine.cpu
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
    files = tuple(
        (TableCell(kind), TableCell(name), count_cell(fact.bytes), TableCell(fact.sha256))
        for kind, name, fact in listed
    )
    counts = tuple((TableCell(kind), count_cell(count)) for kind, count in manifest.messages.counts.items())
    return (
        facts("Run", head),
        Table("Files and inputs", (Column("of"), Column("file"), Column("bytes", True), Column("SHA-256")), files),
        Table("Messages", (Column("kind"), Column("count", True)), counts),
        facts("Versions", manifest.versions),
        facts("Machine", machine),
    )


def _moment(ns: int | None) -> str:
    return "–" if not ns else str(np.datetime64(ns, "ns")) + " UTC"
