"""Where a workload comes from, as the command line names it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from costmodel.errors import InputError
from costmodel.plutus import LedgerLanguage
from costmodel.workloads.corpus import from_corpus, is_corpus, is_database, is_parquet
from costmodel.workloads.folder import applied_programs, from_folder
from costmodel.workloads.loops import secp
from costmodel.workloads.random_programs import random_programs
from costmodel.workloads.workload import (
    DEFAULT_LANGUAGE,
    DEFAULT_LOOP_COUNTS,
    DEFAULT_PROTOCOL_VERSION,
    Workload,
)

if TYPE_CHECKING:
    from costmodel.workloads.rows import Rows

DEFAULT_SAMPLE: Final = 100
OWN: Final = ("secp", "random")
"""Names of the workloads that come with the package; any other name is a path."""


def find_workload(
    name: str,
    *,
    loop_counts: Iterable[int] = DEFAULT_LOOP_COUNTS,
    language: LedgerLanguage = DEFAULT_LANGUAGE,
    protocol_version: int = DEFAULT_PROTOCOL_VERSION,
    sample: int = DEFAULT_SAMPLE,
    seed: int = 0,
) -> Workload:
    """One of the package's own workloads, a folder (`from_folder`), a replay corpus (`from_corpus`; of one in Parquet
    `sample` rows, drawn with `seed`), or one program in any form. InputError or DecodeError names what is missing
    or wrong."""
    if name == "secp":
        return secp(loop_counts, protocol_version)
    if name == "random":
        return random_programs(seed)
    if is_streamed(name):
        from costmodel.workloads.parquet import sample_rows  # it brings pyarrow

        return sample_rows(rows_named(name), sample, seed)
    path = Path(name)
    if is_corpus(path):
        return from_corpus(path)
    if path.is_dir():
        return from_folder(path, loop_counts, protocol_version, language)
    if path.is_file():
        return Workload(path.stem, applied_programs([path], language, protocol_version), (path,))
    raise InputError(
        f"unknown workload {name!r}; name {' or '.join(OWN)}, a folder of scripts, a replay corpus, or the file "
        "of a program"
    )


def is_streamed(name: str) -> bool:
    """Whether a name is that of a corpus in rows, which `rows_named` opens."""
    return is_database(name) or is_parquet(name)


def rows_named(name: str, blocks: tuple[int, int] | None = None) -> Rows:
    """The rows of a corpus in Parquet (a file or a folder, at a path or an address), or of a database: of those
    from the first to the last of `blocks`. InputError, DecodeError or EnvironmentFault where they cannot be read."""
    if is_database(name):
        from costmodel.workloads.postgres import postgres_rows

        return postgres_rows(name, *(blocks or ()))
    from costmodel.workloads.parquet import parquet_rows

    return parquet_rows(name)
