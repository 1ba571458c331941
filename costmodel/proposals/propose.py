"""Writing a proposal."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from costmodel.errors import CheckFailed, InputError
from costmodel.files import make_folder, new_folder, read_bytes, write_atomically
from costmodel.impact.run import ImpactCorpus, impact, terms_at
from costmodel.model import dump, load
from costmodel.model.basis import OBJECTIONS, section_of
from costmodel.model.sources import ModelSource
from costmodel.proposals import build as made
from costmodel.proposals.arrays import arrays_of
from costmodel.proposals.build import FolderFacts
from costmodel.proposals.edits import EDITS, edited_model
from costmodel.proposals.folder import write_sums, write_zip
from costmodel.proposals.searches import put_searches
from costmodel.records import encode, read
from costmodel.records.impact import Impact
from costmodel.records.proposal import PriceEdits, Proposal
from costmodel.runs.anomalies import run_findings
from costmodel.runs.store import MANIFEST, Run
from costmodel.trace import SILENT, Severity, Trace
from costmodel.workloads.rows import Spreader


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """What is to be proposed: a model, what is live, and what there is as evidence."""

    model: Path
    live: ModelSource
    protocol_version: int
    runs: tuple[Path, ...] = ()
    verdicts: tuple[Path, ...] = ()
    searches: tuple[Path, ...] = ()
    edits: Path | None = None
    corpus: ImpactCorpus | None = None
    epoch: int | None = None
    allowed: tuple[str, ...] = ()
    command_line: tuple[str, ...] = ()


def propose(request: ProposalRequest, out: Path, spreader: Spreader, trace: Trace = SILENT) -> Proposal:
    """Write the folder `out` and `out.zip`, each whole or not at all.

    InputError where something is damaged, or a run is not one that the model was fitted to. CheckFailed where
    evaluating the corpus and repricing its usages disagree.
    """
    if unknown := sorted(set(request.allowed) - set(OBJECTIONS)):
        raise InputError(f"unknown reason {unknown[0]!r} in --allow; use any of {', '.join(OBJECTIONS)}")
    trace.emit("propose", "start", model=str(request.model), live=request.live.name)
    for path in written(out):
        if path.exists() or path.is_symlink():
            raise InputError(f"{path} exists already; name another folder with --out")
    with new_folder(out) as folder:
        write_atomically(folder / made.MODEL, _model(request, folder))
        runs = _copy_runs(request, folder)
        trace.emit("propose", "runs", contained=[run.name for run in runs])
        arrays, version = made.live_arrays(request.live, request.protocol_version)
        write_atomically(folder / made.LIVE, made.live_file(arrays))
        for number, path in enumerate(request.verdicts, 1):
            content = read_bytes(path)
            made.parse_verdict(content, str(path))
            write_atomically(folder / f"verdict-{number}.json", content)
        put_searches(request.searches, folder)
        facts = FolderFacts(
            live=_short(request.live.name),
            live_version=version,
            protocol_version=request.protocol_version,
            allowed=tuple(each for each in OBJECTIONS if each in request.allowed),
            corpus="" if request.corpus is None else _short(request.corpus.rows.name),
            epoch=request.epoch,
            contained=tuple(run.name for run in runs),
            command_line=request.command_line,
        )
        evaluated = _evaluate(request, folder, facts, spreader)
        files = made.build(folder, facts, spreader)
        for name, content in files.items():
            if "/" in name and not (folder / name).parent.exists():
                make_folder((folder / name).parent)
            write_atomically(folder / name, content)
        proposal, repriced = made.read_proposal(folder)
        _compare(evaluated, repriced)
        trace.emit("propose", "impact", priced=0 if repriced is None else repriced.priced)
        write_atomically(folder / made.PAGE, made.page(folder))
        write_sums(folder)
        write_zip(folder, out.with_name(f"{out.name}.zip"))  # before the folder has its name: there are both or none
    trace.emit("propose", "end", status=proposal.status, reasons=list(proposal.reasons))
    return proposal


def _model(request: ProposalRequest, folder: Path) -> bytes:
    """The model's file as it is or, with edits, as it becomes; the edits are kept beside it."""
    content = read_bytes(request.model)
    if request.edits is None:
        return content
    edits = read(request.edits, PriceEdits)
    write_atomically(folder / EDITS, encode(edits))
    return dump(edited_model(load([request.model]), edits, hashlib.sha256(content).hexdigest()))


def _copy_runs(request: ProposalRequest, folder: Path) -> list[Run]:
    """Copy the runs, each of which must be one that the model was fitted to, file by file as its manifest lists it."""
    wanted = {each.run: each for each in made.runs_of(section_of(load([request.model])))}
    found = []
    for path in request.runs:
        run = Run.open(path)
        if run.name not in wanted:
            raise InputError(f"{path} is not a run that {request.model} was fitted to; leave it out")
        if wrong := [each for each in run_findings(path) if each.severity is Severity.ERROR]:
            raise InputError(f"{wrong[0].where}: {wrong[0].text}")
        target = folder / made.RUNS / run.name
        if target.exists():
            raise InputError(f"{path} was given twice with --run; give it once")
        make_folder(target)
        for name in (MANIFEST, *run.manifest.files):
            shutil.copyfile(path / name, target / name, follow_symlinks=False)
        found.append(run)
    return found


def _evaluate(request: ProposalRequest, folder: Path, facts: FolderFacts, spreader: Spreader) -> Impact | None:
    """Evaluate the corpus under both, and record its usages in the folder."""
    if request.corpus is None:
        return None
    if request.corpus.usages:
        files = request.corpus.rows.files
        if len(files) != 1:
            raise InputError(f"{request.corpus.rows.name}: a proposal takes recorded usages from one file, at a path")
        shutil.copyfile(files[0], folder / made.USAGES)
        return None
    model = made.proposed_model(folder)
    live = made.live_source(folder, facts)
    arrays = arrays_of(model, live, facts.protocol_version, cpu_alone=section_of(model) is not None)
    after = made.proposed_source(arrays, facts.protocol_version)
    return impact(
        live,
        after,
        request.corpus,
        terms=terms_at(facts.epoch),
        spreader=spreader,
        record=str(folder / made.USAGES),
    )


def _compare(evaluated: Impact | None, repriced: Impact | None) -> None:
    """What was evaluated and what was repriced must say the same."""
    if evaluated is None or repriced is None:
        return
    same = msgspec.structs.replace(
        evaluated, method=repriced.method, corpus=repriced.corpus, after_of=repriced.after_of
    )
    if same != repriced:
        raise CheckFailed("evaluating the corpus and repricing its usages disagree; please report this")


def _short(name: str) -> str:
    """A name without the folders of this machine."""
    return Path(name).name if name.startswith(("/", ".", "~")) or Path(name).exists() else name


def written(out: Path) -> Sequence[Path]:
    """What `propose` leaves."""
    return out, out.with_name(f"{out.name}.zip")
