"""What a proposal's folder holds beside what it was made from: computed, and computed again to check it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.impact.run import impact, open_corpus, terms_at
from costmodel.model import CostModel, load
from costmodel.model.basis import basis_of_model, doubts_of, section_of
from costmodel.model.formats import FORMATS, read_document
from costmodel.model.sources import ModelSource
from costmodel.plutus import BUILTINS, LedgerLanguage
from costmodel.plutus.language import available
from costmodel.proposals.arrays import arrays_of, integers, summary
from costmodel.proposals.edits import EDITS
from costmodel.proposals.guardrails import guardrails
from costmodel.proposals.policies import policies
from costmodel.proposals.searches import search_facts, search_files
from costmodel.records import encode, parse, read
from costmodel.records.figures import Doubt, Objection
from costmodel.records.impact import Impact
from costmodel.records.model import FittedModel, OfficialSection, Section
from costmodel.records.proposal import (
    ContractAccuracy,
    ImpactSummary,
    PriceEdits,
    Proposal,
    ProposedArray,
    RunFact,
)
from costmodel.records.run import Origin
from costmodel.records.validation import ValidationDocument
from costmodel.report.assemble import assemble
from costmodel.report.html import render_html
from costmodel.workloads.rows import Spreader

MODEL, LIVE, PROPOSAL, IMPACT, USAGES, PAGE, ARRAYS, CHAIN, RUNS = (
    "model.json",
    "live.json",
    "proposal.json",
    "impact.json",
    "usages.parquet",
    "index.html",
    "arrays",
    "cost-models.json",
    "runs",
)
NAME: Final = "the proposed model"
_CHAIN_FORMAT: Final = "cost-model-file"


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What a folder does not hold as a file of its own."""

    live: str
    live_version: int
    protocol_version: int
    allowed: tuple[Objection, ...]
    corpus: str
    epoch: int | None
    contained: tuple[str, ...]
    command_line: tuple[str, ...]


def build(folder: Path, facts: FolderFacts, spreader: Spreader) -> dict[str, bytes]:
    """Every file that is computed from the others of a folder, but for the page and the checksums.

    The folder has the model, the live arrays and, where they were given, verdicts and usages. InputError or ModelError,
    naming the file, where one of them is damaged.
    """
    model = proposed_model(folder)
    section = section_of(model)
    live = live_source(folder, facts)
    arrays = arrays_of(model, live, facts.protocol_version, cpu_alone=section is not None)
    found = _impact(folder, facts, live, arrays, spreader)
    files = {f"{ARRAYS}/{each.language}.json": encode(each) for each in arrays}
    if found is not None:
        files[IMPACT] = encode(found)
    proposal = _proposal(folder, facts, model, arrays, found)
    if proposal.status == "usable":
        whole = {LedgerLanguage(each.language): integers(each) for each in arrays}
        files[CHAIN] = FORMATS[_CHAIN_FORMAT].write(whole)
    files[PROPOSAL] = encode(proposal)
    return files


def page(folder: Path) -> bytes:
    """The page about a folder that has all other files."""
    found = [folder / PROPOSAL, folder / MODEL]
    found += [folder / IMPACT] if (folder / IMPACT).exists() else []
    return render_html(assemble([*found, *verdict_files(folder), *search_files(folder)])).encode()


def proposed_model(folder: Path) -> CostModel:
    return replace(load([folder / MODEL]), source=MODEL)


def live_source(folder: Path, facts: FolderFacts) -> ModelSource:
    """What is in force, from the folder's own copy."""
    path = folder / LIVE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    document = read_document(content, str(path), _CHAIN_FORMAT)
    return ModelSource(facts.live, arrays=document.arrays, protocol_version=facts.live_version)


def edited_builtins(folder: Path) -> tuple[str, ...]:
    """Builtins that were changed by hand."""
    path = folder / EDITS
    return tuple(sorted(read(path, PriceEdits).builtins)) if path.exists() else ()


def verdict_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("verdict-*.json"))


