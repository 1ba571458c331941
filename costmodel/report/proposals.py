"""Sections about a proposal: the decision, what changes, who breaks, and what a person must answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from costmodel.records.proposal import Proposal
from costmodel.rendering import numbers
from costmodel.rendering.proposals import arrays_table
from costmodel.rendering.tables import (
    Row,
    Table,
    TableCell,
    change_cell,
    count_cell,
    facts,
    number,
    ratio_cell,
    share_cell,
)
from costmodel.report.page_model import Conclusion, Flagged, Section

_STATUS: Final = {"evidence": "pass", "against": "fail", "open": "inconclusive"}


def proposal_conclusions(proposal: Proposal) -> Iterator[Conclusion]:
    """Usable or not, what changes, who breaks."""
    usable = proposal.status == "usable"
    against = [each for each in proposal.reasons if not each.startswith("allowed ")]
    why = f": {'; '.join(against)}" if against else ""
    overruled = f", with {numbers.plural(len(proposal.allowed), 'objection')} overruled" if proposal.allowed else ""
    yield Conclusion(
        "pass" if usable else "fail", f"{proposal.status[:1].upper()}{proposal.status[1:]}{overruled}{why}"
    )
    changes = [
        f"{each.language} {each.changed} of {each.parameters} values ({each.raised} rise, {each.lowered} fall"
        + (f", {each.added} new)" if each.added else ")")
        for each in proposal.arrays
    ]
    yield Conclusion("info", f"What changes against {proposal.live}: {'; '.join(changes)}")
    found = proposal.impact
    if found is None:
        yield Conclusion("inconclusive", "Who breaks: unknown, as no corpus was given")
        return
    broken = found.newly_over_limit + found.newly_over_declared + found.newly_failing
    text = (
        f"{found.newly_over_limit:,} evaluations newly over a transaction's limit, {found.newly_over_declared:,} over "
        f"what they declared, {found.newly_failing:,} newly failing, of {found.evaluations:,} of {found.corpus}; "
        f"fees change by {numbers.change(found.fee_change)}"
    )
    yield Conclusion("fail" if broken else "pass", f"Who breaks: {text}")


def proposal_flags(proposal: Proposal) -> Iterator[Flagged]:
    """Objections, and guardrails that the evidence speaks against."""
    for each in proposal.doubts:
        allowed = each.objection in proposal.allowed
        yield Flagged("warning" if allowed else "error", each.objection, "proposal", each.text)
    for guardrail in proposal.guardrails:
        if guardrail.status == "against":
            yield Flagged("warning", "guardrail", guardrail.id, f"{guardrail.rule} {guardrail.evidence[0]}")


def proposal_sections(proposal: Proposal) -> Iterator[Section]:
    """Guardrails, arrays, accuracy, margins, and where it comes from."""
    yield Section(
        "Guardrails PCM-01 to PCM-04",
        "No script of the chain checks these. The evidence is computed; the questions are for people.",
        tables=(
            Table.of("Guardrails", ("guardrail", "rule", "found", "evidence", "to be answered"), _guardrails(proposal)),
        ),
    )
    yield Section(
        "Arrays by language",
        f"Against {proposal.live}, for protocol version {proposal.protocol_version}. The files in arrays/ have index, "
        "name, old and new value of every parameter.",
        tables=(arrays_table(proposal, "Arrays"),),
    )
    if proposal.accuracy:
        yield _accuracy(proposal)
    if proposal.policies:
        yield _policies(proposal)
    yield _origin(proposal)


def _guardrails(proposal: Proposal) -> list[Row]:
    return [
        (
            each.id,
            each.rule,
            TableCell(each.status, status=_STATUS[each.status]),
            "; ".join(each.evidence),
            " ".join(each.questions),
        )
        for each in proposal.guardrails
    ]


def _accuracy(proposal: Proposal) -> Section:
    columns = ("workload", "timed", *map(number, ("programs", "median", "95 %", "R²", "undercharged most")), "limits")
    rows: list[Row] = [
        (
            each.workload,
            each.work,
            count_cell(each.programs),
            share_cell(each.median),
            share_cell(each.p95),
            numbers.r_squared(each.r2),
            ratio_cell(each.undercharged_ratio),
            TableCell(each.status, status=each.status),
        )
        for each in proposal.accuracy
    ]
    return Section("Accuracy on real scripts", tables=(Table.of("Predicted against observed times", columns, rows),))


def _policies(proposal: Proposal) -> Section:
    columns = (
        "safety margin",
        *map(number, ("CPU units", "fees", "points undercharged", "of", "worst")),
        "where",
    )
    rows: list[Row] = [
        (
            each.policy,
            change_cell(each.cpu_change),
            change_cell(each.fee_change),
            count_cell(None if each.remaining is None else each.remaining.undercharged),
            count_cell(None if each.remaining is None else each.remaining.points),
            ratio_cell(None if each.remaining is None else each.remaining.worst_factor),
            "" if each.remaining is None else each.remaining.worst,
        )
        for each in proposal.policies
    ]
    intro = (
        "What a margin costs users, against the fit without one, and which measured points of 5 ns and more still take "
        "longer than they are charged. The first row is what is proposed."
    )
    return Section("Safety margin", intro, tables=(Table.of("Margins", columns, rows),))


def _origin(proposal: Proposal) -> Section:
    basis = proposal.basis
    runs: list[Row] = [
        (each.run, each.evaluator, each.created, "in the folder" if each.contained else "elsewhere", each.command)
        for each in proposal.runs
    ]
    machine = proposal.machine
    known = {
        "evaluator": basis.evaluator,
        "version": basis.version,
        "machine": basis.machine,
        "reference": "yes" if basis.reference else "no",
        "why": basis.reason,
        "model": f"model.json, SHA-256 {proposal.model_sha256}",
        "kernel": (machine.kernel if machine is not None else None) or numbers.MISSING,
        "virtualisation": (machine.virtualisation if machine is not None else None) or numbers.MISSING,
        "made with": " ".join(proposal.command_line),
    }
    return Section(
        "Provenance, and how to make it again",
        tables=(
            facts("Whose picoseconds", known | proposal.versions),
            Table.of("Runs", ("run", "evaluator", "made", "where", "command"), runs),
            Table.of("Commands", ("step", "command"), [(i, each) for i, each in enumerate(proposal.commands, 1)]),
        ),
    )
