"""Parquet of a run: the samples, the programs, and reading both within bounds.

A few kilobytes of Parquet can decode to gigabytes, by compression, by run lengths and by dictionaries. So what a file
decodes to is worked out before it is decoded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from pyarrow import fs

from costmodel.errors import InputError

MAX_DECODED: Final = 2 << 30
"""Bytes that the files of a run may decode to; a full run has some 600 MB."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One timed batch of a cell: `iterations` runs of its work, each with the cell's repeats of the operation.

    `ticks` is what the clock counted over the batch and `ns` the same in nanoseconds. `disturbance` is empty, or names
    what disturbed the batch. `order` numbers the batches of a block as they were timed. The yardsticks are the time of
    one run of each yardstick in the block, in nanoseconds. `cpu` is the core that the clock reported.
    """

    cell: str
    process: int
    block: int
    order: int
    iterations: int
    ticks: int
    ns: float
    disturbance: str
    yardstick_hash_ns: float
    yardstick_machine_ns: float
    cpu: int


SAMPLE_SCHEMA: Final = pa.schema(
    [
        ("cell", pa.string()),
        ("operation", pa.string()),
        ("experiment", pa.string()),
        ("sizes", pa.list_(pa.int64())),
        ("process", pa.int32()),
        ("block", pa.int32()),
        ("order", pa.int32()),
        ("iterations", pa.int64()),
        ("repeats", pa.int64()),
        ("ticks", pa.int64()),
        ("ns", pa.float64()),
        ("disturbance", pa.string()),
        ("yardstick_hash_ns", pa.float64()),
        ("yardstick_machine_ns", pa.float64()),
        ("cpu", pa.int32()),
    ],
    metadata={"schema_version": "1"},
)
"""Columns of `samples.parquet`: those of `Sample`, and the cell's operation, experiment, sizes and repeats. The version
is in the file's metadata; files of version 0 have none, and call the disturbance a gate."""
_VERSION: Final = b"schema_version"
_VERSION_0: Final = pa.schema(
    [field.with_name("gate") if field.name == "disturbance" else field for field in SAMPLE_SCHEMA]
)

_PROGRAM_SCHEMA: Final = pa.schema([("sha256", pa.binary(32)), ("content", pa.binary())])
_SIZES: Final = ("total_uncompressed_size", "num_values")  # of a column's chunk
COMPACT: Final = 19
"""Level of zstd for samples that are gathered: half a second for a full run."""
_LEVEL: Final = 12  # for programs, which `measure` writes before it begins: 19 takes six seconds for a tenth less


def as_parquet(table: pa.Table, level: int | None = None) -> bytes:
    """The content of a file of a run."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", compression_level=level)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def samples_dataset(files: Mapping[str, str]) -> pads.Dataset:
    """Files of samples as one table: SAMPLE_SCHEMA and a column `run`, which `files` gives by the file's path.

    Only what is asked for is loaded, except of files of version 0: their columns are renamed in memory.
    InputError where a file is of a later version.
    """
    schema = SAMPLE_SCHEMA.append(pa.field("run", pa.string()))
    versions = {path: _samples_version(path) for path in files}
    current = [path for path, version in versions.items() if version == 1]
    former = [_version_0(path, run, schema) for path, run in files.items() if versions[path] == 0]
    parts: list[pads.Dataset] = [pads.dataset(former or schema.empty_table())]
    if current:
        parts.append(
            pads.FileSystemDataset.from_paths(
                current,
                schema=schema,
                format=pads.ParquetFileFormat(),
                filesystem=fs.LocalFileSystem(),
                partitions=[pc.field("run") == files[path] for path in current],
            )
        )
    return pads.dataset(parts)


def _samples_version(path: str) -> int:
    version = (pq.read_schema(path).metadata or {}).get(_VERSION, b"0")
    if version not in (b"0", b"1"):
        raise InputError(f"{path} holds samples of a later version of calibrate; update it")
    return int(version)


def _version_0(path: str, run: str, schema: pa.Schema) -> pa.Table:
    table = pq.read_table(path, schema=_VERSION_0).rename_columns(SAMPLE_SCHEMA.names)
    return table.append_column("run", pa.repeat(pa.scalar(run), table.num_rows)).cast(schema)


def programs_parquet(contents: Mapping[str, bytes]) -> bytes:
    """Programs and arguments by their hashes, as `programs.parquet` has them."""
    rows = [{"sha256": bytes.fromhex(name), "content": content} for name, content in contents.items()]
    return as_parquet(pa.Table.from_pylist(rows, schema=_PROGRAM_SCHEMA), _LEVEL)


def read_programs(path: Path) -> dict[str, bytes]:
    """What `programs_parquet` wrote. InputError where the file is damaged or holds a content of another hash."""
    check_decoded_size([path])
    try:
        table = pq.read_table(path, schema=_PROGRAM_SCHEMA)
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not readable as programs: {error}") from error
    contents = {}
    for name, content in zip(*(table[column].to_pylist() for column in _PROGRAM_SCHEMA.names), strict=True):
        if name is None or content is None or hashlib.sha256(content).digest() != name:
            raise InputError(f"{path} has a program that does not have the hash that it is kept by")
        contents[name.hex()] = content
    return contents


def check_decoded_size(paths: Sequence[Path], limit: int = MAX_DECODED) -> None:
    """InputError, naming the file, where Parquet files together decode to more than `limit` bytes."""
    left = limit
    for path in paths:
        try:
            left -= _decoded_size(path, left)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not readable as Parquet: {error}") from error
        if left < 0:
            raise InputError(f"{path} would take more than {limit >> 20} MiB of memory; no run is that large")


def _decoded_size(path: Path, limit: int) -> int:
    """Bytes that a file decodes to, or some number beyond `limit`."""
    size = 0
    schema = pq.read_schema(path)
    texts = [field.name for field in schema if _is_text(field.type)]
    # Kept as dictionaries, texts take no more memory than they do in the file.
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        facts = file.metadata
        groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
        chunks = [group.column(number) for group in groups for number in range(group.num_columns)]
        stored, values = (sum(int(getattr(chunk, name)) for chunk in chunks) for name in _SIZES)
        size = max(stored, 8 * values)
        if size > limit:
            return size
        for number in range(facts.num_row_groups):
            for column in file.read_row_group(number, columns=texts).columns:
                for chunk in column.chunks:
                    if pa.types.is_dictionary(chunk.type):
                        lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
                        size += int(pc.sum(lengths).as_py() or 0)
                    else:
                        size += int(chunk.nbytes)
                    if size > limit:
                        return size
        return size


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):  # as the file was written from; it is read as plain text
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )
