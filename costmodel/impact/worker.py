"""The part of an impact analysis that runs in any process: batches of evaluations in, priced rows and sums out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from math import lcm
from typing import Any, Final

import msgspec
import pyarrow as pa

from costmodel.errors import CheckFailed, ModelError
from costmodel.impact.pricing import PriceList, Units, total
from costmodel.impact.usage_totals import UsageSums
from costmodel.impact.usages import Recorded, recorded, recordings, usage_batch
from costmodel.machine import EvaluationStatus, NativeMachine, Script
from costmodel.model import MAX_COST, ExUnits, Variant, variant_for
from costmodel.workloads.rows import evaluations, from_bytes, to_bytes

UNFINISHED_FACTOR: Final = 10
_NO_LIMIT: Final = ExUnits(MAX_COST, MAX_COST)

PRICED, FAILED, UNFINISHED, REFUSED, UNAFFORDABLE = "priced", "failed", "unfinished", "refused", "unaffordable"
OVER_LIMIT: Final = "over the limit"
OVER_DECLARED: Final = "over what was declared"
NEWLY_FAILING: Final = "success turned into failure"
NEWLY_SUCCEEDING: Final = "failure turned into success"

RESULTS: Final = pa.schema(
    [
        ("id", pa.string()),
        ("script_hash", pa.binary()),
        ("language", pa.string()),
        ("protocol_version", pa.int64()),
        ("outcome", pa.string()),
        ("declared_cpu", pa.int64()),
        ("declared_mem", pa.int64()),
        ("cpu_before", pa.int64()),
        ("mem_before", pa.int64()),
        ("cpu_after", pa.int64()),
        ("mem_after", pa.int64()),
        ("fee_before", pa.int64()),
        ("fee_after", pa.int64()),
        ("share_before", pa.float64()),
        ("share_after", pa.float64()),
        ("changes", pa.list_(pa.string())),
    ]
)
"""A row an evaluation. Only where `outcome` is "priced" are there units, fees (lovelace, rounded up), shares of a
transaction's limits, and `changes`: what the new prices turn it into."""


