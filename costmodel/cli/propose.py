"""`calibrate propose`: a proposal of prices, and its check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from costmodel.cli.impact import blocks_named
from costmodel.cli.options import LOCAL, Json, TableCommand, command_shown, given
from costmodel.cli.output import print_json, say, show
from costmodel.cli.spreading import Backend, Jobs, spreading
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError
from costmodel.rendering import numbers
from costmodel.rendering.proposals import arrays_table
from costmodel.rendering.tables import Table, TableCell

if TYPE_CHECKING:
    from costmodel.proposals.propose import ProposalRequest
    from costmodel.records.proposal import Proposal, ProposalCheck

Command = TableCommand

_STATUS = {"evidence": "pass", "against": "fail", "open": "inconclusive"}
_OF_VERIFY: Final = {"verify", "run", "backend", "jobs", "trace_config", "as_json", "wide", "top"}


def command(
    context: typer.Context,
    model: Annotated[Path | None, typer.Argument(metavar="MODEL", help="Model to propose.", show_default=False)] = None,
    live: Annotated[
        str | None,
        typer.Option(
            "--live",
            metavar="SOURCE",
            help="What is in force: epoch:N, ledger, or a file that `params` reads. [default: the newest epoch known]",
        ),
    ] = None,
    protocol_version: Annotated[
        int | None,
        typer.Option(
            "--protocol-version",
            metavar="N",
            min=9,
            max=255,
            help="That the proposal is for. [default: the live one's]",
        ),
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option("--run", metavar="RUN", help="Run of the model to put into the folder; may come again."),
    ] = None,
    verdict: Annotated[
        list[Path] | None,
        typer.Option("--verdict", metavar="FILE", help="JSON of `calibrate validate`; may come again."),
    ] = None,
    worst: Annotated[
        list[Path] | None,
        typer.Option("--worst", metavar="SEARCH", help="Search of `calibrate worst`, as evidence; may come again."),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", metavar="SOURCE", help="Real scripts, as `calibrate impact` takes them.")
    ] = None,
    blocks: Annotated[
        str | None, typer.Option("--blocks", metavar="FIRST:LAST", help="Blocks of a database to read.")
    ] = None,
    epoch: Annotated[
        int | None, typer.Option("--epoch", metavar="N", min=0, help="Epoch whose fees and limits count.")
    ] = None,
    edits: Annotated[
        Path | None,
        typer.Option("--edits", metavar="FILE", help="Prices that were changed in a page, as it shows them as JSON."),
    ] = None,
    allow: Annotated[
        str,
        typer.Option("--allow", metavar="REASON,…", help="Objections to overrule, as for `params emit`."),
    ] = "",
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Folder to write; FOLDER.zip is written beside it.")
    ] = Path("proposal"),
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="FOLDER|ZIP", help="Instead, compute a proposal again and name what differs."),
    ] = None,
    jobs: Jobs = None,
    backend: Backend = LOCAL,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Write a proposal: arrays beside what is live, evidence, impact, and a page that begins with the decision.

    Exit code 1 where the prices are not usable, or where --verify finds a difference; 3 where --verify could not
    compute everything again.
    """
    if (model is None) == (verify is None):
        raise InputError("name a model to propose, or a folder with --verify")
    # pandas and scipy come with them.
    from costmodel.proposals.propose import propose
    from costmodel.proposals.verify import verify as check

    with traced(trace_config) as trace, spreading(backend, jobs) as spreader:
        if verify is not None:
            if given(context) - _OF_VERIFY:
                raise InputError("--verify takes a folder, --run, --backend and --jobs alone")
            checked = check(verify, tuple(run or ()), spreader, trace)
        else:
            assert model is not None  # noqa: S101 - as has just been checked
            request = _request(model, live, protocol_version, run, verdict, worst, corpus, blocks, epoch, edits, allow)
            proposal = propose(request, out, spreader, trace)
    if verify is not None:
        print_json(checked) if as_json else _show_check(checked)
        return checked.exit_code
    print_json(proposal) if as_json else _show(proposal, out)
    return 0 if proposal.status == "usable" else 1


def _show(proposal: Proposal, out: Path) -> None:
    from costmodel.proposals.searches import said

    say(f"{proposal.basis.evaluator} {proposal.basis.version} on {proposal.basis.machine}: {proposal.basis.reason}")
    show(arrays_table(proposal, f"Against {proposal.live}, protocol version {proposal.protocol_version}"))
    say("")
    checklist = [
        (each.id, TableCell(each.status, status=_STATUS[each.status]), each.evidence[0] if each.evidence else "")
        for each in proposal.guardrails
    ]
    show(Table.of("Guardrails", ("", "", "evidence"), checklist))
    say("")
    for policy in proposal.policies:
        left = policy.remaining
        cost = "" if policy.cpu_change is None else f", CPU units {numbers.change(policy.cpu_change)}"
        rest = "" if left is None else f", {left.undercharged} of {left.points} measured points undercharged"
        worst = "" if left is None or not left.worst else f", {left.worst} most ({numbers.ratio(left.worst_factor)})"
        say(f"safety margin {policy.policy}{cost}{rest}{worst}")
    if (found := proposal.impact) is not None:
        say(
            f"who breaks: {found.newly_over_limit:,} newly over a limit, {found.newly_over_declared:,} over what they "
            f"declared, {found.newly_failing:,} newly failing, of {found.evaluations:,}; fees "
            f"{numbers.change(found.fee_change)}"
        )
    for search in proposal.searches:
        say(said(search))
    for reason in proposal.reasons:
        say(reason)
    say(f"decision: {proposal.status}", f"folder: {out}", f"zip: {out}.zip", f"page: {out / 'index.html'}")


def _show_check(checked: ProposalCheck) -> None:
    if checked.found:
        show(Table.of("Differs", ("where", "what"), [(each.where, each.text) for each in checked.found]))
    for text in checked.unchecked:
        say(f"not checked: {text}")
    if checked.recomputed:
        say(f"the same when computed again: {', '.join(checked.recomputed)}")
    result = {0: "everything is as computed again", 1: "differs", 3: "not everything could be computed again"}
    say(f"{checked.folder}: {result[checked.exit_code]}")


def _request(
    model: Path,
    live: str | None,
    protocol_version: int | None,
    run: list[Path] | None,
    verdict: list[Path] | None,
    worst: list[Path] | None,
    corpus: str | None,
    blocks: str | None,
    epoch: int | None,
    edits: Path | None,
    allow: str,
) -> ProposalRequest:
    from costmodel.impact.run import open_corpus
    from costmodel.model.sources import open_source
    from costmodel.model.timeline import last_change
    from costmodel.proposals.propose import ProposalRequest as Wanted

    if blocks is not None and corpus is None:
        raise InputError("--blocks are those of a database; name it with --corpus")
    source = open_source([live or f"epoch:{last_change()}"])
    return Wanted(
        model=model,
        live=source,
        protocol_version=protocol_version or source.protocol_version or 11,
        runs=tuple(run or ()),
        verdicts=tuple(verdict or ()),
        searches=tuple(worst or ()),
        corpus=None if corpus is None else open_corpus(corpus, blocks_named(blocks)),
        epoch=epoch,
        edits=edits,
        allowed=tuple(name.strip() for name in allow.split(",") if name.strip()),
        command_line=command_shown(sys.argv),
    )
