"""The run folder: written so that a kill at any moment leaves a run that can be read and continued.

Samples arrive as numbered parts, each written under a temporary name and renamed. When the run ends they are gathered
in `samples.parquet`, whose metadata says which part comes next: a part with a smaller number is in it already, and is
ignored wherever a kill left it behind.

A run folder holds regular files only. Links in it are refused: they would lead reads, writes and
deletions elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, Self

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.files import TEMPORARY_PREFIX, lock, make_folder, new_folder, read_bytes, refuse, write_atomically
from costmodel.records import encode, parse
from costmodel.records.message import LogSummary
from costmodel.records.run import ClockRecord, Design, FileFact, Machine, Manifest, RunStatus, manifest_checksum
from costmodel.runs.design import Plan, design_fault, design_of, parameters, plan_of
from costmodel.runs.tables import (
    COMPACT,
    SAMPLE_SCHEMA,
    Sample,
    as_parquet,
    check_decoded_size,
    programs_parquet,
    read_programs,
    samples_dataset,
)

MANIFEST, DESIGN, PROGRAMS, SAMPLES, MESSAGES, PARTS, LOCK = (
    "manifest.json",
    "design.json",
    "programs.parquet",
    "samples.parquet",
    "messages.jsonl",
    "parts",
    ".lock",
)
_NEXT_PART: Final = b"calibrate.next_part"
# What is equal in all rows of a cell takes no space where they stand together.
_GATHERED: Final = [(name, "ascending") for name in ("process", "cell", "block", "order")]
_MAX_DESIGN: Final = 512 << 20  # bytes; designs of version 0 held programs


class Run:
    """A run for reading, in whatever state it is."""

    def __init__(self, path: Path, manifest: Manifest, design: Design) -> None:
        self.path = path
        self.manifest = manifest
        self.design = design
        self._checked: set[Path] = set()

    @classmethod
    def open(cls, path: Path) -> Self:
        """InputError where `path` is no run, is damaged, has links in it, or comes from a later version."""
        refuse_links(path)
        manifest = parse(_read(path / MANIFEST), str(path / MANIFEST), Manifest)
        return cls(path, manifest, _read_design(path / DESIGN))

    @property
    def name(self) -> str:
        return self.manifest.run

    def samples(self, columns: Sequence[str] | None = None, filters: pc.Expression | None = None) -> pd.DataFrame:
        """The rows of SAMPLE_SCHEMA, disturbed ones included (`disturbance` is empty in the clean ones); those of a
        process and a cell are in the order of timing.

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
        """The files that together hold every sample once. InputError where they would not fit into memory."""
        gathered = self.path / SAMPLES
        files = ([gathered] if gathered.is_file() else []) + _new_parts(self.path)
        if not self._checked.issuperset(files):
            check_decoded_size(files)
            self._checked.update(files)
        return files

    def plan(self) -> Plan:
        """The design with its programs, as resuming needs it. InputError where they are not those of the design."""
        path = self.path / PROGRAMS
        if not path.exists():
            raise InputError(f"{path} does not exist, so the run cannot be resumed; start a new run")
        try:
            return plan_of(self.design, read_programs(path))
        except KeyError as error:
            raise InputError(f"{path} lacks a program of the design ({error}); start a new run") from error

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
    return samples_dataset({str(path): run.name for run in runs for path in run.sample_files()})


