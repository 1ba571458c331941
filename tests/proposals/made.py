"""A small run of an imaginary machine, its model, and a proposal of it."""

from __future__ import annotations

from pathlib import Path

from costmodel.fit import fit_runs
from costmodel.impact.run import open_corpus
from costmodel.model.sources import open_source
from costmodel.proposals.folder import SUMS, write_sums
from costmodel.proposals.propose import ProposalRequest, propose
from costmodel.records.fit import MarginRule
from costmodel.runs.store import Run
from costmodel.workloads.rows import here
from tests.fit.synthetic import VARIANT, all_cells, make_run
from tests.workloads.rows import row, write

ALLOWED = ("evaluator", "machine", "unsafe", "flagged")


def a_run(folder: Path) -> Run:
    return make_run(folder, all_cells(), seed=5)


def a_model(run: Run, path: Path, margins: tuple[MarginRule, ...] = ()) -> Path:
    fit_runs([run], variant=VARIANT, replicates=100, margins=margins).write(path)
    return path


def a_proposal(run: Run, model: Path, out: Path, allowed: tuple[str, ...] = ALLOWED, edits: Path | None = None) -> Path:
    corpus = write(out.parent / "corpus.parquet", [row(), row(id="other")])
    request = ProposalRequest(
        model=model,
        live=open_source(["epoch:645"]),
        protocol_version=11,
        runs=(run.path,),
        corpus=open_corpus(str(corpus)),
        allowed=allowed,
        edits=edits,
        command_line=("calibrate", "propose"),
    )
    propose(request, out, here)
    return out


def sums_renewed(folder: Path) -> None:
    """As somebody would do who does not want a change to be noticed."""
    (folder / SUMS).unlink()
    write_sums(folder)
