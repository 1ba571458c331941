"""The files of a corpus in Parquet: one, or all of a folder, here or at an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from costmodel.errors import DecodeError, InputError
from costmodel.remote import RemoteFile, is_remote, remote_files, shown_address
from costmodel.workloads.corpus import PARQUET_SUFFIX, is_part, parquet_files

_BUFFER: Final = 1 << 20  # bytes that are read from a column at a time


@dataclass(frozen=True, slots=True)
class CorpusPart:
    """One file. `columns` are those that its folders are named for, such as language=PlutusV3."""

    source: Path | RemoteFile
    columns: Mapping[str, Any]

    @property
    def name(self) -> str:
        """For messages."""
        return self.source.name if isinstance(self.source, RemoteFile) else str(self.source)

    @contextmanager
    def opened(self) -> Iterator[pq.ParquetFile]:
        """For reading. InputError or DecodeError where that cannot be."""
        with self.source.opened() if isinstance(self.source, RemoteFile) else nullcontext(self.source) as source:
            try:
                file = pq.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False)
            except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise InputError(f"{self.name}: cannot be read ({error.strerror})") from None
                raise DecodeError(f"{self.name}: is no Parquet file: {' '.join(str(error).split())}") from None
            with file:
                yield file


def parts_of(name: str, schema: pa.Schema) -> tuple[CorpusPart, ...]:
    """The files at a path or an address, in the order of their names; those of a folder end in .parquet. Folders may be
    named for columns of a schema. InputError where there is none, DecodeError for a folder with a value of another
    type."""
    if is_remote(name):
        remote = [file for file in remote_files(name, PARQUET_SUFFIX) if not file.below or is_part(file.below)]
        found = tuple(CorpusPart(file, _columns(name, file.below, schema)) for file in remote)
    elif Path(name).is_dir():
        folder = Path(name)
        paths = parquet_files(folder)
        found = tuple(CorpusPart(path, _columns(name, path.relative_to(folder).as_posix(), schema)) for path in paths)
    else:
        found = (CorpusPart(Path(name), {}),)
    if not found:
        raise InputError(f"{shown_address(name)}: has no {PARQUET_SUFFIX} file")
    return found


def _columns(name: str, below: str, schema: pa.Schema) -> dict[str, Any]:
    """Hive's way to name folders; those that are named for nothing of the schema say nothing."""
    flat = pa.schema([field for field in schema if not pa.types.is_nested(field.type)])
    folder = PurePosixPath(below).parent
    try:
        keys: dict[str, Any] = ds.get_partition_keys(ds.partitioning(flat, flavor="hive").parse(f"{folder}/"))
    except pa.ArrowException as error:
        raise DecodeError(f"{shown_address(name)}: the folder {folder} is none of a corpus: {error}") from None
    return keys