class RunWriter:
    """The one writer of a run. Every change is on disk when the method returns.

    EnvironmentFault where the folder is no longer there: what is written must not become a run without its beginning.
    """

    def __init__(self, path: Path, manifest: Manifest, plan: Plan, held: IO[bytes]) -> None:
        self.path = path
        self.manifest = manifest
        self.design = plan
        self._document = design_of(plan)[0]
        self._cells = {cell.id: cell for cell in plan.cells}
        self._lock = held
        self._folder = _identity(path)
        self._next_part = _next_part(path)
        self._rows = sum(pq.read_metadata(file).num_rows for file in self.run().sample_files())
        self._added: list[str] = []

    @classmethod
    def create(
        cls,
        root: Path,
        experiment: str,
        plan: Plan,
        *,
        machine: Machine,
        clock: ClockRecord,
        versions: Mapping[str, str],
        evaluator: Mapping[str, str],
        command_line: Sequence[str] = (),
        inputs: Mapping[str, FileFact] | None = None,
    ) -> Self:
        """Make `root/<UTC time>-<experiment>-<short id>/`. EnvironmentFault where `root` cannot be written."""
        now = time.gmtime()
        design, programs = design_of(plan)
        content = encode(design, indent=-1)  # thousands of cells: white space would be a quarter of it
        manifest = Manifest(
            run=f"{time.strftime('%Y%m%dT%H%M%SZ', now)}-{experiment}-{secrets.token_hex(3)}",
            experiment=experiment,
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
            command_line=tuple(command_line),
            versions=dict(versions),
            evaluator=dict(evaluator),
            design_sha256=hashlib.sha256(content).hexdigest(),
            seed=plan.seed,
            machine=machine,
            inputs=dict(inputs or {}),
            clock=clock,
            parameters=parameters(plan),
        )
        path = root / manifest.run
        # It gets its name once it is whole: neither a kill nor a full disk leaves a folder that is half a run.
        with new_folder(path) as folder:
            held = lock(folder / LOCK)
            try:
                write_atomically(folder / PROGRAMS, programs_parquet(programs))
                write_atomically(folder / DESIGN, content)
                _save(folder, manifest)
            except BaseException:
                held.close()
                raise
        return cls(path, manifest, plan, held)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Continue a run that is not complete. InputError where it is complete or was changed since."""
        Run.open(path)  # or the lock would be left in a folder that is no run
        held = lock(path / LOCK)
        try:
            run = Run.open(path)
            if run.manifest.status is RunStatus.COMPLETE:
                raise InputError(f"{path} is complete; there is nothing to resume")
            if file_fact(path / DESIGN).sha256 != run.manifest.design_sha256:
                raise InputError(f"{path / DESIGN} is not the design that the run began with; start a new run")
            run.verify()  # or what was changed since would be hashed anew as the run's own
            writer = cls(path, run.manifest, run.plan(), held)
        except BaseException:
            held.close()
            raise
        writer.update(status=RunStatus.RUNNING, status_reason="", files={}, messages=LogSummary(), outcome=None)
        writer.save_manifest()
        return writer

    def update(self, **changes: Any) -> None:
        """Change fields of the manifest, which `save_manifest` and `finish` write."""
        self.manifest = msgspec.structs.replace(self.manifest, **changes)

    @property
    def messages_path(self) -> Path:
        return self.path / MESSAGES

    def append(self, samples: Sequence[Sample]) -> None:
        """Add rows. On failure none of them is in the run, and EnvironmentFault says why."""
        if samples:
            content = as_parquet(self._table(samples))
            self._check_folder()
            with suppress(FileExistsError):
                make_folder(self.path / PARTS, parents=False)
            write_atomically(self.path / PARTS / f"{self._next_part:06d}.parquet", content)
            self._next_part += 1
            self._rows += len(samples)

    def add(self, name: str, content: bytes) -> None:
        """A further file of the run, of which the manifest will have the hash."""
        self._check_folder()
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
        self._check_folder()
        self.manifest = _save(self.path, self.manifest)

    def finish(self, status: RunStatus, reason: str = "", messages: LogSummary | None = None) -> Run:
        """Gather the samples, write hashes and status, and let go of the run."""
        self._check_folder()
        self._gather()
        names = [name for name in (DESIGN, PROGRAMS, SAMPLES, MESSAGES, *self._added) if (self.path / name).exists()]
        self.update(
            status=status,
            status_reason=reason,
            messages=messages or LogSummary(),
            files={name: file_fact(self.path / name) for name in names},
        )
        self.save_manifest()
        self.close()
        return self.run()

    def close(self) -> None:
        """Let go of the run as it is; `reopen` can continue it."""
        self._lock.close()

    def run(self) -> Run:
        """The run as it is, for reading."""
        return Run(self.path, self.manifest, self._document)

    def _check_folder(self) -> None:
        if _identity(self.path) != self._folder:
            raise EnvironmentFault(f"{self.path} was removed or replaced while the run went on; start a new run")
        refuse_links(self.path)

    def _gather(self) -> None:
        table = self.run().table(SAMPLE_SCHEMA.names)
        if table.num_rows != self._rows:
            raise EnvironmentFault(
                f"{self.path} has {table.num_rows} of the {self._rows} batches that were written to it: files were "
                "removed while the run went on; start a new run"
            )
        metadata = {**SAMPLE_SCHEMA.metadata, _NEXT_PART: str(self._next_part).encode()}
        table = table.sort_by(_GATHERED).replace_schema_metadata(metadata)
        write_atomically(self.path / SAMPLES, as_parquet(table, COMPACT))
        _remove_files(self.path / PARTS)
        with suppress(FileNotFoundError):  # nothing was added since the run was gathered before
            (self.path / PARTS).rmdir()
        _remove_files(self.path, TEMPORARY_PREFIX)


def file_fact(path: Path) -> FileFact:
    """Size and hash of a file, an input of a run or a part of it. InputError where it cannot be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            raise InputError(f"cannot read {path}: it is not a regular file")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return FileFact(bytes=file.tell(), sha256=digest)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def refuse_links(path: Path) -> None:
    """InputError, naming it, for a link in a run folder."""
    for folder in (path, path / PARTS):
        with suppress(NotADirectoryError, FileNotFoundError, PermissionError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise InputError(f"{entry.path} is a link; a run holds regular files only, so put a copy there")


def _remove_files(folder: Path, prefix: str = "") -> None:
    """Remove the files of a folder, and never those of another that a link in its place leads to."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        refuse("clear", folder, error)
    try:
        for name in os.listdir(descriptor):  # noqa: PTH208 - pathlib takes no descriptor
            if name.startswith(prefix):
                os.unlink(name, dir_fd=descriptor)
    except OSError as error:
        refuse("clear", folder, error)
    finally:
        os.close(descriptor)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a folder from another of the same name; None where there is none."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


def _save(path: Path, manifest: Manifest) -> Manifest:
    """Write a manifest with its checksum into a run folder."""
    manifest = msgspec.structs.replace(manifest, checksum="")
    manifest = msgspec.structs.replace(manifest, checksum=manifest_checksum(msgspec.to_builtins(manifest)))
    write_atomically(path / MANIFEST, encode(manifest, indent=1))
    return manifest


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, _MAX_DESIGN)
    except InputError as error:
        raise InputError(f"{path.parent} is not a run: {error}") from error


def _read_design(path: Path) -> Design:
    design = parse(_read(path), str(path), Design)
    if fault := design_fault(design.settings, design.cells):
        raise DecodeError(f"{path} is not the design of a run: {fault}")
    return design


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
