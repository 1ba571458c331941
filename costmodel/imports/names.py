"""From the name of a benchmark to a builtin and the sizes of its arguments.

A name is `[anything/]builtin[/size]…`, such as `addInteger/3/5`, `Builtins/AddInteger/x=3/y=5` or
`org.example.Bench.addInteger/3/5`. The builtin's name is told by its letters and digits alone, capital or not, so that
`Bls12_381_G1_add` and `bls12381G1Add` are the same. `Nop1` to `Nop6`, with a letter after them as upstream has them,
are builtins that do nothing.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.imports.measured import MAX_FILE_BYTES, checked_text
from costmodel.plutus.builtins import BUILTIN_BY_NAME, BUILTINS

OPAQUE: Final = "o"
"""The kind of no-op that is subtracted, as upstream does: its arguments are of no type that is looked at."""

_MAX_SIZE: Final = 2**63 - 1
_SIZE: Final = re.compile(r"(?:[A-Za-z_]\w{0,40}=)?(?:ExMemory )?(\d{1,19})")
_NOP: Final = re.compile(r"nop([1-6])([bico]?)")
_HEADER: Final = ["benchmark", "name"]


@dataclass(frozen=True, slots=True)
class NamedOperation:
    """What was timed: a builtin's name, or a no-op's such as nop2, and sizes in the builtin's own measures."""

    name: str
    sizes: tuple[int, ...]


def operation_of(name: str, names: Mapping[str, str]) -> NamedOperation | None:
    """The operation of a benchmark, by `names` if it is in there; None for one of no builtin's name."""
    parts = names.get(name, name).split("/")
    sizes: list[int] = []
    while parts and (match := _SIZE.fullmatch(parts[-1].strip())) and int(match[1]) <= _MAX_SIZE:
        sizes.insert(0, int(match[1]))
        parts.pop()
    key = _key(parts[-1].rpartition(".")[2]) if parts else ""
    if match := _NOP.fullmatch(key):
        return NamedOperation(f"nop{match[1]}", ()) if match[2] in ("", OPAQUE) else None
    return NamedOperation(_BUILTINS[key], tuple(sizes)) if key in _BUILTINS else None


def read_names(path: Path) -> dict[str, str]:
    """A CSV with the header benchmark,name: which benchmark of a file is to be taken for which name.

    InputError, naming the line, for another file, a name that is no builtin's, or a benchmark that comes twice.
    """
    found: dict[str, str] = {}
    try:
        rows = list(csv.reader(checked_text(read_bytes(path, MAX_FILE_BYTES), path).splitlines(), strict=True))
    except csv.Error as error:
        raise InputError(f"{path}: no CSV: {error}") from error
    for number, row in enumerate(rows, start=1):
        where = f"{path}, line {number}"
        fields = [field.strip() for field in row]
        if not any(fields) or fields[0].startswith("#"):
            continue
        if number == 1:
            if fields != _HEADER:
                raise InputError(f"{where}: the header must be {','.join(_HEADER)}")
            continue
        if len(fields) != len(_HEADER):
            raise InputError(f"{where}: {len(fields)} fields instead of {len(_HEADER)}")
        benchmark, name = fields
        if operation_of(name, {}) is None:
            raise InputError(f"{where}: {name[:80]!r} is no builtin with sizes, such as addInteger/3/5")
        if benchmark in found:
            raise InputError(f"{where}: {benchmark[:80]!r} comes twice")
        found[benchmark] = name
    return found


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BUILTINS: Final = {_key(builtin.name): builtin.name for builtin in BUILTINS}
assert len(_BUILTINS) == len(BUILTIN_BY_NAME)  # noqa: S101 - no two names differ in punctuation alone
