"""Designs for any evaluator: without what only the native machine has, and as large as its speed allows.

A driver has no no-op builtins, so a point of a builtin is two programs that apply it k and 2k times. It times
evaluations and decodings, and nothing else of a call. Verifications of signatures get places that may vary, since some
evaluators keep their results. A slow evaluator gets fewer points, fewer blocks and fewer processes, and not a session
without an end: a pilot times one program of each operation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from costmodel.errors import InputError
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION, cell, sequence
from costmodel.machine import CellLost, Order, Script, exact_machine
from costmodel.machine.driver import BUDGET, DriverEvaluator
from costmodel.model import variant_for
from costmodel.plutus import (
    BUILTIN_BY_NAME,
    Apply,
    BuiltinTerm,
    Const,
    Force,
    Lam,
    Term,
    Var,
    available,
    decode_flat,
)
from costmodel.runs.design import FEWEST_BLOCKS, Cell

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

_BUDGET_SHARE: Final = 0.8  # of a time budget are for batches that can be foreseen
_OVERHEAD_NS: Final = 250_000.0  # of a batch: its request, its answer, and what the kernel says of it
_MOST_SHARE: Final = 8.0  # times its part of the time budget that a cell may take before it is left out
_STARTING: Final = 3  # a process runs every cell about so many batches long before its blocks begin
_SIZES: Final = tuple(
    (share, blocks, processes)
    for share, blocks, processes in (
        (1.0, 20, 5),
        (1.0, 12, 5),
        (1.0, 8, 5),
        (1.0, 6, 4),
        *((share, 5, 4) for share in (1.0, 0.8, 0.65, 0.5)),
        *((share, FEWEST_BLOCKS, 3) for share in (0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.08, 0.05)),
    )
)
_FEWEST_POINTS: Final = 3
_FEWEST_PROGRAMS: Final = 24  # of the step experiment: some more than there are prices to be told apart


@dataclass(frozen=True)
class Sized:
    """A design that fits into its time: its cells, and the settings of the session. `of` cells could be measured."""

    cells: tuple[Cell, ...]
    of: int
    settings: dict[str, Any]


def portable_cells(cells: Iterable[Cell], protocol_version: int = PROTOCOL_VERSION) -> tuple[Cell, ...]:
    """The cells that any evaluator can be asked for, and those that take the place of others."""
    kept: list[Cell] = []
    points: dict[str, list[Cell]] = {}
    for one in cells:
        if one.operation.startswith(_NOP) or (one.experiment == "calls" and one.work not in _CALLS):
            continue
        if any(name.startswith(_NOP) for name in one.builtins):
            continue
        kept.append(one)
        if one.experiment == "builtins":
            points.setdefault(_point(one), []).append(one)
    kept += [_half(point[0]) for point in points.values() if len(point) == 1 and point[0].repeats > 0]
    known = (one for one in kept if all(_known(name, protocol_version) for name in one.builtins))
    return tuple(_portable(one, protocol_version) for one in known)


def _known(builtin: str, protocol_version: int) -> bool:
    return available(BUILTIN_BY_NAME[builtin], LANGUAGE, protocol_version)


def _portable(one: Cell, protocol_version: int) -> Cell:
    varied = tuple(_vary(one)) if one.operation in _VARIED else ()
    return msgspec.structs.replace(one, nops=False, vary=varied, protocol_version=protocol_version)


def _point(one: Cell) -> str:
    """What the cells of one point have in common."""
    return one.id.rpartition("/")[0]


def _half(one: Cell) -> Cell:
    """The program without the latter half of its applications, which are the last items of its row."""
    items, body = _row(decode_flat(one.flat).term)
    repeats = one.repeats // 2
    fewer = sequence(items[: len(items) - (one.repeats - repeats)], body)
    return cell(
        f"{_point(one)}/x{repeats}",
        "builtins",
        one.operation,
        fewer,
        sizes=one.sizes,
        sizes_by_measure=one.sizes_by_measure,
        repeats=repeats,
        protocol_version=one.protocol_version,
    )


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


def sized(cells: Sequence[Cell], evaluator: DriverEvaluator, seconds: float | None) -> Sized:
    """As many of the cells, and as many blocks and processes, as fit into `seconds`; all of them without."""
    batch_us = evaluator.batch_us
    expected = _pilot(cells, evaluator) if seconds is not None else {}
    able = [one for one in cells if not expected or one.id in expected]
    visits = {one.id: _visit_ns(expected.get(one.id, 0.0), batch_us * 1e3) for one in able}
    for share, blocks, processes in _SIZES:
        rounds = processes * (blocks + _STARTING)
        most = math.inf if seconds is None else _MOST_SHARE * seconds * 1e9 / rounds / max(len(able), 1)
        chosen = _thinned(able, share, {name: ns for name, ns in visits.items() if ns > most})
        if seconds is None or rounds * sum(visits[one.id] for one in chosen) / 1e9 < _BUDGET_SHARE * seconds:
            break
    # What is refused costs next to nothing, and is to be named.
    chosen += [one for one in cells if expected and one.id not in expected]
    settings = {"target_batch_us": batch_us, "blocks_per_process": blocks, "min_processes": processes}
    return Sized(tuple(chosen), len(cells), settings)


def _visit_ns(run_ns: float, batch_ns: float) -> float:
    """What a block takes for a cell: a batch, its warm-up and its request; of long runs, a warm-up and three."""
    return _OVERHEAD_NS + (1.2 * batch_ns if run_ns < batch_ns else 4 * run_ns)


def _thinned(cells: Sequence[Cell], share: float, dear: Mapping[str, float]) -> list[Cell]:
    """A share of the points of every builtin, those first that lie farthest apart, and of the programs, the short ones
    first; of each a few at least. What is `dear` goes first, by how dear it is."""
    kept: set[str] = set()
    by_operation: dict[tuple[str, str], list[Cell]] = {}
    for one in cells:
        key = one.operation if one.experiment != "steps" or one.operation == "start" else ""
        by_operation.setdefault((one.experiment, key), []).append(one)
    for (experiment, _), mine in by_operation.items():
        if experiment == "steps":
            ordered = sorted(mine, key=lambda one: sum(one.steps.values()))
            wanted = min(math.ceil(share * len(ordered)), sum(one.id not in dear for one in ordered))
            kept.update(one.id for one in ordered[: max(_FEWEST_PROGRAMS, wanted)])
            continue
        costs = {one.sizes: dear.get(one.id, 0.0) for one in mine}
        points = sorted(_apart(sorted(costs)), key=costs.__getitem__)
        wanted = min(math.ceil(share * len(points)), sum(cost == 0 for cost in costs.values()))
        chosen = set(points[: max(_FEWEST_POINTS, wanted)])
        kept.update(one.id for one in mine if one.sizes in chosen)
    return [one for one in cells if one.id in kept]


def _apart(points: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Points in an order in which each lies farthest from those before it; the smallest first."""
    logs = np.log2(np.array(points, np.float64).reshape(len(points), -1) + 1)
    order = [0]
    distances = np.abs(logs - logs[0]).sum(axis=1)
    while len(order) < len(points):
        distances[order] = -1.0
        order.append(int(distances.argmax()))
        distances = np.minimum(distances, np.abs(logs - logs[order[-1]]).sum(axis=1))
    return [points[index] for index in order]


