"""Which runs make a batch."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import asdict

from costmodel.errors import InputError
from costmodel.records.run import Manifest, RunStatus
from costmodel.runs.anomalies import oddities
from costmodel.runs.store import MANIFEST, Run

_BUILD: Final = ("native", "compiler", "flags", "libraries")  # of a manifest's versions, what decides on the code


@dataclass(frozen=True, slots=True)
class RunBatch:
    """Complete runs that are taken for runs of one configuration. `left_out` are runs that are not complete."""

    name: str
    runs: tuple[Run, ...]
    left_out: tuple[Path, ...] = ()

    @property
    def machines(self) -> tuple[str, ...]:
        """The machine of each run."""
        return tuple(machine_of(run) for run in self.runs)


def select(names: Sequence[str]) -> tuple[RunBatch, ...]:
    """Batches from what the user named.

    A folder that holds runs is a batch, and so is all that a pattern (`nightly/2026*`) matches; folders of single runs,
    named one by one, are one batch together. InputError, naming it, for what holds no complete run, or a run twice.
    """
    batches, singles = [], []
    for name in names:
        path = Path(name)
        if (path / MANIFEST).is_file():
            singles.append(path)
        elif path.is_dir():
            batches.append(_batch(name, _runs_in(path)))
        else:
            batches.append(_batch(name, [run for found in _matching(name) for run in _runs_in(found)]))
    if singles:
        batches.append(_batch(_common_name(singles), singles))
    return tuple(batches)


def _matching(pattern: str) -> list[Path]:
    return [Path(found) for found in sorted(glob.glob(pattern))]  # noqa: PTH207 - patterns may be absolute


def _runs_in(path: Path) -> list[Path]:
    if (path / MANIFEST).is_file():
        return [path]
    return sorted(found.parent for found in path.glob(f"*/{MANIFEST}"))


def _below(name: str) -> str:
    """What to do about a folder without runs: it may be one level too high."""
    folders = sorted(
        {str(found.parents[1]) for found in Path(name).glob(f"*/*/{MANIFEST}")} if Path(name).is_dir() else ()
    )
    if folders:
        more = f" and {len(folders) - 3} more" if len(folders) > 3 else ""
        return f", but {', '.join(folders[:3])}{more} below it do; name those, each a batch"
    return "; name a folder of runs, folders of runs, or a pattern that matches some"


def _common_name(paths: Sequence[Path]) -> str:
    return str(paths[0]) if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _batch(name: str, paths: Sequence[Path]) -> RunBatch:
    if not paths:
        raise InputError(f"{name} holds no run{_below(name)}")
    runs, left_out = [], []
    seen: set[str] = set()
    for path in paths:
        run = Run.open(path)
        if run.manifest.status is not RunStatus.COMPLETE:
            left_out.append(path)
            continue
        if run.name in seen:
            raise InputError(f"{path} is in the batch {name} twice; name it once")
        seen.add(run.name)
        run.verify()
        runs.append(run)
    if not runs:
        raise InputError(f"{name} has no complete run; finish one with: calibrate measure --resume {left_out[0]}")
    return RunBatch(name, tuple(runs), tuple(left_out))


def machine_of(run: Run) -> str:
    """What names the machine of a run: equal for machines that cannot be told apart."""
    return run.manifest.machine.id


def check_comparable(batches: Sequence[RunBatch]) -> None:
    """InputError where clocks count unlike things."""
    runs = [run for batch in batches for run in batch.runs]
    for run in runs[1:]:
        units = [each.manifest.clock.unit for each in (runs[0], run)]
        if units[0] != units[1]:
            raise InputError(f"{runs[0].path} counts {units[0]} and {run.path} {units[1]}; compare runs of one clock")


def same_evaluator(batches: Sequence[RunBatch]) -> bool:
    """Whether all runs timed the same build of the evaluator."""
    builds = [_build(run.manifest) for batch in batches for run in batch.runs]
    return all(build == builds[0] for build in builds)


def warnings(batches: Sequence[RunBatch]) -> list[str]:
    """What is odd about runs that are pooled or compared, a line each."""
    lines = [f"{batch.name}: {path} is not complete and was left out" for batch in batches for path in batch.left_out]
    runs = {run.name: run for batch in batches for run in batch.runs}
    lines += oddities(list(runs.values()), pooled=False)  # what differs is said batch by batch
    for batch in batches:
        manifests = [run.manifest for run in batch.runs]
        lines += _unlike(manifests, _machine, f"{batch.name} pools runs of unlike machines")
        lines += _unlike(manifests, _build, f"{batch.name} pools runs of unlike builds")
        lines += _unlike(manifests, _protocol, f"{batch.name} pools runs of unlike designs")
    firsts = [batch.runs[0].manifest for batch in batches]
    lines += _unlike(firsts, _machine, "the batches are of unlike machines, and so a difference may be the machines'")
    lines += _unlike(firsts, _protocol, "the batches are of unlike designs, and so a difference may be the designs'")
    return lines


def _unlike(manifests: Sequence[Manifest], facts: Callable[[Manifest], Mapping[str, object]], what: str) -> list[str]:
    first = facts(manifests[0])
    differing = {
        key
        for other in map(facts, manifests[1:])
        for key in first.keys() | other.keys()
        if first.get(key) != other.get(key)
    }
    return [f"{what} ({', '.join(sorted(differing))})"] if differing else []


def _machine(manifest: Manifest) -> dict[str, object]:
    """The fingerprint, without the number that is made from the rest of it."""
    return {key: value for key, value in asdict(manifest.machine).items() if key != "id"}


def _build(manifest: Manifest) -> dict[str, object]:
    return {f"evaluator {key}": value for key, value in manifest.evaluator.items()} | {
        key: manifest.versions.get(key) for key in _BUILD
    }


def _protocol(manifest: Manifest) -> dict[str, object]:
    facts = msgspec.to_builtins(manifest.parameters) or {}
    return {"design": manifest.design_sha256, **facts.pop("settings", {}), **facts}
