"""The evaluators that are compared, and how their drivers are built."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from costmodel.errors import EnvironmentFault

_ROOT: Final = Path(__file__).resolve().parents[1]
PEERS: Final = _ROOT / "benches" / "peers"
BUILD: Final = _ROOT / "build" / "bench"
NATIVE: Final = "native"

Command: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Evaluator:
    """An evaluator and its driver.

    `tool` must be on the PATH; `build` are the commands that make the driver, `run` the one that starts it. In them
    `{source}` is the folder of the driver's sources, `{product}` the one for what is built, `{python}` this Python.
    `note` says how the evaluator differs from the others in what it times.
    """

    name: str
    tool: str
    run: Command
    build: tuple[Command, ...] = ()
    shared_sources: tuple[str, ...] = ()
    note: str = ""


def _cargo(name: str, note: str) -> Evaluator:
    build = "cargo build --quiet --release --jobs 1 --target-dir {product} --manifest-path {source}/Cargo.toml"
    return Evaluator(
        name,
        "cargo",
        run=(f"{{product}}/release/{name}-driver",),
        build=(tuple(build.split()),),
        shared_sources=("protocol.rs",),
        note=note,
    )


def _python(name: str, note: str) -> Evaluator:
    return Evaluator(
        name,
        sys.executable,
        run=("{product}/venv/bin/python", "{source}/driver.py"),
        build=(
            ("{python}", "-m", "venv", "{product}/venv"),
            ("{product}/venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "{source}/requirements.txt"),
        ),
        note=note,
    )


EVALUATORS: Final = (
    Evaluator(NATIVE, sys.executable, run=("{python}", "-m", "benches.native")),
    _cargo("amaru", "costs are the crate's own for PlutusV3"),
    Evaluator(
        "plutigo",
        "go",
        run=("{product}/driver",),
        build=(("go", "build", "-C", "{source}", "-p", "1", "-o", "{product}/driver", "."),),
        note="decoder and machine reuse their memory; garbage is collected on the same core",
    ),
    _cargo("aiken", "decode includes the conversion to named variables that its machine needs"),
    Evaluator(
        "scalus",
        "npm",
        run=("node", "{source}/driver.mjs"),
        build=(("npm", "ci", "--silent", "--prefix", "{source}"),),
        note="JavaScript; evaluate includes decoding, which cannot be called alone",
    ),
    _python("pyaiken", "decode prints text, evaluate parses text, and the cost model is an old one"),
    _python("opshin", "the cost model is older than protocol version 11"),
)


@dataclass(frozen=True)
class Ready:
    """A driver that can be started."""

    evaluator: Evaluator
    command: Command
    toolchain: str


@dataclass
class Preparation:
    """What could be built, and for each evaluator that could not a line that says why."""

    ready: list[Ready] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def environment() -> dict[str, str]:
    """The environment of drivers: Python ones find the protocol."""
    return {**os.environ, "PYTHONPATH": str(_ROOT)}


def prepare(evaluators: tuple[Evaluator, ...] = EVALUATORS, folder: Path = BUILD) -> Preparation:
    """Build the drivers that have changed since they were last built. EnvironmentFault where the folder cannot be
    written."""
    done = Preparation()
    try:
        shutil.copytree(PEERS, folder / "source", dirs_exist_ok=True)
        for evaluator in evaluators:
            made = _prepare_one(evaluator, folder)
            if isinstance(made, Ready):
                done.ready.append(made)
            else:
                done.left_out.append(f"{evaluator.name} is left out: {made}")
    except OSError as error:
        raise EnvironmentFault(f"{folder} cannot be used to build drivers in: {error}") from None
    return done


def _prepare_one(evaluator: Evaluator, folder: Path) -> Ready | str:
    """The driver, or the reason why there is none."""
    if shutil.which(evaluator.tool) is None:
        return f"{evaluator.tool} is not installed"
    source, product = folder / "source" / evaluator.name, folder / evaluator.name
    places = {"source": str(source), "product": str(product), "python": sys.executable}
    toolchain = _toolchain(evaluator.tool)
    ready = Ready(evaluator, _filled(evaluator.run, places), toolchain)
    if not evaluator.build:
        return ready
    product.mkdir(parents=True, exist_ok=True)
    stamp, wanted = product / "stamp", _digest(evaluator, toolchain)
    if stamp.exists() and stamp.read_text() == wanted:
        return ready
    print(f"building the driver of {evaluator.name} …", file=sys.stderr)
    log = folder / f"{evaluator.name}.log"
    with log.open("w", encoding="utf-8") as output:
        for command in evaluator.build:
            if subprocess.run(
                ("nice", *_filled(command, places)), stdout=output, stderr=output, check=False
            ).returncode:
                return f"its build failed ({_last_line(log)}; see {log})"
    stamp.write_text(wanted)
    return ready


def _filled(command: Command, places: Mapping[str, str]) -> Command:
    return tuple(part.format_map(places) for part in command)


def _toolchain(tool: str) -> str:
    flag = "version" if tool == "go" else "--version"
    said = subprocess.run((tool, flag), capture_output=True, text=True, check=False).stdout.strip()
    return said if Path(tool).name in said.lower() else f"{Path(tool).name} {said}"


def _digest(evaluator: Evaluator, toolchain: str) -> str:
    """Changes with anything that the driver is built from."""
    files = [path for path in sorted((PEERS / evaluator.name).rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    files += [PEERS / name for name in evaluator.shared_sources]
    digest = hashlib.sha256(repr((evaluator.build, toolchain)).encode())
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
