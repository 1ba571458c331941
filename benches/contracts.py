"""What is decoded and evaluated: files of flat programs without arguments, and what each costs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from costmodel.errors import DecodeError, InputError
from costmodel.model import ExUnits
from costmodel.plutus import DATA, Apply, Const, Constant, Program, decode_data, decode_flat, encode_flat
from costmodel.workloads import secp

SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "scripts" / "validation"
_BUDGETS: Final = "budgets.json"


@dataclass(frozen=True)
class Contract:
    """A file with a flat program; `expected` are its ExUnits under model E where they are known from elsewhere."""

    name: str
    path: Path
    expected: ExUnits | None = None


def from_folder(folder: Path) -> list[Contract]:
    """The `*.flat` files of a folder by name, with the ExUnits of its budgets.json (`{name: {cpu, mem}}`) if it has
    one. InputError where there is none, DecodeError for a malformed budgets.json."""
    files = sorted(folder.glob("*.flat"))
    if not files:
        raise InputError(f"{folder} has no *.flat file; give a folder of flat programs with --contracts")
    budgets = _budgets(folder / _BUDGETS)
    return [Contract(file.stem, file, budgets.get(file.stem)) for file in files]


def _budgets(path: Path) -> dict[str, ExUnits]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_bytes())
        return {name: ExUnits(int(entry["cpu"]), int(entry["mem"])) for name, entry in document.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecodeError(f"{path} is not an object of names with cpu and mem: {error}") from None


def own(folder: Path) -> list[Contract]:
    """The package's SECP loops, arguments applied, written to a folder as flat files."""
    folder.mkdir(parents=True, exist_ok=True)
    contracts = []
    for program in secp(loop_counts=(1, 10)).programs:
        decoded = decode_flat(program.flat)
        term = decoded.term
        for argument in program.arguments:
            term = Apply(term, Const(Constant(DATA, decode_data(argument))))
        path = folder / f"{program.name}-{program.loop_count}.flat"
        path.write_bytes(encode_flat(Program(decoded.version, term)))
        contracts.append(Contract(path.stem, path))
    return contracts