def _pilot(cells: Sequence[Cell], evaluator: DriverEvaluator) -> dict[str, float]:
    """Nanoseconds that one run of each cell is likely to take, from a run of one of its operation; cells of operations
    that the evaluator refuses are missing."""
    charges = {one.id: _charge(one) for one in cells}
    groups: dict[tuple[str, str], list[Cell]] = {}
    for one in cells:
        groups.setdefault((one.work, one.operation), []).append(one)
    expected: dict[str, float] = {}
    for mine in groups.values():
        ordered = sorted(mine, key=lambda one: charges[one.id])
        # Some evaluators take much more than is charged where operands are large, so the dearest is tried as well.
        tried = {one.id: ns for one in (ordered[len(ordered) // 2], ordered[-1]) if (ns := _run(one, evaluator))}
        if tried:
            share = max(ns / charges[name] for name, ns in tried.items())
            expected |= {one.id: tried.get(one.id, share * charges[one.id]) for one in mine}
    return expected


def _run(one: Cell, evaluator: DriverEvaluator) -> float | None:
    try:
        work = evaluator.prepare(msgspec.structs.replace(one, vary=()), checked=True)
    except CellLost:
        return None
    # The second one: the first may have been compiled.
    (reading,) = evaluator.time([Order(work, 1, 0)])
    return None if reading.fault else float(max(reading.ticks, 1))


def _charge(one: Cell) -> float:
    """What a cell's time grows with: its ExUnits, or the bytes that are decoded."""
    if one.work in _CALLS:
        return float(len(one.flat) + sum(map(len, one.arguments)))
    script = Script.decode(one.flat, LANGUAGE, one.protocol_version)
    machine = exact_machine(variant_for(LANGUAGE, one.protocol_version))
    return float(machine.evaluate(script, BUDGET).spent.cpu)
