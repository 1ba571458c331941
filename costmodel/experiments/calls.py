"""The experiment on script calls: what the ledger does not charge today.

Decoding a script is measured over its bytes, its terms and the values that its constants hold, which three families of
programs separate: mixtures of what compiled contracts are made of, few terms with long constants, and few with
constants of many parts. Applying arguments is measured likewise, over the CBOR and the nodes of Data, with one script
whose decoding is known from a cell of its own. A start on a machine without memory is compared with the evaluation of
the same script on a warm one. So is the first run of scripts of several sizes, by a whole call of each. Making a
machine from a cost model is measured by itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from costmodel.experiments.forms import mixture
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION, cell, integer, sequence
from costmodel.machine import Script
from costmodel.plutus import (
    BYTESTRING,
    DATA,
    INTEGER,
    UNIT,
    Const,
    Constant,
    Data,
    DataConstr,
    Lam,
    Term,
    encode_data,
    held_values,
    list_of,
)
from costmodel.records.run import Work
from costmodel.runs.design import Cell

# Idioms of the scripts, then constants and bytes in each; a script of the chain has at most 16 KiB.
_SCRIPTS: Final = (
    (3, 0, 0),
    (30, 0, 0),
    (300, 0, 0),
    (1_200, 0, 0),
    (3, 1, 1_000),
    (3, 1, 12_000),
    (300, 100, 28),
    (300, 4, 2_000),
)
# Idioms of scripts with a constant of Data, its nodes and bytes in each, and a list of as many integers.
_HOLDERS: Final = ((3, 20, 8), (3, 400, 8), (3, 2_000, 4), (300, 100, 28))
_FIRST_AND_WARM: Final[tuple[tuple[str, Work], ...]] = (("first", "call"), ("warm", "evaluate"))

# Nodes of the arguments and bytes in each.
_ARGUMENTS: Final = ((1, 8), (20, 8), (400, 8), (1, 1_000), (1, 8_000), (20, 200), (200, 28))


def call_cells(seed: int) -> Iterator[Cell]:
    """The cells of the experiment. `sizes` are bytes and terms of a script, and values within its constants where it is
    decoded, or bytes and nodes of an argument."""
    for idioms, constants, length in _SCRIPTS:
        yield _decode_cell(f"{idioms}-{constants}x{length}", _script(idioms, constants, length, seed))
    for idioms, nodes, length in _HOLDERS:
        yield _decode_cell(f"{idioms}-data{nodes}x{length}", _holder(idioms, nodes, length, seed))
    yield from _apply_cells(seed)
    yield from _first_cells(seed)
    nothing = Const(Constant(UNIT, None))
    yield cell("calls/start", "calls", "start", nothing, work="start")
    yield cell("calls/setup", "calls", "setup", nothing, work="setup")


def _first_cells(seed: int) -> Iterator[Cell]:
    """Whole calls of scripts that decode cells have, and the same on a machine that ran them before."""
    for idioms, constants, length in _SCRIPTS:
        if constants == 0:
            term = _script(idioms, constants, length, seed)
            for operation, work in _FIRST_AND_WARM:
                run = cell(f"calls/{operation}/{idioms}", "calls", operation, term, work=work)
                yield msgspec.structs.replace(run, sizes=(len(run.flat), _nodes(run.flat)))


def _script(idioms: int, constants: int, length: int, seed: int) -> Term:
    rng = random.Random(f"{seed} script {idioms} {constants} {length}")
    held = [Const(Constant(BYTESTRING, rng.randbytes(length))) for _ in range(constants)]
    return sequence(held, mixture(idioms, rng))


def _holder(idioms: int, nodes: int, length: int, seed: int) -> Term:
    rng = random.Random(f"{seed} holder {idioms} {nodes} {length}")
    held: list[Term] = [
        Const(Constant(DATA, _argument(nodes, length, rng))),
        Const(Constant(list_of(INTEGER), tuple(rng.randrange(1_000) for _ in range(nodes)))),
    ]
    return sequence(held, mixture(idioms, rng))


def _decode_cell(name: str, term: Term) -> Cell:
    decode = cell(f"calls/decode/{name}", "calls", "decode", term, work="decode")
    return msgspec.structs.replace(decode, sizes=(len(decode.flat), _nodes(decode.flat), held_values(term)))


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


def _nodes(flat: bytes) -> int:
    return Script.decode(flat, LANGUAGE, PROTOCOL_VERSION, measuring=True).nodes