@dataclass(frozen=True)
class EpochTerms:
    """An epoch's prices of ExUnits (lovelace a ps and a word) and limits."""

    price_steps: Fraction
    price_memory: Fraction
    transaction: ExUnits
    block: ExUnits

    def fee(self, units: ExUnits) -> int:
        """The script fee in lovelace, rounded up as the ledger does for a transaction."""
        steps, memory, whole = self._prices
        return -(-(units.cpu * steps + units.mem * memory) // whole)

    @cached_property
    def _prices(self) -> tuple[int, int, int]:
        """Both prices as numerators over their common denominator, since fractions take long to add."""
        whole = lcm(self.price_steps.denominator, self.price_memory.denominator)
        return int(self.price_steps * whole), int(self.price_memory * whole), whole

    def share(self, units: ExUnits) -> float:
        """The larger of the shares of a transaction's CPU and memory limits."""
        return max(units.cpu / self.transaction.cpu, units.mem / self.transaction.mem)


@dataclass(frozen=True)
class Question:
    """What is asked of every batch. Picklable."""

    before: PriceList
    after: PriceList
    terms: EpochTerms
    keep_usages: bool


class ChunkOutcome(msgspec.Struct):
    """What is known of one batch: RESULTS as bytes, the sums of every price's part under both models (CPU before,
    memory before, CPU after, memory after), and the usages where they are kept."""

    rows: bytes
    parts: dict[str, tuple[int, int, int, int]]
    usages: bytes | None = None
    used: dict[str, tuple[int, list[int], list[tuple[str, tuple[int, ...], int]]]] = {}  # by language


def evaluate_batch(question: Question, where: str, first: int, content: bytes) -> bytes:
    """The answer for a batch of evaluations: each is recorded, priced, and evaluated again under both models."""
    limit = ExUnits(
        question.terms.transaction.cpu * UNFINISHED_FACTOR, question.terms.transaction.mem * UNFINISHED_FACTOR
    )
    kept: list[Recorded] = []
    parts = _Parts()
    results: list[dict[str, Any]] = []
    for evaluation in evaluations(where, first, from_bytes(content)):
        recording, script = recorded(evaluation, limit)
        kept.append(recording)
        row = _priced(question, recording, parts)
        if script is not None and row["outcome"] == PRICED:
            _check(question, recording, script, row)
        results.append(row)
    usages = to_bytes(usage_batch(kept)) if question.keep_usages else None
    return _answer(results, parts, usages)


def reprice_batch(question: Question, where: str, first: int, content: bytes) -> bytes:
    """The answer for a batch of recorded usages."""
    parts = _Parts()
    results = [_priced(question, each, parts) for each in recordings(where, first, from_bytes(content))]
    return _answer(results, parts, None)


class _Parts:
    """Sums by price."""

    def __init__(self) -> None:
        self.sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self.used: defaultdict[str, UsageSums] = defaultdict(UsageSums)

    def add(self, before: dict[str, Units], after: dict[str, Units]) -> None:
        for name, (cpu, mem) in before.items():
            sums = self.sums[name]
            sums[0] += cpu
            sums[1] += mem
            cpu, mem = after[name]
            sums[2] += cpu
            sums[3] += mem


def _answer(results: Iterable[dict[str, Any]], parts: _Parts, usages: bytes | None) -> bytes:
    rows = to_bytes(pa.RecordBatch.from_pylist(list(results), schema=RESULTS))
    sums = {name: (sums[0], sums[1], sums[2], sums[3]) for name, sums in parts.sums.items()}
    used = {language: each.packed() for language, each in parts.used.items()}
    return msgspec.msgpack.encode(ChunkOutcome(rows, sums, usages, used))


def _priced(question: Question, recording: Recorded, parts: _Parts) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": recording.id,
        "script_hash": recording.script_hash,
        "language": recording.language.value,
        "protocol_version": recording.protocol_version,
        "declared_cpu": recording.declared.cpu if recording.declared else None,
        "declared_mem": recording.declared.mem if recording.declared else None,
    }
    usage = recording.usage
    if usage is None:
        return row | {"outcome": REFUSED}
    if usage.status is not EvaluationStatus.SUCCESS:
        return row | {"outcome": FAILED if usage.status is EvaluationStatus.FAILURE else UNFINISHED}
    try:
        priced = [
            prices.pricing(recording.language, recording.protocol_version).parts(usage)
            for prices in (question.before, question.after)
        ]
    except ModelError as error:
        raise ModelError(f"evaluation {recording.id}: {error}") from None
    before, after = (total(each) for each in priced)
    if MAX_COST in (before.cpu, before.mem, after.cpu, after.mem):
        return row | {"outcome": UNAFFORDABLE}
    parts.add(*priced)
    parts.used[recording.language.value].add(usage)
    terms = question.terms
    return row | {
        "outcome": PRICED,
        "cpu_before": before.cpu,
        "mem_before": before.mem,
        "cpu_after": after.cpu,
        "mem_after": after.mem,
        "fee_before": terms.fee(before),
        "fee_after": terms.fee(after),
        "share_before": terms.share(before),
        "share_after": terms.share(after),
        "changes": _changes(before, after, recording.declared, terms.transaction),
    }


def _changes(before: ExUnits, after: ExUnits, declared: ExUnits | None, limit: ExUnits) -> list[str]:
    """What the new prices turn an evaluation into. A transaction may declare no more than its limit, so it succeeds
    within what it declared or, where that is not known, within the limit."""
    found = []
    if _within(before, limit) and not _within(after, limit):
        found.append(OVER_LIMIT)
    if declared is not None and _within(before, declared) and not _within(after, declared):
        found.append(OVER_DECLARED)
    allowed = limit if declared is None else declared
    if _within(before, allowed) != _within(after, allowed):
        found.append(NEWLY_FAILING if _within(before, allowed) else NEWLY_SUCCEEDING)
    return found


def _within(units: ExUnits, limit: ExUnits) -> bool:
    return units.cpu <= limit.cpu and units.mem <= limit.mem


def _check(question: Question, recording: Recorded, script: Script, row: dict[str, Any]) -> None:
    """Evaluate again under both models: repricing must say the same."""
    variant = variant_for(recording.language, recording.protocol_version)
    for prices, name in ((question.before, "before"), (question.after, "after")):
        packed = prices.pricing(recording.language, recording.protocol_version).packed
        spent = _machine(packed, variant).spent(script, _NO_LIMIT)
        if (spent.cpu, spent.mem) != (row[f"cpu_{name}"], row[f"mem_{name}"]):
            raise CheckFailed(
                f"evaluation {recording.id} costs {spent.cpu} ps and {spent.mem} words under "
                f"{prices.name}, but {row[f'cpu_{name}']} and {row[f'mem_{name}']} when repriced; please report this"
            )


@lru_cache(maxsize=32)
def _machine(packed: bytes, variant: Variant) -> NativeMachine:
    return NativeMachine.of_packed(packed, variant)
