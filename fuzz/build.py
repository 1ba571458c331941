"""Builds the fuzz targets: the native sources, with sanitizers, behind one of two drivers and one of two arenas."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fuzz import headers
from native import build, libraries, toolchain

REPOSITORY: Final = Path(__file__).resolve().parent.parent
TARGETS: Final = Path(__file__).resolve().parent / "targets"
BUILD: Final = REPOSITORY / "build" / "fuzz"

_WARNINGS: Final = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
_SANITIZERS: Final = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_ALWAYS: Final = ("-std=c11", "-g", "-O1", "-fno-omit-frame-pointer", "-D_POSIX_C_SOURCE=200809L")
_WRAP: Final = "-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free"
# No target measures time or makes signatures.
_LEFT_OUT: Final = ("native/timing/", "native/inputs/")
_ARENA: Final = "native/machine/arena.c"
_WITH_MAIN: Final = ("allocations", "programs")
_GROWING: Final = ("typed", "programs")
_GROW: Final = ("grow.c", "grow_constants.c", "grow_types.c")
# What makes inputs is not what is under test, and the tracker runs inside the allocator.
_PLAIN: Final = ("mutator.c", "tracker.c", *_GROW)


@dataclass(frozen=True)
class Driver:
    """What calls a target: libFuzzer, or mutator.c where there is only a compiler with sanitizers."""

    name: str
    compiler: str
    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    sources: tuple[str, ...]


def mutator() -> Driver:
    """The driver that needs nothing but the compiler of the native build. Raises BuildError without one."""
    return Driver("mutator", toolchain.compiler(), _SANITIZERS, _SANITIZERS, ("mutator.c",))


def lib_fuzzer() -> Driver | None:
    """LLVM's driver, guided by coverage; None where no clang with its run time is installed."""
    for name in ("clang", *(f"clang-{version}" for version in range(21, 13, -1))):
        path = shutil.which(name)
        if path and _links_fuzzers(path):
            instrumented = (*_SANITIZERS, "-fsanitize=fuzzer-no-link")
            return Driver("libfuzzer", path, instrumented, (*_SANITIZERS, "-fsanitize=fuzzer"), ())
    return None


def _links_fuzzers(clang: str) -> bool:
    """Whether the library of libFuzzer, a package of its own, is there too."""
    command = [clang, "-fsanitize=fuzzer,address", "-x", "c", "-", "-o", os.devnull]
    entry = "int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }"
    return subprocess.run(command, input=entry, text=True, capture_output=True, check=False).returncode == 0


def program(target: str, driver: Driver, *, strict: bool) -> Path:
    """A target's executable, compiled unless it is there already.

    `strict` makes each block of an arena an allocation of its own, so that the sanitizer knows its bounds. Those of
    _WITH_MAIN bring their own `main`. Raises BuildError.
    """
    with _locked():
        return _program(target, driver, strict)


@contextmanager
def _locked() -> Iterator[None]:
    """Two processes that need the same program build it once."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _program(target: str, driver: Driver, strict: bool) -> Path:
    folder = _objects(driver)
    path = folder / f"{target}-{'strict' if strict else 'chunked'}"
    if not path.exists():
        own = ["target.c", "tracker.c", f"{target}.c"]
        own += _GROW if target in _GROWING else []
        own += ["strict_arena.c"] if strict else []
        own += [] if target in _WITH_MAIN else driver.sources
        objects = [_object(folder, _native_name(name)) for name in _native_sources() if not (strict and name == _ARENA)]
        objects += [_object(folder, name) for name in own]
        link_flags = _SANITIZERS if target in _WITH_MAIN else driver.link_flags
        found = libraries.find()
        partial = path.with_suffix(".partial")
        inputs = [*map(str, objects), *found.archives]
        _run([driver.compiler, *link_flags, _WRAP, *inputs, *found.link_flags, "-o", str(partial)])
        partial.rename(path)
    return path


def _native_sources() -> list[str]:
    return [name for name in build.sources() if not name.startswith(_LEFT_OUT)]


def _native_name(source: str) -> str:
    return source.replace("/", "-")


def _object(folder: Path, name: str) -> Path:
    return folder / Path(name).with_suffix(".o").name


@cache
def _objects(driver: Driver) -> Path:
    """The folder of compiled sources; its name holds the hash of all that they were made from."""
    sources = [*_native_sources(), *sorted(path.relative_to(REPOSITORY).as_posix() for path in TARGETS.glob("*.c"))]
    if driver.sources == ():
        sources.remove("fuzz/targets/mutator.c")
    made = {"models.h": headers.models(), "signatures.h": headers.signatures()}
    digest = hashlib.sha256(f"{build.source_sha256()}{driver}{made}{_ALWAYS}".encode())
    for path in sorted(TARGETS.iterdir()):
        digest.update(path.read_bytes())
    folder = BUILD / f"{driver.name}-{digest.hexdigest()[:12]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in made.items():
            (folder / name).write_text(content, encoding="utf-8")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(lambda source: _compile(driver, source, folder), sources))
        (folder / "complete").touch()
    return folder


def _compile(driver: Driver, source: str, folder: Path) -> None:
    own = source.startswith("fuzz/")
    plain = Path(source).name in _PLAIN
    found = libraries.find()
    command = [driver.compiler, *_ALWAYS, *(() if plain else driver.compile_flags), *(_WARNINGS if own else ())]
    command += [f"-I{REPOSITORY / 'native'}", f"-I{TARGETS}", f"-I{folder}"]
    command += [f"-I{path}" for path in found.include_dirs] + list(found.compile_flags)
    name = Path(source).name if own else _native_name(source)
    _run([*command, "-c", str(REPOSITORY / source), "-o", str(_object(folder, name))])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.splitlines() or ["no message"]
        raise toolchain.BuildError(next((line for line in lines if "error: " in line), lines[-1]))
