"""Designs for any evaluator: without what only the native machine has.

A driver has no no-op builtins, but every evaluator has partial applications: a builtin of more arguments, applied to
as many as the measured one takes, costs the same steps and calls nothing. So a point of a builtin is two programs, one
that applies it n times, and one with such a stand-in each time. Where the evaluator has no stand-in of as many
forces, the fit takes off the force by its price; where it has none at all, the builtin itself stands in, one argument
short. Verifications of signatures get places that may vary, since some evaluators keep their results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from costmodel.errors import InputError
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION, binders_passed, cell, saturated, sequence
from costmodel.machine import BINDERS, CONSTANT_CASES
from costmodel.machine.driver import DriverEvaluator
from costmodel.model import ledger_model, variant_for
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    BUILTINS,
    Apply,
    Builtin,
    BuiltinTerm,
    Const,
    Force,
    Lam,
    Term,
    Var,
    available,
    decode_flat,
)
from costmodel.runs.design import Cell

_NOP: Final = "nop"
_CALLS: Final = ("decode", "apply")

# Of a signature, where four bytes of its scalar lie that leave it below the group's order: the least significant ones,
# which come first in Ed25519 (RFC 8032, section 5.1.6) and last in ECDSA and Schnorr (SEC 1; BIP-340).
_VARIED: Final = {
    "verifyEd25519Signature": 32,
    "verifyEcdsaSecp256k1Signature": 60,
    "verifySchnorrSecp256k1Signature": 60,
}
_SIGNATURE_BYTES: Final = 64

_MOST_STAND_INS: Final = 4  # that are tried

# How long a program may become by applying a builtin more often, and how short by applying it less often.
_MOST_APPLICATIONS: Final = 2_048
_FEWEST_APPLICATIONS: Final = 16  # as operands differ
_MOST_PROGRAM_BYTES: Final = 131_072
_MOST_RESULT_WORDS: Final = 65_536


def portable_cells(cells: Iterable[Cell], protocol_version: int = PROTOCOL_VERSION) -> tuple[Cell, ...]:
    """The cells that any evaluator can be asked for. Those of builtins have no partner yet (`paired`)."""
    kept = (
        one
        for one in cells
        if not one.operation.startswith(_NOP)
        and not any(name.startswith(_NOP) for name in one.builtins)
        and (one.experiment != "calls" or one.work in _CALLS)
        and (one.experiment != "builtins" or one.repeats > 0)
        and all(_known(name, protocol_version) for name in one.builtins)
        and (protocol_version >= PROTOCOL_VERSION or one.work != "evaluate" or not one.features.get(CONSTANT_CASES))
    )
    most: dict[str, Cell] = {}
    for one in kept:
        point = _point(one) if one.experiment == "builtins" else one.id
        if point not in most or one.repeats > most[point].repeats:
            most[point] = one
    return tuple(_portable(one, protocol_version) for one in most.values())


def _known(builtin: str, protocol_version: int) -> bool:
    return available(BUILTIN_BY_NAME[builtin], LANGUAGE, protocol_version)


def _portable(one: Cell, protocol_version: int) -> Cell:
    varied = tuple(_vary(one)) if one.operation in _VARIED else ()
    features = one.features | {BINDERS: float(binders_passed(one))} if one.experiment == "steps" else one.features
    return msgspec.structs.replace(one, nops=False, vary=varied, protocol_version=protocol_version, features=features)


def _point(one: Cell) -> str:
    """What the cells of one point have in common."""
    return one.id.rpartition("/")[0]


def paired(
    cells: Sequence[Cell], times: Mapping[str, float], runs: Callable[[Cell], bool] = lambda _: True
) -> tuple[Cell, ...]:
    """The same with a partner for each cell of a builtin, whose applications become so many `times` as many, as far as
    programs may grow or shrink. `runs` says whether the evaluator takes a cell with a stand-in."""
    stand_ins: dict[str, Builtin] = {}
    made: list[Cell] = []
    for one in cells:
        if one.experiment != "builtins":
            made.append(one)
            continue
        resized = _resized(one, times.get(one.id, 1))
        if one.operation not in stand_ins:
            builtin = BUILTIN_BY_NAME[one.operation]
            choices = stand_ins_of(builtin, one.protocol_version)
            stand_ins[one.operation] = next((each for each in choices if runs(_without(one, each))), builtin)
        made += [resized, _without(resized, stand_ins[one.operation])]
    return tuple(made)


def stand_ins_of(builtin: Builtin, protocol_version: int) -> list[Builtin]:
    """The builtins whose partial applications cost the steps of a whole one of `builtin`, and then those that take
    another number of forces. Such as take its types come first: some evaluators look at them early."""
    enough = (each for each in BUILTINS if each.arity > builtin.arity and _known(each.name, protocol_version))

    def unlike(each: Builtin) -> tuple[int, int, int]:
        taken = zip(builtin.argument_types, each.argument_types, strict=False)
        types = sum(given != wanted and len(wanted) > 1 for given, wanted in taken)  # one letter is a type variable
        return abs(each.forces - builtin.forces), types, each.tag

    return sorted(enough, key=unlike)[:_MOST_STAND_INS]


def _without(one: Cell, instead: Builtin) -> Cell:
    """The program with partial applications of a stand-in where the builtin is applied."""
    items, body = _row(decode_flat(one.flat).term)
    first = len(items) - one.repeats
    others = []
    for item in items[first:]:
        name, arguments = _application(item)
        others.append(saturated(instead, instead.forces, arguments[:-1] if instead.name == name else arguments))
    return _partner(one, 0, sequence([*items[:first], *others], body))


def halved(one: Cell) -> Cell:
    """The program with half of its applications. What it lacks beside the whole are applications with their steps."""
    items, body = _row(decode_flat(one.flat).term)
    kept = len(items) - one.repeats + one.repeats // 2
    return _partner(one, one.repeats // 2, sequence(items[:kept], body))


def _resized(one: Cell, times: float) -> Cell:
    """The program with so many times its applications, as far as it may."""
    return _shorter(one, math.ceil(times * one.repeats)) if times < 1 else _longer(one, math.ceil(times))


def _shorter(one: Cell, count: int) -> Cell:
    """The program with its first applications alone, and the constants that they need. Where it computes what it
    applies its builtin to, it stays as it is, since that would be most of it."""
    count = max(count, _FEWEST_APPLICATIONS)
    items, body = _row(decode_flat(one.flat).term)
    first = len(items) - one.repeats
    if count >= one.repeats or one.vary or not all(isinstance(item, Const) for item in items[:first]):
        return one
    applied = [_application(item) for item in items[first : first + count]]
    # A variable of the application at a place counts the items back from it.
    wanted = {
        first + at - each.index for at, (_, given) in enumerate(applied) for each in given if isinstance(each, Var)
    }
    kept = sorted(place for place in wanted if place < first)
    places = {place: number for number, place in enumerate(kept)}
    again: list[Term] = []
    for at, (name, given) in enumerate(applied):
        moved = (
            Var(len(kept) + at - places[first + at - each.index]) if isinstance(each, Var) else each for each in given
        )
        again.append(saturated(BUILTIN_BY_NAME[name], BUILTIN_BY_NAME[name].forces, moved))
    return _partner(one, count, sequence([*(items[place] for place in kept), *again], body))


def _longer(one: Cell, times: int) -> Cell:
    """The program with its applications over and over again, on the same operands."""
    words = ledger_model(variant_for(LANGUAGE, PROTOCOL_VERSION)).builtins[one.operation].memory.evaluate(one.sizes)
    times = min(
        times,
        _MOST_APPLICATIONS // one.repeats,
        _MOST_PROGRAM_BYTES // len(one.flat),
        _MOST_RESULT_WORDS // (one.repeats * max(words, 1)),
    )
    if times < 2 or one.vary:
        return one
    items, body = _row(decode_flat(one.flat).term)
    applied = items[len(items) - one.repeats :]
    again = (_below(item, turn * one.repeats) for turn in range(1, times) for item in applied)
    return _partner(one, times * one.repeats, sequence([*items, *again], body))


def _below(item: Term, depth: int) -> Term:
    """An application below so many binders more."""
    name, arguments = _application(item)
    moved = (Var(each.index + depth) if isinstance(each, Var) else each for each in arguments)
    return saturated(BUILTIN_BY_NAME[name], BUILTIN_BY_NAME[name].forces, moved)


def _partner(one: Cell, repeats: int, term: Term) -> Cell:
    made = cell(
        f"{_point(one)}/x{repeats}",
        "builtins",
        one.operation,
        term,
        sizes=one.sizes,
        sizes_by_measure=one.sizes_by_measure,
        repeats=repeats,
        counted=False,
    )
    return _portable(made, one.protocol_version)


def _row(term: Term) -> tuple[list[Term], Term]:
    """The items that a program evaluates one after another, and what it goes on with."""
    items = []
    while isinstance(term, Apply) and isinstance(term.function, Lam):
        items.append(term.argument)
        term = term.function.body
    return items, term


def _vary(one: Cell) -> Iterator[int]:
    """Where in the flat bytes of a program lies what may vary of each signature that it verifies."""
    items, _ = _row(decode_flat(one.flat).term)
    for depth, item in enumerate(items):
        builtin, arguments = _application(item)
        if builtin == one.operation:
            *_, signature = arguments
            bound = items[depth - signature.index] if isinstance(signature, Var) else signature
            if isinstance(bound, Const) and len(bound.constant.value) == _SIGNATURE_BYTES:
                yield one.flat.index(bound.constant.value) + _VARIED[one.operation]


def _application(term: Term) -> tuple[str, list[Term]]:
    """The builtin that a term applies, and to what; no name where it is no application of a builtin."""
    arguments: list[Term] = []
    while isinstance(term, Apply | Force):
        if isinstance(term, Apply):
            arguments.insert(0, term.argument)
            term = term.function
        else:
            term = term.body
    return (term.builtin.name, arguments) if isinstance(term, BuiltinTerm) else ("", arguments)


def best_version(evaluator: DriverEvaluator) -> int:
    """The protocol version to measure at: the designs' own where the evaluator has it. InputError where it does not
    have the designs' language."""
    can = evaluator.hello.capabilities
    if LANGUAGE not in can.languages:
        raise InputError(f"the designs are {LANGUAGE.value} programs, which {evaluator.hello.evaluator} does not run")
    known = [version for version in can.protocol_versions if version <= PROTOCOL_VERSION]
    if not known:
        raise InputError(f"{evaluator.hello.evaluator} knows no protocol version up to {PROTOCOL_VERSION}")
    return max(known)
