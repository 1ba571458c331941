"""The folder of a search: where it stands, the studies, the model, the witnesses, and the run that proves them.

- `search.json`: settings, and how far it is; written anew as it goes on
- `study.jsonl`: optuna's journal of all trials
- `model.json`: the prices that are charged
- `witnesses/PRICE.flat`, `differences/PRICE-N.flat`: programs
- `proof/`: an ordinary run, with the samples of the witnesses
- `worst.json`: what was proved
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, Self

import msgspec

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.files import lock, make_folder, new_folder, write_atomically
from costmodel.model import CostModel, dump, load
from costmodel.records import encode, read
from costmodel.records.run import RunStatus
from costmodel.records.worst import WORST, SearchSettings, SearchState, Worst
from costmodel.runs.store import refuse_links
from costmodel.timing.surroundings import fingerprint, versions
from costmodel.worst.search import SAMPLERS
from costmodel.worst.target import targets

STATE, STUDY, MODEL, PROOF, WITNESSES, DIFFERENCES = (
    "search.json",
    "study.jsonl",
    "model.json",
    "proof",
    "witnesses",
    "differences",
)
_LOCK: Final = ".lock"


class SearchFolder:
    """The one writer of a search. Every change is on disk when the method returns."""

    def __init__(self, path: Path, state: SearchState, model: CostModel, held: IO[bytes]) -> None:
        self.path, self.state, self.model = path, state, model
        self._lock = held

    @classmethod
    def create(
        cls, root: Path, settings: SearchSettings, model: CostModel, command_line: Sequence[str] = (), **known: Any
    ) -> Self:
        """Make `root/<UTC time>-worst-<short id>/`, for a search of which `known` is known from an earlier one.
        EnvironmentFault where `root` cannot be written."""
        now = time.gmtime()
        state = SearchState(
            run=f"{time.strftime('%Y%m%dT%H%M%SZ', now)}-worst-{secrets.token_hex(3)}",
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", now),
            command_line=tuple(command_line),
            versions=versions(__version__),
            machine=fingerprint(settings.core).id,
            settings=settings,
            **known,
        )
        path = root / state.run
        # It gets its name once it is whole: neither a kill nor a full disk leaves a folder that is half a search.
        with new_folder(path) as temporary:
            held = lock(temporary / _LOCK)
            try:
                write_atomically(temporary / MODEL, dump(model))
                write_atomically(temporary / STATE, encode(state))
            except BaseException:
                held.close()
                raise
        return cls(path, state, model, held)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Continue a search. InputError where it is complete, or was begun on another machine or with another build."""
        refuse_links(path)
        state = read(path / STATE, SearchState)
        held = lock(path / _LOCK)
        try:
            state = read(path / STATE, SearchState)
            if state.status is RunStatus.COMPLETE:
                raise InputError(f"{path} is complete; there is nothing to resume")
            here = (fingerprint(state.settings.core).id, versions(__version__))
            if (state.machine, state.versions) != here:
                raise InputError(f"{path} was begun on another machine or with another build; start a new search")
            _require_known(state, path / STATE)
            folder = cls(path, state, load([path / MODEL]), held)
            folder.update(status=RunStatus.RUNNING)
        except BaseException:
            held.close()
            raise
        return folder

    def update(self, **changes: Any) -> None:
        """Change where the search stands."""
        self.state = msgspec.structs.replace(self.state, **changes)
        self.save()

    def save(self) -> None:
        refuse_links(self.path)
        write_atomically(self.path / STATE, encode(self.state))

    def write(self, kind: str, name: str, content: bytes) -> str:
        """A program, or what it is called with, in one of the folder's own folders. Its path within the folder."""
        refuse_links(self.path)
        with suppress(FileExistsError):
            make_folder(self.path / kind)
        refuse_links(self.path / kind)
        write_atomically(self.path / kind / name, content)
        return f"{kind}/{name}"

    def finish(self, found: Worst) -> None:
        """Write what was proved."""
        refuse_links(self.path)
        write_atomically(self.path / WORST, encode(found))
        self.update(status=RunStatus.COMPLETE, stage="done")

    def close(self) -> None:
        self._lock.close()


def _require_known(state: SearchState, where: Path) -> None:
    """InputError for prices or a way to choose points that there are not."""
    settings = state.settings
    known = {target.name for target in targets("*", settings.protocol_version)}
    named = {*settings.targets, *(finalist.target for finalist in state.finalists)}
    if unknown := sorted(named - known):
        raise InputError(f"{where} names the price {unknown[0]!r}, which is not one that can be searched")
    if settings.sampler not in SAMPLERS:
        raise InputError(f"{where}: unknown sampler {settings.sampler!r}; use {', '.join(SAMPLERS)}")
    if any(finalist.target not in settings.targets for finalist in state.finalists):
        raise InputError(f"{where} has a finalist of a price that is not searched")


def file_name(price: str, content: bytes, suffix: str = "flat") -> str:
    """A witness's file name: its price and what tells it from others of the same."""
    return f"{price.replace('/', '-')}-{hashlib.sha256(content).hexdigest()[:8]}.{suffix}"


def read_result(path: Path) -> tuple[Path, Worst]:
    """The folder of a search, and what it proved. InputError where it is none or not complete."""
    refuse_links(path)
    if not (path / WORST).exists():
        told = "is not complete; resume it" if (path / STATE).exists() else "is no search for worst inputs"
        raise InputError(f"{path} {told} with `calibrate worst`")
    return path, read(path / WORST, Worst)
