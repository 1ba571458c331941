"""A small run of an imaginary machine, its model, and a proposal of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from costmodel.fit import fit_runs
from costmodel.impact.run import open_corpus
from costmodel.model.sources import open_source
from costmodel.proposals.folder import SUMS, write_sums
from costmodel.proposals.propose import ProposalRequest, propose
from costmodel.records import encode
from costmodel.records.figures import EstimateRecord, ExUnitsRecord
from costmodel.records.fit import MarginRule, Witness
from costmodel.records.worst import Find, Matter, Reach, Worst
from costmodel.runs.store import Run
from costmodel.workloads.rows import here
from tests.fit.synthetic import VARIANT, all_cells, make_run
from tests.workloads.rows import row, write

ALLOWED = ("evaluator", "machine", "unsafe", "flagged")


def a_run(folder: Path) -> Run:
    return make_run(folder, all_cells(), seed=5)


def a_model(run: Run, path: Path, margins: tuple[MarginRule, ...] = (), witnesses: tuple[Witness, ...] = ()) -> Path:
    fit_runs([run], variant=VARIANT, replicates=100, margins=margins, witnesses=witnesses).write(path)
    return path


def a_search(folder: Path, price: str, sizes: tuple[int, ...], time_ps: float) -> Path:
    """A search that proved one witness: its folder."""
    content = b"\x01\x00\x00\x20\x01"
    name = f"witnesses/{price}-{hashlib.sha256(content).hexdigest()[:8]}.flat"
    (folder / "witnesses").mkdir(parents=True)
    (folder / name).write_bytes(content)
    ratio = EstimateRecord(value=3.0, interval=(2.9, 3.1))
    find = Find(
        price=price,
        ratio=ratio,
        ordinary=None,
        over_ordinary=None,
        sizes=sizes,
        time_ps=time_ps,
        charge_ps=time_ps / 3,
        point={"limbs": "all ones"},
        matters=(Matter(parameter="limbs", value="all ones", plain="random", without=0.4),),
        importance={},
        trials=10,
        witness=name,
        reach=Reach(
            reachable=True,
            how="in one transaction",
            script_bytes=5,
            argument_bytes=0,
            ex_units=ExUnitsRecord(cpu=1, mem=1),
            built=False,
        ),
        block_seconds=None,
        lovelace_per_second=None,
        processes=4,
    )
    found = Worst(
        run=str(folder),
        model="ledger",
        evaluator={"name": "native"},
        machine="imaginary",
        scale=1.0,
        scale_from="given",
        finds=(find,),
        left_out={},
        trials=10,
        seconds=1.0,
        timed_share=0.5,
    )
    (folder / "worst.json").write_bytes(encode(found))
    return folder


def a_proposal(
    run: Run,
    model: Path,
    out: Path,
    allowed: tuple[str, ...] = ALLOWED,
    edits: Path | None = None,
    searches: tuple[Path, ...] = (),
) -> Path:
    corpus = write(out.parent / "corpus.parquet", [row(), row(id="other")])
    request = ProposalRequest(
        model=model,
        live=open_source(["epoch:645"]),
        protocol_version=11,
        runs=(run.path,),
        corpus=open_corpus(str(corpus)),
        allowed=allowed,
        edits=edits,
        searches=searches,
        command_line=("calibrate", "propose"),
    )
    propose(request, out, here)
    return out


def sums_renewed(folder: Path) -> None:
    """As somebody would do who does not want a change to be noticed."""
    (folder / SUMS).unlink()
    write_sums(folder)
