"""The experiment on script calls: what the ledger does not charge today.

Decoding a script is measured over its bytes, its terms, its constants by type and the values that they hold: of the
programs that steps are measured with, of mixtures of what compiled contracts are made of, and of few terms with many
constants of one type or with long ones, or with many constr and case terms. Applying arguments is measured likewise,
over the CBOR and the nodes of Data, with one script whose decoding is known from a cell of its own. A start on a
machine without memory is compared with the evaluation of the same script on a warm one. So is the first run of scripts
of several sizes, by a whole call of each. Making a machine from a cost model is measured by itself.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec

from costmodel.experiments.steps import mixture
from costmodel.experiments.terms import cell, integer, sequence
from costmodel.machine.decoding_features import decoding_features
from costmodel.plutus import (
    BOOL,
    BYTESTRING,
    DATA,
    INTEGER,
    STRING,
    UNIT,
    Case,
    Const,
    Constant,
    ConstantType,
    Constr,
    Data,
    DataConstr,
    Lam,
    Term,
    decode_flat,
    encode_data,
    list_of,
    pair_of,
)
from costmodel.records.run import Work
from costmodel.runs.design import Cell

# Idioms of scripts without further constants; a script of the chain has at most 16 KiB.
_IDIOMS: Final = (3, 30, 300, 1_200)

# What scripts hold that have constants: idioms, what kind, how many, and how long each is.
_HELD: Final = (
    *((3, "bytestring", 1, length) for length in (1_000, 12_000)),
    *((300, "bytestring", count, length) for count, length in ((100, 28), (4, 2_000), (20, 28))),
    *((30, "string", count, length) for count, length in ((40, 20), (10, 20), (40, 120))),
    *((300, "string", count, 20) for count in (40, 80)),
    *((30, "integer", count, length) for count, length in ((100, 2), (25, 2), (100, 32))),
    *((300, "integer", 200, 2),),
    *((30, kind, count, 1) for kind in ("bool", "unit") for count in (30, 150)),
    *((30, "pair", count, 28) for count in (15, 60)),
    *((idioms, "data", 1, nodes) for idioms, nodes in ((3, 20), (3, 400), (300, 100), (3, 2_000))),
    *((30, "data", count, nodes) for count, nodes in ((10, 4), (40, 4), (40, 1), (150, 1))),
    *((30, "datum", count, 4) for count in (40, 150)),
    *((30, "fields", count, length) for count, length in ((40, 0), (40, 1), (40, 3))),
    *((idioms, "integers", 1, nodes) for idioms, nodes in ((3, 20), (3, 400), (300, 100), (3, 2_000))),
    *((30, "bytestrings", count, 4) for count in (10, 40)),
)

# Constr and case terms in a script: idioms, how many pairs of them, and how many parts each has.
_BRANCHINGS: Final = ((30, 20, 4), (30, 200, 1), (300, 100, 2), (300, 400, 2))

# Programs of the steps' experiment whose first run is timed: every so many.
_FIRST_OF: Final = 4
_FIRST_AND_WARM: Final[tuple[tuple[str, Work], ...]] = (("first", "call"), ("warm", "evaluate"))

# Nodes of the arguments and bytes in each.
_ARGUMENTS: Final = ((1, 8), (20, 8), (400, 8), (1, 1_000), (1, 8_000), (20, 200), (200, 28))


def call_cells(seed: int, steps: Sequence[Cell]) -> Iterator[Cell]:
    """The cells of the experiment; `steps` are those of the experiment on steps, whose scripts are decoded too. `sizes`
    are bytes and terms of a script, and values within its constants where it is decoded, or bytes and nodes of an
    argument."""
    for idioms in _IDIOMS:
        script = _script(idioms, (), seed)
        name = f"mixture/{idioms}"
        decode = _decode_cell(name, script)
        yield decode
        yield from _first_cells(decode, cell(f"calls/{name}", "calls", "", script))
    for idioms, kind, count, length in _HELD:
        name = f"{idioms}-{kind}-{count}x{length}"
        rng = random.Random(f"{seed} held {name}")
        constant_type, value = _KINDS[kind]
        held = [Const(Constant(constant_type, value(length, rng))) for _ in range(count)]
        yield _decode_cell(name, _script(idioms, held, seed))
    for idioms, count, parts in _BRANCHINGS:
        taken = Case(Constr(0, ()), (integer(0),) * parts)
        made = Constr(0, (integer(0),) * parts)
        yield _decode_cell(f"{idioms}-branching-{count}x{parts}", _script(idioms, [taken, made] * count, seed))
    for number, program in enumerate(steps[1:]):
        decode = _decoding(program, decode_flat(program.flat).term)
        yield decode
        if number % _FIRST_OF == 0:
            yield from _first_cells(decode, program)
    yield from _apply_cells(seed)
    nothing = Const(Constant(UNIT, None))
    yield cell("calls/start", "calls", "start", nothing, work="start")
    yield cell("calls/setup", "calls", "setup", nothing, work="setup")


def _first_cells(decode: Cell, run: Cell) -> Iterator[Cell]:
    """Whole calls of a script that a decode cell has, and the same on a machine that ran it before. What a run counts
    takes long to find, and `run` has it."""
    for operation, work in _FIRST_AND_WARM:
        yield msgspec.structs.replace(
            run,
            id=decode.id.replace("/decode/", f"/{operation}/"),
            experiment="calls",
            operation=operation,
            work=work,
            sizes=decode.sizes[:2],
            features=decode.features | run.features,
        )


def _script(idioms: int, held: Sequence[Term], seed: int) -> Term:
    """So many idioms, after terms whose values they do not use."""
    return sequence(held, mixture(idioms, random.Random(f"{seed} script {idioms}")))


_KINDS: Final[dict[str, tuple[ConstantType, Callable[[int, random.Random], Any]]]] = {
    "bytestring": (BYTESTRING, lambda length, rng: rng.randbytes(length)),
    "string": (STRING, lambda length, rng: "".join(rng.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(length))),
    "integer": (INTEGER, lambda octets, rng: rng.getrandbits(8 * octets)),
    "bool": (BOOL, lambda _, rng: rng.random() < 0.5),
    "unit": (UNIT, lambda *_: None),
    "data": (DATA, lambda nodes, rng: _argument(nodes, 8, rng)),
    "datum": (DATA, lambda octets, rng: rng.getrandbits(8 * octets)),
    "fields": (list_of(DATA), lambda length, rng: tuple(_argument(1, 28, rng) for _ in range(length))),
    "pair": (pair_of(INTEGER, BYTESTRING), lambda length, rng: (rng.randrange(1_000), rng.randbytes(length))),
    "integers": (list_of(INTEGER), lambda length, rng: tuple(rng.randrange(1_000) for _ in range(length))),
    "bytestrings": (list_of(BYTESTRING), lambda length, rng: tuple(rng.randbytes(28) for _ in range(length))),
}


def _decode_cell(name: str, script: Term) -> Cell:
    return _decoding(cell(f"calls/{name}", "calls", "decode", script, counted=False), script)


def _decoding(run: Cell, script: Term) -> Cell:
    """The decoding of a script that a cell runs."""
    decoding = decoding_features(script, len(run.flat))
    return msgspec.structs.replace(
        run,
        id=f"calls/decode/{run.id.partition('/')[2]}",
        experiment="calls",
        operation="decode",
        work="decode",
        sizes=tuple(round(decoding[name]) for name in ("bytes", "nodes", "values")),
        footprint=0,
        features=decoding,
    )


def _apply_cells(seed: int) -> Iterator[Cell]:
    """One script that ignores its argument, decoded alone and then with arguments of several sizes."""
    script: Term = Lam(integer(0))
    yield _decode_cell("lambda", script)
    for nodes, length in _ARGUMENTS:
        rng = random.Random(f"{seed} argument {nodes} {length}")
        cbor = encode_data(_argument(nodes, length, rng))
        name = f"calls/apply/{nodes}x{length}"
        yield cell(name, "calls", "apply", script, sizes=(len(cbor), nodes), work="apply", arguments=(cbor,))


def _argument(nodes: int, length: int, rng: random.Random) -> Data:
    """Data of a number of nodes: byte strings in constructors, three to each as in a typical script context."""
    if nodes == 1:
        return rng.randbytes(length)
    made: list[Data] = []
    while nodes > 1:
        leaves = min(3, nodes - 2) if nodes > 2 else 0
        made.append(DataConstr(len(made) % 7, tuple(rng.randbytes(length) for _ in range(leaves))))
        nodes -= leaves + 1
    return DataConstr(0, tuple(made))
