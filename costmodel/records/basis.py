"""Whose picoseconds prices are in, and what speaks against using them on the chain."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from costmodel.records.documents import Record, about

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
