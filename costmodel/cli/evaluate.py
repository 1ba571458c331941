"""`calibrate eval`: evaluates one program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from costmodel import api
from costmodel.cli.eval_corpus import evaluate_corpus, evaluate_rows
from costmodel.cli.options import LOCAL, Json, ProtocolVersion, TableCommand, budget
from costmodel.cli.output import complain, print_json, say, show_facts
from costmodel.cli.spreading import Backend, spreading
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import InputError
from costmodel.machine import EvaluationStatus
from costmodel.model.sources import LEDGER
from costmodel.records.evaluation import EvaluationDocument
from costmodel.rendering.text import visible
from costmodel.workloads.corpus import is_corpus
from costmodel.workloads.evaluation import PLENTY
from costmodel.workloads.sources import is_streamed, rows_named

_DEFAULT_BUDGET: Final = f"{PLENTY.cpu},{PLENTY.mem}"

Command = TableCommand


def command(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="PROGRAM",
            help="A program in any form (flat, hexadecimal, CBOR, textual UPLC, text envelope, blueprint, UTxO file) "
            "or a replay corpus (JSON; Parquet, a file or a folder of files, here or at an address such as s3://…; or "
            "postgresql://… of plutus-script-evaluation).",
            show_default=False,
        ),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARG", help="Data: CBOR in hexadecimal, or a file of it or of detailed-schema JSON."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="NAME", help="Ledger language. [default: the envelope's, else PlutusV3]"),
    ] = None,
    script: Annotated[
        str | None,
        typer.Option(
            "--script", metavar="NAME", help="Which of several scripts: a blueprint's validator, or a UTxO's output."
        ),
    ] = None,
    protocol_version: ProtocolVersion = 11,
    cost_model: Annotated[
        list[str] | None,
        typer.Option(
            "--cost-model",
            metavar="MODEL",
            help="As --model of `calibrate params`: a file in any of its formats, a variant's letter, epoch:N; twice "
            "for upstream's builtins and steps apart. [default: the ledger's]",
        ),
    ] = None,
    budget_: Annotated[
        str, typer.Option("--budget", metavar="CPU,MEM", help="Limits in picoseconds and words.")
    ] = _DEFAULT_BUDGET,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", metavar="N", min=1, max=256, help="Processes for a corpus in rows. [default: one for each core]"
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out", metavar="FILE", help="Parquet file for the results of a corpus in rows, at a path or an address."
        ),
    ] = None,
    backend: Backend = LOCAL,
    trace_config: TraceConfig = None,
    as_json: Json = False,
) -> int:
    """Evaluate a program and print its result, ExUnits, and counts of steps and builtins.

    Ends with 0 if the program succeeds and with 1 if it fails. A replay corpus is evaluated case by case, each with its
    own language, cost model and budget; 1 then says that a case came out other than the corpus has it. Rows of Parquet
    (docs/workloads.md has the columns) or of a database are streamed, and evaluated by several processes or by the
    workers of a Dask scheduler.
    """
    limit = budget(budget_)
    program = Path(source)
    streamed = is_streamed(source)
    if (out or jobs or backend != LOCAL) and not streamed:
        raise InputError(
            f"{source} is not a corpus in rows (Parquet or a database); --out, --jobs and --backend are for one"
        )
    if streamed or is_corpus(program):
        if arguments or cost_model or language or script:
            raise InputError(f"{source}: a replay corpus brings its own scripts, arguments, languages and cost models")
        if streamed:
            given = context.get_parameter_source("trace_config")
            if given and given.name == "COMMANDLINE":  # what CALIBRATE_TRACE says for good may go without
                raise InputError(f"{source}: processes that evaluate rows do not trace; leave --trace-config out")
            with spreading(backend, jobs) as spreader:
                return evaluate_rows(rows_named(source), spreader, out=out, as_json=as_json)
        with traced(trace_config) as trace:
            return evaluate_corpus(program, trace, as_json=as_json)
    if program.is_dir():
        raise InputError(
            f"{source}: is a folder of programs; evaluate one of them, price all with `calibrate impact ledger MODEL "
            "--corpus`, or time all with `calibrate validate MODEL --workload`"
        )
    with traced(trace_config) as trace:
        found = api.evaluate(
            program,
            arguments or [],
            language=language,
            script=script,
            protocol_version=protocol_version,
            cost_model=cost_model or [LEDGER],
            budget=(limit.cpu, limit.mem),
            trace=trace,
        )
    for note in found.notes:
        complain(note)
    if as_json:
        print_json(found)
    else:
        _show(found)
    return 0 if found.status == EvaluationStatus.SUCCESS.value else 1


def _show(found: EvaluationDocument) -> None:
    if found.status == EvaluationStatus.SUCCESS.value:
        say(found.result or f"success: {found.result_missing}")
    else:
        say(f"{found.status}: {found.error}")
    for line in found.logs:
        say(f"trace: {visible(line)}")
    say("")
    show_facts(
        {
            "CPU": f"{found.ex_units.cpu:,} ps",
            "memory": f"{found.ex_units.mem:,} words",
            "steps": _counted(found.steps),
            "builtins": _counted(found.builtins),
            "cost model": found.cost_model,
        }
    )


def _counted(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f"{sum(counts.values()):,} ({listed})" if counts else "0"
