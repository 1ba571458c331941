"""The drivers that come with calibrate, and how they are built into a cache with the tools of their languages.

The sources lie in the package, so that an installed one has them too. A build goes into a folder named after evaluator
and version, with a checksum of everything that it was made from; `driver_named` gives what is built, or takes any other
command that speaks the protocol.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from costmodel.errors import EnvironmentFault, InputError
from costmodel.machine.driver_process import DriverCommand

Command: TypeAlias = tuple[str, ...]

SOURCES: Final = Path(__file__).resolve().parent / "drivers"
_STAMP: Final = "stamp"
_LOG_LINES: Final = 400


@dataclass(frozen=True)
class Driver:
    """A driver that comes with calibrate.

    `tool` must be on the PATH; `build` are the commands that make the driver, in the folder of the build, which has a
    copy of its sources; `run` is the one that starts it. `{folder}` stands for that folder, `{python}` for this Python.
    `shared` are further files of its sources, beside its own folder. `note` says what its times hold that others' do
    not.
    """

    name: str
    evaluator: str
    version: str
    tool: str
    build: tuple[Command, ...]
    run: Command
    shared: tuple[str, ...] = ()
    note: str = ""


def _cargo(name: str, evaluator: str, version: str, note: str) -> Driver:
    command = "cargo build --quiet --release --target-dir {folder}/target --manifest-path {folder}/Cargo.toml"
    return Driver(
        name,
        evaluator,
        version,
        "cargo",
        build=(tuple(command.split()),),
        run=(f"{{folder}}/target/release/{name}-driver",),
        shared=("protocol.rs", "build.rs"),
        note=note,
    )


def _npm(name: str, evaluator: str, version: str, note: str) -> Driver:
    # The lock file says what is installed, whatever packages say of the versions that they go with.
    install = "npm ci --loglevel=error --no-audit --no-fund --ignore-scripts --legacy-peer-deps --prefix {folder}"
    return Driver(
        name,
        evaluator,
        version,
        "npm",
        build=(tuple(install.split()),),
        run=("node", *_V8, "{folder}/driver.mjs"),
        shared=("protocol.mjs",),
        note=note,
    )


def _pip(name: str, evaluator: str, version: str, note: str) -> Driver:
    install = "{folder}/venv/bin/python -m pip install --quiet --no-deps -r {folder}/requirements.txt"
    return Driver(
        name,
        evaluator,
        version,
        "{python}",
        build=(("{python}", "-m", "venv", "{folder}/venv"), tuple(install.split())),
        run=("{folder}/venv/bin/python", "-P", "{folder}/driver.py"),
        note=note,
    )


# Drivers collect garbage before they time; code that a collection finds unused is to stay compiled. Compiling and
# collecting share the measured core with the program anyway: in its own thread they come when it pays for them, and in
# others whenever these get the core, so that batches differed by 20 % instead of 3 %.
_V8: Final = ("--expose-gc", "--no-flush-bytecode", "--single-threaded", "--stack-size=6000")

# Memory that a collection frees is given back at once otherwise, and a page fault brings it again: a thousand in a
# batch of 5 ms or none, by which batches of what leaves garbage differed by 8 %, and processes by 3 %. Without them
# they differ by half of that.
_GO: Final = ("GODEBUG=madvdontneed=0",)

DRIVERS: Final = (
    _cargo("amaru", "amaru-uplc", "0.4.0", "of Amaru: a bump arena, emptied after each run"),
    _cargo("aiken", "uplc", "1.1.24", "of Aiken: decoding includes the conversion to named variables"),
    Driver(
        "plutigo",
        "plutigo",
        "0.7.2",
        "go",
        build=(("go", "build", "-C", "{folder}", "-o", "{folder}/driver", "."),),
        run=("env", *_GO, "{folder}/driver"),
        note="of Dingo, in Go: garbage is collected on the measured core",
    ),
    _npm("scalus", "scalus", "0.17.0", "Scala.js: evaluations include decoding; its own cost model"),
    _npm(
        "harmoniclabs",
        "@harmoniclabs/plutus-machine",
        "3.0.2",
        "of Gerolamo, in TypeScript: serialiseData writes maps without their length",
    ),
    _npm("helios", "@helios-lang/uplc", "0.7.20", "of Helios, in JavaScript"),
    _pip(
        "opshin",
        "uplc",
        "1.3.3",
        "of OpShin, in Python: 2000 times slower than the native machine; serialiseData writes lists with their length",
    ),
)


@dataclass(frozen=True)
class DriverBuild:
    """A driver that is built: its folder, and a checksum of what it was made from."""

    driver: Driver
    folder: Path
    identity: str

    @property
    def command(self) -> DriverCommand:
        return DriverCommand(self.driver.name, _filled(self.driver.run, self.folder), self.identity)


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where builds are kept: `$XDG_CACHE_HOME/calibrate/evaluators`, by default in `~/.cache`."""
    base = environment.get("XDG_CACHE_HOME", "")
    home = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return home / "calibrate" / "evaluators"


