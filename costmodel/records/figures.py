"""Figures that many documents have, and whose picoseconds prices are in."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from costmodel.records.documents import Bounds, Count, Record, about

ExitCode: TypeAlias = Annotated[
    Literal[0, 1, 3], about("What the process ends with: 0 passed, 1 failed, 3 inconclusive")
]

Change: TypeAlias = Annotated[
    Literal["regressed", "improved", "unchanged", "inconclusive"], about("What became of an operation, or of all")
]

Judgement: TypeAlias = Annotated[Literal["pass", "fail", "inconclusive"], about("Whether a limit is kept")]


class EstimateRecord(Record, frozen=True, kw_only=True):
    """A figure with its 95 % interval; null where a bound, or the figure, is infinite."""

    value: Annotated[float | None, about("The figure")]
    interval: Bounds


class ExUnitsRecord(Record, frozen=True, kw_only=True):
    """What the ledger charges."""

    cpu: Annotated[Count, about("Picoseconds")]
    mem: Annotated[Count, about("Words")]


class Latency(Record, frozen=True, kw_only=True):
    """Wall times of many programs, in ns."""

    median: Annotated[float, about("The median; of large corpora to 1 %")]
    p95: Annotated[float, about("The 95th percentile; of large corpora to 1 %")]
    max: Annotated[float, about("The longest")]
    total: Annotated[float, about("All together")]


class Latencies(Record, frozen=True, kw_only=True):
    """Wall times, in ns; null where nothing was timed."""

    decode: Annotated[Latency | None, about("Decoding and applying the arguments")]
    evaluate: Annotated[Latency | None, about("Evaluating what was not refused")]


Objection: TypeAlias = Annotated[
    Literal["evaluator", "machine", "unknown", "unsafe", "flagged", "edited"],
    about(
        "Why prices should not go to the chain as they are. evaluator, machine: the picoseconds are another's than the "
        "reference's; unknown: nothing says whose they are; unsafe: a price undercharges too much, or nobody judged "
        "it; flagged: prices with material flags; edited: prices that are not those that the fit charges"
    ),
]


class PriceBasis(Record, frozen=True, kw_only=True):
    """Whose picoseconds the prices of a model are in."""

    evaluator: Annotated[str, about("The evaluator that was measured")]
    version: Annotated[str, about("Its version and build")]
    machine: Annotated[str, about("The machine that it ran on")]
    reference: Annotated[bool, about("Whether these are the picoseconds of the chain's prices")]
    reason: Annotated[str, about("Why they are, or are not")]


class Doubt(Record, frozen=True, kw_only=True):
    """Something that speaks against prices."""

    objection: Objection
    text: Annotated[str, about("In a sentence")]
    names: Annotated[tuple[str, ...], about("The builtins and steps concerned; empty: all of them")]
