"""The run folder: written so that a kill at any moment leaves a run that can be read and continued.

Samples arrive as numbered parts, each written under a temporary name and renamed. When the run ends they are gathered
in `samples.parquet`, whose metadata says which part comes next: a part with a smaller number is in it already, and is
ignored wherever a kill left it behind.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq
from pyarrow import fs

from costmodel.errors import InputError
from costmodel.files import TEMPORARY_PREFIX, lock, make_folder, write_atomically
from costmodel.runs.design import Plan, parameters, plan_from_json, plan_sha256, plan_to_json
from costmodel.runs.provenance import FileFact, file_fact
from costmodel.runs.schema import SAMPLE_SCHEMA, SCHEMA_VERSION, Manifest, Sample, Status, manifest_checksum
from costmodel.trace import Summary

MANIFEST, DESIGN, SAMPLES, MESSAGES, PARTS, LOCK = (
    "manifest.json",
    "design.json",
    "samples.parquet",
    "messages.jsonl",
    "parts",
    ".lock",
)
_NEXT_PART = b"calibrate.next_part"


class Run:
    """A run for reading, in whatever state it is."""

    def __init__(self, path: Path, manifest: Manifest, design: Plan) -> None:
        self.path = path
        self.manifest = manifest
        self.design = design

    @classmethod
    def open(cls, path: Path) -> Self:
        """InputError where `path` is no run, or one of another schema version."""
        return cls(path, _read_manifest(path), plan_from_json(_read(path / DESIGN), str(path / DESIGN)))

    @property
    def name(self) -> str:
        return self.manifest.run

    def samples(self, columns: Sequence[str] | None = None, filters: pc.Expression | None = None) -> pd.DataFrame:
        """The rows of SAMPLE_SCHEMA, gated ones included (`gate` is empty in the clean ones), in the order of timing.

        `filters` is a pyarrow expression over the columns; what it excludes is not loaded.
        """
        frame: pd.DataFrame = self.table(columns or SAMPLE_SCHEMA.names, filters).to_pandas()
        return frame

    def table(self, columns: Sequence[str], filters: pc.Expression | None = None) -> pa.Table:
        """As `samples`, still in pyarrow's form. InputError where a file of samples is damaged."""
        try:
            return _dataset([self]).to_table(columns=list(columns), filter=filters)
        except (OSError, pa.ArrowException) as error:  # the message names the file
            raise InputError(f"{self.path} has samples that are not readable: {error}") from error

    def sample_files(self) -> list[Path]:
        """The files that together hold every sample once."""
        gathered = self.path / SAMPLES
        return ([gathered] if gathered.is_file() else []) + _new_parts(self.path)

    def verify(self) -> None:
        """Compare the run's files with the manifest. InputError names the first that is missing or differs."""
        for name, fact in self.manifest.files.items():
            if file_fact(self.path / name) != fact:
                raise InputError(f"{self.path / name} is not the file that the run wrote (checksum differs)")


def open_runs(paths: Sequence[Path]) -> pads.Dataset:
    """Several runs as one table, for analyses of one's own: SAMPLE_SCHEMA and a column `run`. Nothing is loaded before
    `to_table(columns=…, filter=…)`, and then only these columns and the files and row groups that the filter leaves,
    such as `pc.field("operation") == "addInteger"`. InputError where a path is no run, or of another schema version."""
    return _dataset([Run.open(path) for path in paths])


def _dataset(runs: Sequence[Run]) -> pads.Dataset:
    files = [(str(path), pc.field("run") == run.name) for run in runs for path in run.sample_files()]
    schema = SAMPLE_SCHEMA.append(pa.field("run", pa.string()))
    if not files:
        return pads.dataset(schema.empty_table())
    return pads.FileSystemDataset.from_paths(
        [path for path, _ in files],
        schema=schema,
        format=pads.ParquetFileFormat(),
        filesystem=fs.LocalFileSystem(),
        partitions=[partition for _, partition in files],
    )