def driver(name: str) -> Driver:
    """InputError for a name that no driver has."""
    for known in DRIVERS:
        if known.name == name:
            return known
    raise InputError(f"unknown evaluator {name!r}; known are {', '.join(known.name for known in DRIVERS)}")


def folder_of(wanted: Driver) -> Path:
    return cache_folder() / f"{wanted.name}-{wanted.version}"


def built(wanted: Driver) -> DriverBuild | None:
    """The build of a driver as it is now; None where there is none, or one of other sources."""
    folder = folder_of(wanted)
    identity = _identity(wanted)
    try:
        stamp = (folder / _STAMP).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return DriverBuild(wanted, folder, identity) if stamp == identity else None


def build(wanted: Driver) -> DriverBuild:
    """Build a driver where it is not yet built. EnvironmentFault where its tool is missing or fails."""
    if (done := built(wanted)) is not None:
        return done
    if missing := missing_tool(wanted):
        raise EnvironmentFault(f"building {wanted.name} needs {missing}, which is not installed")
    folder = folder_of(wanted)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{wanted.name}-", dir=folder.parent))
    except OSError as error:
        raise EnvironmentFault(f"cannot build in {folder.parent}: {error.strerror}") from None
    try:
        # Into its final place, since virtual environments and makefiles know theirs; the stamp comes last.
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SOURCES / wanted.name, scratch, dirs_exist_ok=True)
        for name in wanted.shared:
            shutil.copy(SOURCES / name, scratch / name)
        scratch.rename(folder)
        for command in wanted.build:
            _run(wanted, _filled(command, folder), folder)
        (folder / _STAMP).write_text(_identity(wanted), encoding="ascii")
    except OSError as error:
        raise EnvironmentFault(f"cannot build {wanted.name} in {folder}: {error}") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return DriverBuild(wanted, folder, _identity(wanted))


def missing_tool(wanted: Driver) -> str:
    """The tool that a driver is built with, where it is not installed; else nothing."""
    tool = wanted.tool.replace("{python}", sys.executable)
    return "" if shutil.which(tool) else tool


def _run(wanted: Driver, command: Command, folder: Path) -> None:
    log = folder / "build.log"
    with log.open("ab") as output:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, check=False)
    if done.returncode:
        raise EnvironmentFault(f"building {wanted.name} failed: {_last_line(log)} (all of it: {log})")


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
    said = [" ".join(line.split()) for line in lines if line.strip()]
    return said[-1][:200] if said else "it said nothing"


def _filled(command: Command, folder: Path) -> Command:
    return tuple(part.replace("{folder}", str(folder)).replace("{python}", sys.executable) for part in command)


def _identity(wanted: Driver) -> str:
    """Changes with anything that the driver is built from."""
    files = [path for path in sorted((SOURCES / wanted.name).rglob("*")) if path.is_file() and path.suffix != ".pyc"]
    digest = hashlib.sha256(repr((wanted.version, wanted.build, wanted.run)).encode())
    for path in [*files, *(SOURCES / name for name in wanted.shared)]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def driver_named(text: str, folder: Path | None = None) -> DriverCommand:
    """The driver of that name, which must be built, or else any command, to be run in a `folder` or here. InputError
    where it is neither."""
    known = next((known for known in DRIVERS if known.name == text), None)
    if known is not None:
        done = built(known)
        if done is None:
            raise InputError(f"the driver of {text} is not built; run: calibrate evaluators build {text}")
        return done.command
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise InputError(f"--evaluator {text!r} is no command: {error}") from None
    program = _program(command, folder)
    if program is None:
        names = ", ".join(known.name for known in DRIVERS)
        raise InputError(f"unknown evaluator {text!r}: it is none of native, {names}, and no command that can be run")
    return DriverCommand(text, command, _command_identity(program, command[1:], folder), folder=folder)


def _program(command: Command, folder: Path | None) -> str | None:
    """The file that a command starts; None where there is none."""
    if not command:
        return None
    relative = folder is not None and "/" in command[0]
    return shutil.which(str(folder / command[0]) if folder is not None and relative else command[0])


def _command_identity(program: str, arguments: Command, folder: Path | None) -> str:
    """A checksum of a command and of the files that it names."""
    digest = hashlib.sha256()
    for part in (program, *arguments):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
        with suppress(OSError, ValueError):
            path = Path(part) if folder is None else folder / part
            if path.is_file():
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