def _impact(
    folder: Path, facts: FolderFacts, live: ModelSource, arrays: Sequence[ProposedArray], spreader: Spreader
) -> Impact | None:
    """What the arrays change for the usages in the folder."""
    path = folder / USAGES
    if not path.exists():
        return None
    after = proposed_source(arrays, facts.protocol_version)
    found = impact(live, after, open_corpus(str(path)), terms=terms_at(facts.epoch), spreader=spreader)
    return msgspec.structs.replace(found, corpus=facts.corpus, after_of=basis_of_model(proposed_model(folder)))


def proposed_source(arrays: Sequence[ProposedArray], protocol_version: int) -> ModelSource:
    """The proposed arrays as a source of prices."""
    whole = {LedgerLanguage(each.language): integers(each) for each in arrays}
    return ModelSource(NAME, arrays=whole, protocol_version=protocol_version)


def _proposal(
    folder: Path, facts: FolderFacts, model: CostModel, arrays: Sequence[ProposedArray], found: Impact | None
) -> Proposal:
    section = section_of(model)
    basis = basis_of_model(model)
    doubts = doubts_of(ModelSource(MODEL, model))
    accuracy = tuple(each for path in verdict_files(folder) for each in _accuracy(path))
    runs = tuple(_runs(section, facts.contained))
    fitted = section if isinstance(section, FittedModel) else None
    blocking = [*_objections(doubts, facts.allowed), *_contradictions(arrays, accuracy)]
    overruled = [f"allowed ({each.objection}): {each.text}" for each in doubts if each.objection in facts.allowed]
    searches = search_facts(folder, model, section)
    unpriced = _unpriced(model, facts.protocol_version)
    return Proposal(
        tool_version=__version__,
        status="not usable" if blocking else "usable",
        reasons=(*blocking, *overruled),
        model_sha256=hashlib.sha256((folder / MODEL).read_bytes()).hexdigest(),
        variant=fitted.variant if fitted else None,
        basis=basis,
        doubts=doubts,
        allowed=facts.allowed,
        live=facts.live,
        live_protocol_version=facts.live_version,
        protocol_version=facts.protocol_version,
        arrays=tuple(map(summary, arrays)),
        guardrails=guardrails(basis, arrays, runs, unpriced, searches),
        flags={} if section is None or isinstance(section, OfficialSection) else dict(section.flagged),
        accuracy=accuracy,
        impact=None if found is None else _summary(found),
        policies=policies(model, fitted, found, arrays),
        searches=searches,
        edits=edited_builtins(folder),
        runs=runs,
        machine=fitted.machine if fitted else None,
        versions=_versions(section),
        command_line=facts.command_line,
        commands=tuple(_commands(section, runs, edited=bool(edited_builtins(folder)))),
    )


def _objections(doubts: Sequence[Doubt], allowed: Sequence[Objection]) -> Iterator[str]:
    for each in doubts:
        if each.objection not in allowed:
            yield each.text


def _contradictions(arrays: Sequence[ProposedArray], accuracy: Sequence[ContractAccuracy]) -> Iterator[str]:
    for array in arrays:
        if array.missing:
            yield f"{array.language} has no value for {len(array.missing)} parameters, such as {array.missing[0]}"
        if array.moved:
            first = array.moved[0]
            yield (
                f"the live {array.language} array has {len(array.moved)} values out of place: that of {first.name} "
                f"is at {first.old_index} instead of {first.new_index}"
            )
    for each in accuracy:
        if each.status == "fail":
            yield f"its predictions of {each.workload} ({each.work}) miss their limits"


def _accuracy(path: Path) -> Iterator[ContractAccuracy]:
    verdict = read(path, ValidationDocument)
    for work in verdict.works:
        limits = [limit.status for limit in work.gates]
        worst = next((status for status in ("fail", "inconclusive") if status in limits), "pass")
        yield ContractAccuracy(
            file=path.name,
            workload=Path(verdict.workload).name,
            work=work.summary.work,
            status=worst if limits else verdict.status,
            programs=work.summary.programs,
            median=work.summary.median.value,
            p95=work.summary.p95.value,
            r2=None if work.summary.r2 is None else work.summary.r2.value,
            undercharged=work.summary.undercharged.program,
            undercharged_ratio=work.summary.undercharged.ratio,
        )