class RunWriter:
    """The one writer of a run. Every change is on disk when the method returns."""

    def __init__(self, path: Path, manifest: Manifest, design: Plan, held: IO[bytes]) -> None:
        self.path = path
        self.manifest = manifest
        self.design = design
        self._cells = {cell.id: cell for cell in design.cells}
        self._lock = held
        self._next_part = _next_part(path)
        self._added: list[str] = []

    @classmethod
    def create(
        cls,
        root: Path,
        experiment: str,
        design: Plan,
        *,
        machine: dict[str, Any],
        versions: dict[str, str],
        evaluator: dict[str, str],
        command_line: Sequence[str] = (),
        inputs: dict[str, FileFact] | None = None,
        clock: dict[str, Any] | None = None,
    ) -> Self:
        """Make `root/<UTC time>-<experiment>-<short id>/`. EnvironmentFault where `root` cannot be written."""
        now = time.gmtime()
        path = _new_folder(root, f"{time.strftime('%Y%m%dT%H%M%SZ', now)}-{experiment}")
        manifest = Manifest(
            run=path.name,
            experiment=experiment,
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
            command_line=list(command_line),
            versions=versions,
            evaluator=evaluator,
            design_sha256=plan_sha256(design),
            seed=design.seed,
            machine=machine,
            inputs=inputs or {},
            clock=clock or {},
            parameters=parameters(design),
        )
        make_folder(path / PARTS)
        write_atomically(path / DESIGN, plan_to_json(design))
        writer = cls(path, manifest, design, lock(path / LOCK))
        # The manifest comes last: a folder without one is no run.
        writer.save_manifest()
        return writer

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Continue a run that is not complete. InputError where it is complete or was changed since."""
        Run.open(path)  # lest the lock be left in a folder that is no run
        held = lock(path / LOCK)
        try:
            run = Run.open(path)
            if run.manifest.status is Status.COMPLETE:
                raise InputError(f"{path} is complete; there is nothing to resume")
            if plan_sha256(run.design) != run.manifest.design_sha256:
                raise InputError(f"{path / DESIGN} is not the design that the run began with; start a new run")
            run.verify()  # or what was changed since would be hashed anew as the run's own
            writer = cls(path, run.manifest, run.design, held)
        except BaseException:
            held.close()
            raise
        writer.manifest.status = Status.RUNNING
        writer.manifest.status_reason = ""
        writer.manifest.files = {}
        writer.save_manifest()
        return writer

    @property
    def messages_path(self) -> Path:
        return self.path / MESSAGES

    def append(self, samples: Sequence[Sample]) -> None:
        """Add rows. On failure none of them is in the run, and EnvironmentFault says why."""
        if samples:
            content = as_parquet(self._table(samples))
            with suppress(FileExistsError):
                make_folder(self.path / PARTS)
            write_atomically(self.path / PARTS / f"{self._next_part:06d}.parquet", content)
            self._next_part += 1

    def add(self, name: str, content: bytes) -> None:
        """A further file of the run, of which the manifest will have the hash."""
        write_atomically(self.path / name, content)
        self._added.append(name)

    def _table(self, samples: Sequence[Sample]) -> pa.Table:
        rows = []
        for sample in samples:
            cell = self._cells[sample.cell]
            row = msgspec.structs.asdict(sample)
            row.update(operation=cell.operation, experiment=cell.experiment, sizes=cell.sizes, repeats=cell.repeats)
            rows.append(row)
        return pa.Table.from_pylist(rows, schema=SAMPLE_SCHEMA)

    def save_manifest(self) -> None:
        self.manifest.checksum = manifest_checksum(msgspec.to_builtins(self.manifest))
        document = msgspec.json.encode(self.manifest, order="sorted")
        write_atomically(self.path / MANIFEST, msgspec.json.format(document, indent=1) + b"\n")

    def finish(self, status: Status, reason: str = "", messages: Summary | None = None) -> Run:
        """Gather the samples, write hashes and status, and let go of the run."""
        self._gather()
        self.manifest.status = status
        self.manifest.status_reason = reason
        self.manifest.messages = messages or Summary()
        names = [name for name in (DESIGN, SAMPLES, MESSAGES, *self._added) if (self.path / name).exists()]
        self.manifest.files = {name: file_fact(self.path / name) for name in names}
        self.save_manifest()
        self.close()
        return Run(self.path, self.manifest, self.design)

    def close(self) -> None:
        """Let go of the run as it is; `reopen` can continue it."""
        self._lock.close()

    def _gather(self) -> None:
        run = Run(self.path, self.manifest, self.design)
        table = run.table(SAMPLE_SCHEMA.names)
        metadata = {_NEXT_PART: str(self._next_part).encode()}
        write_atomically(self.path / SAMPLES, as_parquet(table.replace_schema_metadata(metadata)))
        for left in (*self.path.glob(f"{PARTS}/*"), *self.path.glob(f"{TEMPORARY_PREFIX}*")):
            left.unlink()
        with suppress(FileNotFoundError):  # nothing was added since the run was gathered before
            (self.path / PARTS).rmdir()


def _new_folder(root: Path, stem: str) -> Path:
    while True:
        path = root / f"{stem}-{secrets.token_hex(3)}"
        with suppress(FileExistsError):
            make_folder(path)
            return path


def as_parquet(table: pa.Table) -> bytes:
    """The content of a file of a run."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _read(path: Path) -> bytes:
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise InputError(f"{path.parent} is no run: {path.name} is no regular file")
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.parent} is no run: cannot read {path.name} ({error.strerror})") from error


def _read_manifest(path: Path) -> Manifest:
    content = _read(path / MANIFEST)
    try:
        version = msgspec.json.decode(content, type=dict[str, Any]).get("schema_version")
        if version != SCHEMA_VERSION:
            raise InputError(f"{path} has schema version {version}; this tool reads version {SCHEMA_VERSION}")
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{path / MANIFEST} is no manifest of a run: {error}") from error


def _gathered_parts(path: Path) -> int:
    """Number of the first part that `samples.parquet` does not hold."""
    if not (path / SAMPLES).is_file():
        return 0
    try:
        metadata = pq.read_schema(path / SAMPLES).metadata or {}
        return int(metadata.get(_NEXT_PART, b"0"))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{path / SAMPLES} is not readable as samples: {error}") from error


def _new_parts(path: Path) -> list[Path]:
    first = _gathered_parts(path)
    return [part for part in sorted((path / PARTS).glob("*.parquet")) if _number(part) >= first]


def _number(part: Path) -> int:
    """Of a part; -1 of a file that somebody else put beside the parts, such as a copy of one."""
    return int(part.stem) if part.stem.isdecimal() else -1


def _next_part(path: Path) -> int:
    parts = _new_parts(path)
    return int(parts[-1].stem) + 1 if parts else _gathered_parts(path)
