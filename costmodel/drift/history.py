"""The history of drift checks: a file to which each check adds a line, and the check of its change points.

Series are told apart by evaluator, workload, operation and metric, and times by the machine as well. An operation is
worse than before while its last change point is a step up that is neither undone nor accepted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from costmodel.drift.limits import DriftLimits
from costmodel.drift.suite import matching
from costmodel.drift.verdict import DriftVerdict, OperationDrift
from costmodel.errors import DecodeError, InputError
from costmodel.files import append, open_append, read_bytes, refuse
from costmodel.judging.change_points import FEWEST, exact_changes, noisy_changes
from costmodel.judging.estimate import Change, Estimate
from costmodel.records import kind_of, parse
from costmodel.records.drift import ChangePoint, DriftEntry, Metric

_ALPHA: Final = 0.05  # of a false alarm in any series
_NOISY: Final = "time"


def entry_of(verdict: DriftVerdict, revision: str, machine: str) -> DriftEntry:
    """The candidate's figures, of operations that have one."""
    figures: dict[str, dict[Metric, float]] = {}
    for drift in verdict.drifts:
        if math.isfinite(drift.candidate) and drift.candidate > 0:
            figures.setdefault(drift.operation, {})[drift.metric] = float(drift.candidate)
    return DriftEntry(
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        revision=revision,
        # Without its version: that another one is slower is what a history is to show.
        evaluator=verdict.evaluator.partition(" ")[0],
        workload=verdict.workload,
        machine=machine,
        figures=figures,
    )


def add_entry(path: Path, entry: DriftEntry) -> None:
    """Add a line to a history. InputError where the file is something else, EnvironmentFault where it cannot be
    written."""
    present = read_bytes(path) if path.exists() else b""
    if present and not is_history(path):
        raise InputError(f"{path} holds something other than drift checks; name another file as --history")
    # An editor may have dropped the end of the last line.
    start = b"" if present.endswith(b"\n") or not present else b"\n"
    try:
        with open_append(path) as file:
            append(file, start + msgspec.json.encode(entry) + b"\n")
    except OSError as error:
        refuse("write", path, error)


def is_history(path: Path) -> bool:
    """Whether the first line of a file is an entry of a history."""
    first = read_bytes(path).split(b"\n", 1)[0]
    try:
        value = msgspec.json.decode(first)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return isinstance(value, dict) and kind_of(value, DriftEntry) is not None


def read_history(path: Path) -> tuple[DriftEntry, ...]:
    """All entries, oldest first, as merged branches need not have them. DecodeError, naming the line, where one is
    none."""
    lines = read_bytes(path).split(b"\n")
    entries = [parse(line, f"{path}, line {number}", DriftEntry) for number, line in enumerate(lines, 1) if line]
    return tuple(sorted(entries, key=lambda entry: entry.time))


def compare_history(
    entries: Sequence[DriftEntry], source: str, operations: str, metrics: Sequence[Metric], limits: DriftLimits
) -> DriftVerdict:
    """The newest entry's series, each judged by its change points."""
    if not entries:
        raise DecodeError(f"{source} has no entries")
    newest = entries[-1]
    entries = [each for each in entries if (each.evaluator, each.workload) == (newest.evaluator, newest.workload)]
    limits.require(list(newest.figures))
    chosen = matching(operations, list(newest.figures))
    keys = [
        (name, metric)
        for name, figures in newest.figures.items()
        for metric in figures
        if name in chosen and metric in (metrics or (metric,))
    ]
    series = {key: _series(entries, *key) for key in keys}
    level = _ALPHA / max(len(series), 1)  # Bonferroni
    drifts = tuple(_drift(name, metric, known, limits, level) for (name, metric), known in series.items())
    machines = {entry.machine for entry in entries}
    notes = [f"{len(machines)} machines: times are those of the newest entry's"] if len(machines) > 1 else []
    return DriftVerdict("history", source, drifts, tuple(notes), evaluator=newest.evaluator, workload=newest.workload)


def _series(entries: Sequence[DriftEntry], name: str, metric: Metric) -> list[DriftEntry]:
    """The entries that have a figure, on the newest one's machine where that matters."""
    return [
        entry
        for entry in entries
        if metric in entry.figures.get(name, {}) and (metric != _NOISY or entry.machine == entries[-1].machine)
    ]


def _drift(
    name: str, metric: Metric, entries: Sequence[DriftEntry], limits: DriftLimits, alpha: float
) -> OperationDrift:
    tolerance = limits.tolerance(name, metric)
    logs = np.log([entry.figures[name][metric] for entry in entries])
    noisy = metric == _NOISY
    found = noisy_changes(logs, alpha) if noisy else exact_changes(logs, math.log1p(tolerance))
    edges = [0, *found, len(logs)]
    # What is exact ends where it is now; a level of times is the mean of its segment.
    levels = [
        float(logs[first:end].mean()) if noisy else float(logs[end - 1 if end == len(logs) else first])
        for first, end in pairwise(edges)
    ]
    changes = tuple(
        ChangePoint(
            entry=place,
            time=entries[place].time,
            revision=entries[place].revision,
            ratio=math.exp(levels[at + 1] - levels[at]),
        )
        for at, place in enumerate(found)
    )
    note = ", ".join(_told(change) for change in changes[-3:])
    if noisy and len(logs) < FEWEST:
        status, note = Change.INCONCLUSIVE, f"{len(logs)} of the {FEWEST} checks that are needed"
    else:
        status = Change.of(changes[-1].ratio, tolerance) if changes else Change.UNCHANGED
    before = levels[-2] if changes else float(logs[0])
    if noisy and not changes:
        before = levels[-1]
    ratio = math.exp(levels[-1] - before)
    known = Estimate(ratio, ratio, ratio)
    return OperationDrift(
        name, "", metric, math.exp(before), math.exp(levels[-1]), known, tolerance, status, note, changes=changes
    )


def _told(change: ChangePoint) -> str:
    where = change.revision[:10] or change.time
    return f"{100 * (change.ratio - 1):+.2f} % from {where} on"
