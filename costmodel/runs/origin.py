"""Where a result that was made from runs comes from, as it is written into the result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from costmodel.runs.anomalies import pool_findings, run_findings
from costmodel.runs.provenance import file_fact
from costmodel.runs.store import MANIFEST, Run
from costmodel.trace import Severity

_TELLING = (Severity.WARNING, Severity.ERROR)


def origin(run: Run) -> dict[str, Any]:
    """A run as an input, as JSON: hashes and sizes of its files, what its log holds, and how it was made.

    InputError where its manifest cannot be read.
    """
    manifest = run.manifest
    facts = {
        "run": run.name,
        "created": manifest.created,
        "command_line": manifest.command_line,
        "versions": manifest.versions,
        "machine": str(manifest.machine.get("id", "")),
        "clock": str(manifest.clock.get("name", "")),
        "parameters": manifest.parameters,
        "files": {MANIFEST: file_fact(run.path / MANIFEST), **manifest.files},
        "inputs": manifest.inputs,
        "messages": manifest.messages,
    }
    built: dict[str, Any] = msgspec.to_builtins(facts)
    return built


def oddities(runs: Sequence[Run], *, pooled: bool = True) -> tuple[str, ...]:
    """What is odd about runs and, where they are `pooled`, about taking them together: a line each, which does not
    depend on where the runs lie. Mere information is left out."""
    lines = [
        f"{_short(finding.where, run)}: {finding.text}"
        for run in runs
        for finding in run_findings(run.path)
        if finding.severity in _TELLING
    ]
    if pooled and len(runs) > 1:
        lines += [finding.text for finding in pool_findings(runs)]
    return tuple(dict.fromkeys(lines))


def _short(where: str, run: Run) -> str:
    path = Path(where)
    return str(Path(run.name) / path.relative_to(run.path)) if path.is_relative_to(run.path) else where
