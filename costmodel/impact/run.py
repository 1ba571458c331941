"""An impact analysis from corpus to document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.errors import InputError
from costmodel.impact.pricing import price_list
from costmodel.impact.tally import ImpactTally
from costmodel.impact.usages import USAGES, is_usages, usage_rows
from costmodel.impact.worker import (
    FAILED,
    PRICED,
    REFUSED,
    RESULTS,
    UNAFFORDABLE,
    UNFINISHED,
    ChunkOutcome,
    EpochTerms,
    Question,
    evaluate_batch,
    reprice_batch,
)
from costmodel.model.basis import basis_of
from costmodel.model.sources import ModelSource
from costmodel.model.timeline import last_change, parameters_at
from costmodel.records.impact import EpochTermsRecord as TermsRecord
from costmodel.records.impact import Impact
from costmodel.remote import opened_whole, shown_address
from costmodel.trace import SILENT, Severity, Trace
from costmodel.workloads.corpus import is_corpus, is_database, is_parquet, load_corpus
from costmodel.workloads.evaluation import PLENTY, Evaluation
from costmodel.workloads.rows import Rows, Spreader, from_bytes, rows_of
from costmodel.workloads.sources import find_workload, is_streamed, rows_named

MOST: Final = 20
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class ImpactCorpus:
    """Rows to be evaluated, or usages to be repriced."""

    rows: Rows
    usages: bool


def open_corpus(spec: str, blocks: tuple[int, int] | None = None) -> ImpactCorpus:
    """A corpus as `eval` and `validate` name it (JSON, Parquet, folder, address of a database), or recorded usages.

    `blocks` are the first and last block of a database. InputError or DecodeError where there is no such corpus.
    """
    if blocks and not is_database(spec):
        raise InputError(f"{shown_address(spec)} is not a database; --blocks is for postgresql:// alone")
    if is_parquet(spec) and is_usages(spec):
        return ImpactCorpus(usage_rows(spec), usages=True)
    if is_streamed(spec):
        return ImpactCorpus(rows_named(spec, blocks), usages=False)
    path = Path(spec)
    if is_corpus(path):
        return ImpactCorpus(rows_of(spec, load_corpus(path), (path,)), usages=False)
    workload = find_workload(spec)
    found = [
        Evaluation(
            id=program.label,
            flat=program.flat,
            arguments=program.arguments,
            language=program.language,
            protocol_version=program.protocol_version,
            parameters=program.ledger_parameters,
            budget=PLENTY,
            expected_success=True,
            expected=program.expected,
        )
        for program in workload.programs
    ]
    return ImpactCorpus(rows_of(spec, found, workload.files), usages=False)


def terms_at(epoch: int | None, overlays: tuple[Path, ...] = ()) -> tuple[EpochTerms, TermsRecord]:
    """The prices and limits of an epoch, the newest known without one. ModelError before Alonzo."""
    chosen = last_change() if epoch is None else epoch
    parameters = parameters_at(chosen, overlays)
    transaction, block = parameters.max_tx_execution_units, parameters.max_block_execution_units
    steps, memory = parameters.price_steps, parameters.price_memory
    if transaction is None or block is None or steps is None or memory is None:
        raise InputError(f"epoch {chosen} has no prices of ExUnits; choose one from 290 on")
    record = TermsRecord(
        epoch=chosen,
        known_to=last_change(),
        price_steps=str(steps),
        price_memory=str(memory),
        transaction=(transaction.cpu, transaction.mem),
        block=(block.cpu, block.mem),
    )
    return EpochTerms(steps, memory, transaction, block), record


def impact(
    before: ModelSource,
    after: ModelSource,
    corpus: ImpactCorpus,
    *,
    terms: tuple[EpochTerms, TermsRecord],
    spreader: Spreader,
    out: str | None = None,
    record: str | None = None,
    most: int = MOST,
    progress: Progress = lambda done, total: None,
    trace: Trace = SILENT,
) -> Impact:
    """What `after` changes compared with `before` on a corpus.

    `out` and `record` are Parquet files at paths or addresses, written whole or not at all: a row an evaluation, and
    the usages. InputError for a corpus without rows or one that no model can price, CheckFailed where repricing and
    evaluation disagree, which would be a fault of this program.
    """
    rows = corpus.rows
    if not rows.count:
        raise InputError(f"{rows.name} has no evaluations")
    if corpus.usages and record:
        raise InputError(f"{rows.name} holds recorded usages already; leave --record out")
    question = Question(price_list(before), price_list(after), terms[0], keep_usages=record is not None)
    work = partial(reprice_batch if corpus.usages else evaluate_batch, question)
    tally = ImpactTally(terms[0], most)
    trace.emit(
        "impact", "start", before=before.name, after=after.name, corpus=rows.name, rows=rows.count, epoch=terms[1].epoch
    )
    with ExitStack() as stack:
        write_rows = stack.enter_context(_writer(out, RESULTS))
        write_usages = stack.enter_context(_writer(record, USAGES))
        for content in spreader(rows, work):
            answer = msgspec.msgpack.decode(content, type=ChunkOutcome)
            batch = from_bytes(answer.rows)
            tally.add(answer, batch)
            write_rows(batch)
            if answer.usages is not None:
                write_usages(from_bytes(answer.usages))
            progress(tally.rows, rows.count)
            trace.emit("impact", "batch", Severity.DEBUG, rows=batch.num_rows, done=tally.rows)
    totals = tally.totals()
    over_limit, over_declared, failing, succeeding = tally.breaking
    trace.emit(
        "impact",
        "end",
        rows=tally.rows,
        outcomes=dict(tally.outcomes),
        newly_over_limit=over_limit,
        newly_over_declared=over_declared,
        newly_failing=failing,
    )
    return Impact(
        before=before.name,
        after=after.name,
        corpus=rows.name,
        method="repriced" if corpus.usages else "evaluated",
        terms=terms[1],
        rows=tally.rows,
        priced=tally.outcomes[PRICED],
        failed=tally.outcomes[FAILED],
        unfinished=tally.outcomes[UNFINISHED],
        refused=tally.outcomes[REFUSED],
        unaffordable=tally.outcomes[UNAFFORDABLE],
        totals_before=totals[0],
        totals_after=totals[1],
        newly_over_limit=over_limit,
        newly_over_declared=over_declared,
        newly_failing=failing,
        newly_succeeding=succeeding,
        without_declared=tally.without_declared,
        cpu=tally.ratios["cpu"].quantiles(),
        memory=tally.ratios["mem"].quantiles(),
        fee=tally.ratios["fee"].quantiles(),
        attribution=tally.attribution(),
        most_affected=tally.most_affected(),
        scripts=tally.scripts(),
        distinct_scripts=tally.distinct_scripts,
        results=None if out is None else shown_address(out),
        usage=tally.used(),
        before_of=basis_of(before),
        after_of=basis_of(after),
    )


@contextmanager
def _writer(name: str | None, schema: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
    if name is None:
        yield lambda batch: None
        return
    with opened_whole(name) as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield writer.write_batch
