"""`calibrate eval`: evaluates one program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import typer

from costmodel.cli.eval_corpus import evaluate_corpus, evaluate_rows
from costmodel.cli.options import LOCAL, Json, ProtocolVersion, TableCommand, budget, language_named
from costmodel.cli.output import complain, print_json, say, show_facts
from costmodel.cli.spreading import Backend, rows_of_corpus, spreading
from costmodel.cli.trace import TraceConfig, traced
from costmodel.errors import DecodeError, InputError
from costmodel.machine import EvaluationStatus, Outcome, Script, exact_machine
from costmodel.machine.traced import traced as traced_machine
from costmodel.model import CostModel, Variant, variant_for
from costmodel.model.sources import LEDGER, open_source
from costmodel.plutus import (
    LedgerLanguage,
    ProgramFile,
    data_from_hex,
    decode_flat,
    encode_data,
    language_available,
    load_data,
    load_program,
    print_program,
)
from costmodel.records.evaluation import EvaluationDocument
from costmodel.records.figures import ExUnitsRecord as ExUnitsRecord
from costmodel.rendering.text import visible
from costmodel.workloads.corpus import is_corpus, is_database, is_parquet
from costmodel.workloads.evaluation import PLENTY

_DEFAULT_BUDGET: Final = f"{PLENTY.cpu},{PLENTY.mem}"

_DEFAULT_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3

Command = TableCommand


def command(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="PROGRAM",
            help="A program in any form (flat, hexadecimal, CBOR, textual UPLC, text envelope, blueprint, UTxO file) "
            "or a replay corpus (JSON, Parquet, or postgresql://… of plutus-script-evaluation).",
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
        Path | None, typer.Option("--out", metavar="FILE", help="Parquet file for the results of a corpus in rows.")
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
    streamed = is_database(source) or is_parquet(program)
    if (out or jobs or backend != LOCAL) and not streamed:
        raise InputError(f"{source} is not a corpus in rows; --out, --jobs and --backend are for one")
    if streamed or is_corpus(program):
        if arguments or cost_model or language or script:
            raise InputError(f"{source}: a replay corpus brings its own scripts, arguments, languages and cost models")
        if streamed:
            given = context.get_parameter_source("trace_config")
            if given and given.name == "COMMANDLINE":  # what CALIBRATE_TRACE says for good may go without
                raise InputError(f"{source}: processes that evaluate rows do not trace; leave --trace-config out")
            with spreading(backend, jobs) as spreader:
                return evaluate_rows(rows_of_corpus(source), spreader, out=out, as_json=as_json)
        with traced(trace_config) as trace:
            return evaluate_corpus(program, trace, as_json=as_json)
    wanted = language_named(language) if language else None
    loaded = load_program(program, language=wanted, default=_DEFAULT_LANGUAGE, name=script)
    chosen = wanted or loaded.language or _DEFAULT_LANGUAGE
    if not language_available(chosen, protocol_version):
        raise InputError(f"{chosen.value} does not exist at protocol version {protocol_version}; choose a later one")
    variant = variant_for(chosen, protocol_version)
    prices = open_source(cost_model or [LEDGER], language=chosen)
    model = prices.in_force(chosen, protocol_version)
    applied = _applied(program, loaded, arguments or [], chosen, protocol_version)
    for note in (*((f"{program}: {loaded.note}",) if loaded.note else ()), *prices.notes):
        complain(note)
    with traced(trace_config) as trace:
        outcome = traced_machine(exact_machine(variant, model), trace).evaluate(applied, limit, result=True)
    if as_json:
        print_json(_document(outcome, model, variant, chosen, protocol_version))
    else:
        _show(outcome, model)
    return 0 if outcome.status is EvaluationStatus.SUCCESS else 1


def _applied(
    path: Path, program: ProgramFile, arguments: list[str], language: LedgerLanguage, protocol_version: int
) -> Script:
    try:
        # Only text can hold group elements.
        script = Script.decode(program.flat, language, protocol_version, group_elements=program.textual)
    except DecodeError as error:
        raise DecodeError(f"{path}: {error}") from None
    for number, argument in enumerate(arguments, start=1):
        try:
            script.apply_data(_cbor(argument))
        except InputError as error:
            raise type(error)(f"argument {number}: {error}") from None
    return script


def _cbor(argument: str) -> bytes:
    # os.path's test, unlike pathlib's, takes a text that is too long for a file name: most Data is.
    if Path(argument).suffix or os.path.isfile(argument):  # noqa: PTH113
        return encode_data(load_data(Path(argument)))
    return encode_data(data_from_hex(argument))


def _result_text(outcome: Outcome) -> str | None:
    if outcome.result is None:
        return None
    return print_program(decode_flat(outcome.result, allow_group_elements=True))


def _document(
    outcome: Outcome, model: CostModel, variant: Variant, language: LedgerLanguage, protocol_version: int
) -> EvaluationDocument:
    return EvaluationDocument(
        status=outcome.status.value,
        result=_result_text(outcome),
        result_missing=outcome.unwritten,
        error=outcome.error,
        ex_units=ExUnitsRecord(cpu=outcome.spent.cpu, mem=outcome.spent.mem),
        steps=outcome.steps,
        builtins=outcome.builtins,
        logs=tuple(outcome.logs),
        language=language.value,
        protocol_version=protocol_version,
        variant=variant.value,
        cost_model=model.source,
    )


def _show(outcome: Outcome, model: CostModel) -> None:
    if outcome.status is EvaluationStatus.SUCCESS:
        say(_result_text(outcome) or f"success: {outcome.unwritten}")
    else:
        say(f"{outcome.status.value}: {outcome.error}")
    for line in outcome.logs:
        say(f"trace: {visible(line)}")
    say("")
    spent = outcome.spent
    show_facts(
        {
            "CPU": f"{spent.cpu:,} ps",
            "memory": f"{spent.mem:,} words",
            "steps": _counted(outcome.steps),
            "builtins": _counted(outcome.builtins),
            "cost model": model.source,
        }
    )


def _counted(counts: dict[str, int]) -> str:
    listed = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f"{sum(counts.values()):,} ({listed})" if counts else "0"
