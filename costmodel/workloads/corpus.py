"""Replay corpora in JSON: evaluations that a chain has seen, each with its cost model and the ExUnits that it took.

The format is version 1 of plutigo's replay corpus: a JSON object with `cases`, each with the flat program, the CBOR of
its arguments, the ledger's parameter array, a budget and what came of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.model import MAX_COST, ExUnits
from costmodel.plutus import LedgerLanguage
from costmodel.records import decode_json
from costmodel.remote import is_remote
from costmodel.workloads.evaluation import Evaluation
from costmodel.workloads.workload import Workload, named_apart

_MAX_BYTES: Final = 512 << 20  # larger corpora are Parquet
_SCHEMA_VERSION: Final = 1
PARQUET_SUFFIX: Final = ".parquet"
_PARQUET: Final = b"PAR1"
_SCRIPTS: Final = (".plutus", ".flat", ".uplc")
_CORPUS_KEY: Final = re.compile(rb'"(?:cases|schema_version)"\s*:')


class _CorpusUnits(msgspec.Struct, frozen=True):
    steps: Annotated[int, msgspec.Meta(ge=0)]
    memory: Annotated[int, msgspec.Meta(ge=0)]

    @property
    def ex_units(self) -> ExUnits:
        return ExUnits(min(self.steps, MAX_COST), min(self.memory, MAX_COST))


class _Protocol(msgspec.Struct, frozen=True):
    major: int


class _Parameters(msgspec.Struct, frozen=True):
    parameters: tuple[int, ...]


class _Expected(msgspec.Struct, frozen=True):
    success: bool
    ex_units: _CorpusUnits | None = None


class _CorpusCase(msgspec.Struct, frozen=True):
    id: str
    language: LedgerLanguage
    protocol_version: _Protocol
    flat_program_hex: str
    arguments_cbor_hex: tuple[str, ...]
    cost_model: _Parameters
    budget_limit: _CorpusUnits
    expected: _Expected

    def evaluation(self) -> Evaluation:
        return Evaluation(
            id=self.id,
            flat=self._bytes(self.flat_program_hex),
            arguments=tuple(self._bytes(argument) for argument in self.arguments_cbor_hex),
            language=self.language,
            protocol_version=self.protocol_version.major,
            parameters=self.cost_model.parameters,
            budget=self.budget_limit.ex_units,
            expected_success=self.expected.success,
            expected=self.expected.ex_units.ex_units if self.expected.ex_units else None,
        )

    def _bytes(self, text: str) -> bytes:
        try:
            return bytes.fromhex(text)
        except ValueError:
            raise InputError(f"corpus case {self.id}: a program or argument that is not hexadecimal") from None


class _Corpus(msgspec.Struct, frozen=True):
    schema_version: int
    cases: tuple[_CorpusCase, ...]


def is_corpus(path: Path) -> bool:
    """Whether a file looks like a corpus: a JSON object that speaks of cases before anything a script would hold."""
    if not path.is_file():  # what is looked at of a pipe is lost, and one without a writer would be waited for
        return False
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return False
    return start.lstrip().startswith(b"{") and _CORPUS_KEY.search(start) is not None


def is_database(name: str) -> bool:
    """Whether a corpus is named by the address of a database; costmodel.workloads.postgres then reads it."""
    return name.startswith(("postgresql://", "postgres://"))


def is_parquet(name: str) -> bool:
    """Whether a name is that of a corpus in Parquet: a file that begins so, a folder of such files and no scripts, or
    an address, where nothing else is read from. costmodel.workloads.parquet then reads it."""
    if is_remote(name):
        return not is_database(name)
    path = Path(name)
    if path.is_dir():
        return bool(parquet_files(path)) and not any(path.suffix in _SCRIPTS for path in path.rglob("*"))
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_PARQUET)) == _PARQUET
    except OSError:
        return False


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files of a folder and of those below it, by name. Links to folders are not followed."""
    below = folder.rglob(f"*{PARQUET_SUFFIX}")
    return sorted(path for path in below if is_part(path.relative_to(folder).as_posix()) and path.is_file())


def is_part(below: str) -> bool:
    """Whether a file is one of its folder's rows, by its place there: what begins with a dot or an underline is not."""
    return not any(part.startswith((".", "_")) for part in below.split("/"))


def load_corpus(path: Path) -> tuple[Evaluation, ...]:
    """The evaluations of a corpus file. InputError or DecodeError names the file."""
    corpus = decode_json(read_bytes(path, _MAX_BYTES), _Corpus, f"{path}, a replay corpus")
    if corpus.schema_version != _SCHEMA_VERSION:
        raise InputError(f"{path}: a corpus of version {corpus.schema_version}; this reads version {_SCHEMA_VERSION}")
    return tuple(case.evaluation() for case in corpus.cases)


def from_corpus(path: Path) -> Workload:
    """The evaluations of a corpus that succeed, as a workload. InputError or DecodeError names the file."""
    return workload_of(str(path), load_corpus(path), (path,), ())


def workload_of(
    name: str, evaluations: Sequence[Evaluation], files: tuple[Path, ...], notes: tuple[str, ...]
) -> Workload:
    """Those of a corpus's evaluations that succeed, as a workload; InputError where none does."""
    succeeding = [evaluation for evaluation in evaluations if evaluation.expected_success]
    if not succeeding:
        raise InputError(f"{name}: the corpus has no case that succeeds")
    if failing := len(evaluations) - len(succeeding):
        notes = (*notes, f"{failing} of {len(evaluations)} cases fail, which is not timed")
    programs = named_apart(evaluation.program(name) for evaluation in succeeding)
    return Workload(Path(name).stem, programs, files, notes)
