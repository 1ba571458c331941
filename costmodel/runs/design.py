"""What a run is to measure: its cells and how they are to be timed. Kept in the run as `design.json`."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any, Final, Literal, TypeAlias

import msgspec

from costmodel.errors import DecodeError, InputError

Work: TypeAlias = Literal["evaluate", "start", "decode", "apply", "call", "setup"]
"""What one iteration of a cell does.

- evaluate: runs the script, decoded and applied before; the machine keeps its memory from run to run.
- start: the same, but the machine gives its memory back after each run, as it does between unrelated scripts.
- decode: decodes the flat bytes and frees the script.
- apply: decodes the flat bytes, then decodes the arguments and applies the script to them, and frees it. A decode cell
  of the same bytes is its point of no arguments.
- call: all of it: decode, apply, run, give back and free.
- setup: makes a machine from the packed cost model of the cell's language and protocol version, and frees it.
"""

Experiment: TypeAlias = Literal["builtins", "steps", "calls", "replay"]


FEWEST_BLOCKS: Final = 4
"""Of a process with fewer clean batches of a cell nothing can be trimmed, and nothing is believed."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be timed.

    `sizes` are the sizes of the operation's arguments in its own measures. `repeats` says how often one evaluation
    applies the operation; `steps` and `builtins` count the machine steps by kind and the builtin applications of one
    evaluation, and are checked against the machine before anything is timed; `footprint` is how many different nodes of
    the decoded program it computes, 0 where that was not counted. `features` are other counts that its time is
    predicted from, by name; nothing is charged for them. `flat` is the program, `arguments` are
    Data in CBOR. `language` is the ledger language's name, such as "PlutusV2". `nops` lets the program use the
    machine's no-op builtins.

    A builtin's cell with 0 repeats is the program of the cells of the same sizes with a no-op in the builtin's place.
    """

    id: str
    experiment: Experiment
    operation: str
    sizes: tuple[int, ...] = ()
    work: Work = "evaluate"
    flat: bytes
    arguments: tuple[bytes, ...] = ()
    repeats: int = 1
    steps: dict[str, int] = {}
    builtins: dict[str, int] = {}
    footprint: int = 0
    features: dict[str, float] = {}
    language: str
    protocol_version: int
    nops: bool = False


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Cells and how a session times them.

    `target_batch_us` is the shortest batch, in microseconds; an evaluation that takes longer is a batch by itself.
    Each process times every cell once in each of its blocks, and takes blocks that were disturbed as a whole again.
    From the process number `min_processes` on the session stops as soon as every cell's 95 % interval is within
    ±`target_half_width` (relative); at `max_processes` it stops anyway.
    """

    cells: tuple[Cell, ...]
    core: int
    seed: int = 0
    target_batch_us: float = 200.0
    blocks_per_process: int = 20
    min_processes: int = 5
    max_processes: int = 40
    target_half_width: float = 0.02

    def __post_init__(self) -> None:
        repeated = [name for name, count in Counter(cell.id for cell in self.cells).items() if count > 1]
        if repeated:
            raise InputError(f"cell {repeated[0]!r} is in the plan more than once")
        for cell in self.cells:
            if cell.repeats < 0:
                raise InputError(f"cell {cell.id!r} has {cell.repeats} repeats, which must not be negative")
            if cell.arguments and cell.work == "decode":
                raise InputError(f"cell {cell.id!r} only decodes, so it takes no arguments")
        if not self.cells:
            raise InputError("the plan has no cells")
        if self.blocks_per_process < FEWEST_BLOCKS:
            raise InputError(f"a plan needs at least {FEWEST_BLOCKS} blocks per process")
        if not 1 <= self.min_processes <= self.max_processes:
            raise InputError("a plan's min_processes must be from 1 to max_processes")
        if not 10 <= self.target_batch_us <= 1e6 or not 0 < self.target_half_width < 1:
            raise InputError("a plan's batches take 10 µs to 1 s and its target half-width lies between 0 and 1")


def parameters(plan: Plan) -> dict[str, Any]:
    """What a run is made under: all of the plan but its cells, and by which rules the cells' programs run."""
    settings: dict[str, Any] = msgspec.structs.asdict(plan)
    rules = sorted({f"{cell.language} at protocol version {cell.protocol_version}" for cell in plan.cells})
    return {**settings, "cells": len(plan.cells), "programs": rules}


def plan_to_json(plan: Plan) -> bytes:
    """The plan as JSON with bytes in hex; the same plan gives the same bytes."""
    document: dict[str, Any] = msgspec.to_builtins(plan, builtin_types=(bytes,))
    for cell in document["cells"]:
        cell["flat"] = cell["flat"].hex()
        cell["arguments"] = [argument.hex() for argument in cell["arguments"]]
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=1) + b"\n"


def plan_from_json(text: bytes, where: str) -> Plan:
    """The plan that `plan_to_json` wrote. DecodeError, naming `where`, for anything else."""
    try:
        document = msgspec.json.decode(text)
        for cell in document["cells"]:
            cell["flat"] = bytes.fromhex(cell["flat"])
            cell["arguments"] = [bytes.fromhex(argument) for argument in cell["arguments"]]
        return msgspec.convert(document, Plan, builtin_types=(bytes,))
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise DecodeError(f"{where} is no design of a run: {error}") from error


def plan_sha256(plan: Plan) -> str:
    """Names a design: the hash of its JSON."""
    return hashlib.sha256(plan_to_json(plan)).hexdigest()
