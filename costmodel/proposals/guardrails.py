"""The guardrails of the constitution on cost models, PCM-01 to PCM-04: evidence, and what a person must answer.

The guardrail script of the chain can check none of them, so evidence has to come with a proposal.
"""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.model.basis import described
from costmodel.proposals.searches import said
from costmodel.records.figures import PriceBasis
from costmodel.records.proposal import Guardrail, ProposedArray, RunFact, SearchFact

_NAMED = 6


def guardrails(
    basis: PriceBasis,
    arrays: Sequence[ProposedArray],
    runs: Sequence[RunFact],
    undated: Sequence[str],
    searches: Sequence[SearchFact],
) -> tuple[Guardrail, ...]:
    """The checklist. `undated` are builtins of the protocol version that the model does not price."""
    return (_benchmarks(basis, runs, searches), _updated(arrays, undated), _negative(arrays), _every_language(arrays))


def _benchmarks(basis: PriceBasis, runs: Sequence[RunFact], searches: Sequence[SearchFact]) -> Guardrail:
    found = [f"{described(basis)}: {basis.reason}"]
    found += [f"run {each.run} of {each.evaluator}, {each.created}, SHA-256 {each.manifest_sha256}" for each in runs]
    found += map(said, searches)
    unsearched = (
        () if searches else ("Which inputs take longest for these prices? No search for worst inputs was given.",)
    )
    return Guardrail(
        id="PCM-01",
        rule="Values are set by benchmarking on a reference architecture.",
        status="evidence" if basis.reference else "against",
        evidence=tuple(found),
        questions=(
            "Is this machine the reference architecture that the committee has agreed on?",
            "Does every node that validates blocks keep up with these prices?",
            *unsearched,
        ),
    )


def _updated(arrays: Sequence[ProposedArray], undated: Sequence[str]) -> Guardrail:
    found = []
    for each in arrays:
        priced = f"{sum(value.new is not None for value in each.values)} of {len(each.values)} parameters have a value"
        found.append(
            f"{each.language} at protocol version {each.protocol_version}: {priced}, {len(each.added)} are new"
        )
        if each.missing:
            found.append(f"{each.language}: without a value are {_named(each.missing)}")
        if each.kept:
            found.append(f"{each.language}: live values are kept for {_named(list(each.kept))}")
    if undated:
        found.append(f"the model has no price of {_named(undated)}")
    return Guardrail(
        id="PCM-02",
        rule="The model is updated where primitives are added or changed, or a language version is added.",
        status="against" if any(each.missing for each in arrays) else "evidence",
        evidence=tuple(found),
        questions=(
            "Which primitives have changed in the ledger since these runs were made?",
            "Why is each live value kept that is kept?",
        ),
    )


def _negative(arrays: Sequence[ProposedArray]) -> Guardrail:
    found = [
        f"{each.language} index {value.index}, {value.name}: {value.new:,} (live {_live(value.old)})"
        for each in arrays
        for value in each.values
        if value.new is not None and value.new < 0
    ]
    names = sorted({value.name for each in arrays for value in each.values if (value.new or 0) < 0})
    return Guardrail(
        id="PCM-03",
        rule="Values are not normally negative; each negative one is justified by the costs of its primitive.",
        status="against" if found else "evidence",
        evidence=tuple(found) or ("no value is negative",),
        questions=tuple(f"What justifies that {name} is negative?" for name in names),
    )


def _every_language(arrays: Sequence[ProposedArray]) -> Guardrail:
    found = [
        f"{each.language}: {sum(value.new is not None for value in each.values)} parameters for protocol version "
        f"{each.protocol_version}"
        for each in arrays
    ]
    added = sorted({name for each in arrays for name in each.added})
    if added:
        found.append(f"{len(added)} parameters are of primitives that are not priced yet: {_named(added)}")
    return Guardrail(
        id="PCM-04",
        rule="A model is supplied for each language version that the protocol supports, in force after its primitives.",
        status="evidence" if arrays else "against",
        evidence=tuple(found),
        questions=("In which epoch does this go in force, and are all its primitives in force by then?",),
    )


def _live(value: int | None) -> str:
    return "has none" if value is None else f"{value:,}"


def _named(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