def _summary(found: Impact) -> ImpactSummary:
    before, after = found.totals_before, found.totals_after
    return ImpactSummary(
        corpus=found.corpus,
        evaluations=found.priced,
        fee_change=after.fee / before.fee - 1 if before.fee else None,
        cpu_change=after.units[0] / before.units[0] - 1 if before.units[0] else None,
        newly_over_limit=found.newly_over_limit,
        newly_over_declared=found.newly_over_declared,
        newly_failing=found.newly_failing,
    )


def runs_of(section: Section | None) -> tuple[Origin, ...]:
    """The runs that a model was fitted to."""
    return () if section is None or isinstance(section, OfficialSection) else section.inputs


def _runs(section: Section | None, contained: Sequence[str]) -> Iterator[RunFact]:
    for each in runs_of(section):
        manifest = each.files.get("manifest.json")
        named = section.picoseconds_of if section is not None else None
        yield RunFact(
            run=each.run,
            contained=each.run in contained,
            evaluator=named.evaluator if named is not None else "",
            created=each.created,
            manifest_sha256=manifest.sha256 if manifest is not None else "",
            command=shlex.join(("calibrate", *each.command_line[1:])),
        )


def _unpriced(model: CostModel, protocol_version: int) -> tuple[str, ...]:
    """Builtins of the newest language at a protocol version that the model has no price of."""
    language = LedgerLanguage.PLUTUS_V3
    return tuple(
        each.name
        for each in BUILTINS
        if available(each, language, protocol_version) and each.name not in model.builtins
    )


def _versions(section: Section | None) -> dict[str, str]:
    versions: dict[str, str] = {}
    for each in runs_of(section):
        versions |= each.versions
    return dict(sorted(versions.items()))


def _commands(section: Section | None, runs: Sequence[RunFact], *, edited: bool) -> Iterator[str]:
    """How to make it again, step by step, in the folder."""
    for each in runs:
        yield each.command
    where = [f"{RUNS}/{each.run}" if each.contained else each.run for each in runs]
    if section is not None and where and not edited:
        yield shlex.join(("calibrate", "fit", *where, "--out", MODEL))
    given = () if all(each.contained for each in runs) else ("--run", "RUN")
    yield shlex.join(("calibrate", "propose", "--verify", ".", *given))


def facts_of(proposal: Proposal, found: Impact | None) -> FolderFacts:
    """What a folder says of itself, for computing it again."""
    return FolderFacts(
        live=proposal.live,
        live_version=proposal.live_protocol_version,
        protocol_version=proposal.protocol_version,
        allowed=proposal.allowed,
        corpus="" if found is None else found.corpus,
        epoch=None if found is None else found.terms.epoch,
        contained=tuple(each.run for each in proposal.runs if each.contained),
        command_line=proposal.command_line,
    )


def read_proposal(folder: Path) -> tuple[Proposal, Impact | None]:
    """The documents of a folder. InputError where it has none, or they are damaged."""
    proposal = read(folder / PROPOSAL, Proposal)
    return proposal, read(folder / IMPACT, Impact) if (folder / IMPACT).exists() else None


def live_arrays(source: ModelSource, protocol_version: int) -> tuple[dict[LedgerLanguage, tuple[int, ...]], int]:
    """The arrays of any source that `params` reads, and the protocol version that they are of."""
    version = source.protocol_version or protocol_version
    return {each: source.array(each, version) for each in source.languages(version)}, version


def live_file(arrays: Mapping[LedgerLanguage, tuple[int, ...]]) -> bytes:
    return FORMATS[_CHAIN_FORMAT].write(arrays)


def parse_verdict(content: bytes, where: str) -> ValidationDocument:
    """A verdict that is to go into the folder. DecodeError where it is none."""
    return parse(content, where, ValidationDocument)
