"""Checking a proposal: everything is computed again from what it was made from, and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from costmodel import __version__
from costmodel.errors import CalibrateError, InputError
from costmodel.model.basis import described, section_of
from costmodel.model.formats import read_document
from costmodel.proposals import build as made
from costmodel.proposals.arrays import integers, moved_values
from costmodel.proposals.edits import EDITS
from costmodel.proposals.folder import SUMS, digest, opened, read_sums
from costmodel.proposals.folder import files_in as files_of
from costmodel.proposals.refit import compare_models
from costmodel.proposals.searches import absent_searches, witness_problems
from costmodel.records import decode_json, parse, read
from costmodel.records.model import FittedModel, OfficialSection, Section
from costmodel.records.proposal import Discrepancy, PriceEdits, Proposal, ProposalCheck, ProposedArray
from costmodel.rendering.numbers import plural
from costmodel.runs.anomalies import run_findings
from costmodel.runs.store import MANIFEST, Run, file_fact
from costmodel.trace import SILENT, Severity, Trace
from costmodel.workloads.rows import Spreader

_MOST = 20  # of the differences of one file


@dataclass
class _Findings:
    found: list[Discrepancy] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    recomputed: list[str] = field(default_factory=list)

    def add(self, where: str, text: str) -> None:
        self.found.append(Discrepancy(where=where, text=text))


def verify(path: Path, runs: Sequence[Path], spreader: Spreader, trace: Trace = SILENT) -> ProposalCheck:
    """Check a folder or a zip. `runs` are those that it does not contain. InputError where it is no
    proposal, or one of them no run.

    Exit code 1 where something differs, 3 where something could not be computed again, else 0.
    """
    trace.emit("propose", "verify", folder=str(path))
    findings = _Findings()
    given = [Run.open(each) for each in runs]  # what the user names wrongly is not the proposal's fault
    with opened(path) as folder:
        if not (folder / made.PROPOSAL).exists():
            raise InputError(f"{path} is not a proposal: it has no {made.PROPOSAL}")
        _check_sums(folder, findings)
        try:
            proposal, impact = made.read_proposal(folder)
            section = section_of(made.proposed_model(folder))
            available = _runs(folder, given)
            _check_evaluator(section, proposal, available, findings)
            _check_model(folder, section, available, findings)
            _check_searches(folder, section, findings)
            _check_files(folder, made.build(folder, made.facts_of(proposal, impact), spreader), findings)
            _check_page(folder, proposal, findings)
        except CalibrateError as error:
            findings.add(_first_file(str(error), folder), _without(str(error), folder))
    found, unchecked = findings.found, findings.unchecked
    code = 1 if found else 3 if unchecked else 0
    trace.emit("propose", "verified", found=len(found), unchecked=len(unchecked))
    return ProposalCheck(
        folder=str(path),
        exit_code=1 if code == 1 else 3 if code == 3 else 0,
        found=tuple(found),
        unchecked=tuple(unchecked),
        recomputed=tuple(findings.recomputed),
    )


def _check_sums(folder: Path, findings: _Findings) -> None:
    sums = read_sums(folder)
    present = set(files_of(folder)) - {SUMS}
    before = len(findings.found)
    for name, expected in sums.items():
        if name not in present:
            findings.add(name, f"is listed in {SUMS} and not there")
        elif (now := digest(folder / name)) != expected:
            findings.add(name, f"was changed: its SHA-256 is {now[:12]}…, and {SUMS} says {expected[:12]}…")
    for name in sorted(present - sums.keys()):
        findings.add(name, f"is not listed in {SUMS}, so nothing vouches for it")
    if len(findings.found) == before:
        findings.recomputed.append(f"checksums of {len(sums)} files")


def _runs(folder: Path, given: Sequence[Run]) -> dict[str, Run]:
    """Runs by name: contained ones, and those that were given."""
    below = folder / made.RUNS
    contained = map(Run.open, sorted(below.iterdir()) if below.is_dir() else ())
    return {run.name: run for run in (*contained, *given)}


def _check_evaluator(section: Section | None, proposal: Proposal, runs: Mapping[str, Run], findings: _Findings) -> None:
    """A model of another evaluator than the runs' or the proposal's is named as such."""
    if not isinstance(section, FittedModel):
        return
    whose = section.picoseconds_of
    for run in runs.values():
        name = run.manifest.evaluator.get("name", "unknown")
        if name != whose.evaluator:
            findings.add(
                made.MODEL, f"is a model of the evaluator {whose.evaluator}, and run {run.name} measured {name}"
            )
    if proposal.basis.evaluator not in (whose.evaluator, "not stated"):
        findings.add(
            made.MODEL,
            f"is a model of another evaluator: {whose.evaluator}, and the proposal is of {described(proposal.basis)}",
        )


def _check_model(folder: Path, section: Section | None, runs: Mapping[str, Run], findings: _Findings) -> None:
    """The model is fitted again where every run is there, and is the one that the model says it is from."""
    if section is None:
        findings.unchecked.append(f"{made.MODEL}: it does not say what it was fitted to")
        return
    if isinstance(section, OfficialSection):
        findings.unchecked.append(
            f"{made.MODEL}: it was fitted to {section.criterion.file}, which is not in the folder, so it was not "
            "fitted again"
        )
        return
    used = []
    for origin in section.inputs:
        run = runs.get(origin.run)
        if run is None:
            findings.unchecked.append(
                f"{made.MODEL}: run {origin.run} is neither contained nor given with --run, so it was not fitted again"
            )
            continue
        wrong = [each for each in run_findings(run.path) if each.severity is Severity.ERROR]
        for each in wrong:
            findings.add(_relative(each.where, folder), each.text)
        fact = origin.files.get(MANIFEST)
        if fact is not None and file_fact(run.path / MANIFEST) != fact:
            findings.add(f"{made.RUNS}/{run.name}", f"is not the run that {made.MODEL} was fitted to: other manifest")
        used.append(run)
    if len(used) < len(section.inputs):
        return
    if not isinstance(section, FittedModel):
        findings.unchecked.append(
            f"{made.MODEL}: it is expressed in the picoseconds of {section.reference}, which is not in the folder"
        )
        return
    if section.settings is None:
        findings.unchecked.append(f"{made.MODEL}: it does not say with which settings it was fitted; fit it again")
        return
    edits = read(folder / EDITS, PriceEdits) if (folder / EDITS).exists() else None
    differences = compare_models(made.proposed_model(folder), section, used, edits)
    for text in differences[:_MOST]:
        findings.add(made.MODEL, text)
    if not differences:
        findings.recomputed.append(f"{made.MODEL} from {plural(len(used), 'run')}")


def _check_searches(folder: Path, section: Section | None, findings: _Findings) -> None:
    """Witnesses are those of the searches in the folder, and what the model charges for comes from one of them."""
    for where, text in witness_problems(folder, section):
        findings.add(where, text)
    for search in absent_searches(folder, section):
        findings.unchecked.append(
            f"{made.MODEL}: it charges witnesses of the search {search}, which is not in the folder; propose it with "
            "--worst"
        )


def _check_files(folder: Path, built: Mapping[str, bytes], findings: _Findings) -> None:
    present = set(files_of(folder))
    computed = {made.PROPOSAL, made.IMPACT, made.CHAIN}
    for name in sorted(present):
        if (name in computed or name.startswith(f"{made.ARRAYS}/")) and name not in built:
            findings.add(name, "is not part of this proposal: computed again, there is no such file")
    for name, content in built.items():
        if name not in present:
            findings.add(name, "is missing: it was computed again, and the folder has none")
            continue
        held = (folder / name).read_bytes()
        if held == content:
            findings.recomputed.append(name)
            continue
        before = len(findings.found)
        for where, text in _differences(name, held, content):
            findings.add(where, text)
            if len(findings.found) >= before + _MOST:
                break
        if len(findings.found) == before:
            findings.add(name, "is not written as it is when computed again")


def _differences(name: str, held: bytes, content: bytes) -> Iterator[tuple[str, str]]:
    if name.startswith(f"{made.ARRAYS}/"):
        yield from _array_differences(name, parse(held, name, ProposedArray), parse(content, name, ProposedArray))
    elif name == made.CHAIN:
        found, expected = (read_document(each, name).arrays for each in (held, content))
        for language in expected:
            if language not in found:
                yield name, f"lacks {language.value}"
                continue
            yield from _integers(f"{name}: {language.value}", language.value, found[language], expected[language])
    else:
        found_fields, expected_fields = (decode_json(each, dict[str, Any], name) for each in (held, content))
        for key in sorted({*found_fields, *expected_fields}):
            if found_fields.get(key) != expected_fields.get(key):
                is_, was = (_shown(each.get(key)) for each in (found_fields, expected_fields))
                yield f"{name}: {key}", f"is {is_}, and {was} when computed again"


def _array_differences(name: str, held: ProposedArray, computed: ProposedArray) -> Iterator[tuple[str, str]]:
    places = {each.name: each.index for each in computed.values}
    if len(held.values) != len(computed.values):
        yield name, f"has {len(held.values)} parameters, and {len(computed.values)} when computed again"
    for place, (mine, theirs) in enumerate(zip(held.values, computed.values, strict=False)):
        if mine.name != theirs.name or mine.index != place:
            where = places.get(mine.name)
            expected = "is no parameter of the language" if where is None else f"belongs at index {where}"
            yield f"{name}: index {place}", f"{mine.name} was moved: it {expected}, and {theirs.name} stands here"
        elif mine != theirs:
            now, again = (f"{_shown(each.old)} → {_shown(each.new)}" for each in (mine, theirs))
            yield f"{name}: index {place}", f"{mine.name} is {now}, and {again} when computed again"
    for moved in moved_values([each.name for each in computed.values], integers(held), integers(computed)):
        yield (
            f"{name}: index {moved.old_index}",
            f"has the value of {moved.name}, which belongs at index {moved.new_index}: it was moved",
        )


def _integers(where: str, language: str, held: Sequence[int], computed: Sequence[int]) -> Iterator[tuple[str, str]]:
    from costmodel.model.parameters import parameter_names
    from costmodel.plutus import LedgerLanguage

    names = parameter_names(LedgerLanguage(language))
    if len(held) != len(computed):
        yield where, f"has {len(held)} parameters, and {len(computed)} when computed again"
    moved = {each.old_index: each for each in moved_values(names, held, computed)}
    for index, (mine, theirs) in enumerate(zip(held, computed, strict=False)):
        if index in moved:
            other = moved[index]
            yield (
                f"{where} index {index}",
                f"has the value of {other.name}, which belongs at index {other.new_index}: it was moved",
            )
        elif mine != theirs:
            yield f"{where} index {index}", f"{names[index]} is {mine:,}, and {theirs:,} when computed again"


def _check_page(folder: Path, proposal: Proposal, findings: _Findings) -> None:
    if not (folder / made.PAGE).exists():
        findings.add(made.PAGE, "is missing")
    elif proposal.tool_version != __version__:
        findings.unchecked.append(
            f"{made.PAGE}: calibrate {proposal.tool_version} drew it, and this is {__version__}, which draws another"
        )
    elif (folder / made.PAGE).read_bytes() != made.page(folder):
        findings.add(made.PAGE, "is not the page of this proposal: drawn again, it differs")
    else:
        findings.recomputed.append(made.PAGE)


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:60]}…"


def _relative(where: str, folder: Path) -> str:
    path = Path(where)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def _without(text: str, folder: Path) -> str:
    """A message without the folder, which may be a temporary one."""
    return text.replace(f"{folder}/", "")


def _first_file(text: str, folder: Path) -> str:
    """The file that a message is about."""
    rest = _without(text, folder)
    return next((name for name in files_of(folder) if name in rest), made.PROPOSAL)
