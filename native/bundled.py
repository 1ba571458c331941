"""Libraries that a distribution does not package, or not new enough: C source by pinned hash, made a static library.

The sources come from sdists fetched through pip, so a mirror or PIP_FIND_LINKS serves as for any other requirement.
"""

import hashlib
import platform
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from native.toolchain import BuildError, compiler, compiler_version, run

CACHE = Path(__file__).resolve().parent.parent / "build" / "bundled"
MAX_SOURCE_BYTES = 64 << 20


@dataclass(frozen=True)
class Bundled:
    """A library, the sdist that carries its source, and how it is compiled."""

    name: str
    version: str
    requirement: str
    sha256: str
    root: str  # the library's folder in the sdist
    parts: tuple[str, ...]  # what is unpacked of it
    include: str
    sources: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def description(self) -> str:
        """Version, origin, compiler and flags, on one line."""
        origin = f"{self.requirement} sha256:{self.sha256}"
        return f"{self.name} {self.version} ({origin}, {compiler_version()}, {' '.join(self.flags)})"


@dataclass(frozen=True)
class Built:
    """Where a compiled library's headers and archive are."""

    include: Path
    archive: Path


def _when(applies: bool, *flags: str) -> tuple[str, ...]:
    return flags if applies else ()


# The revision that Plutus pins. Portable: the instructions (ADX or not) are chosen when it runs, not by the machine
# that it was built on.
BLST = Bundled(
    name="blst",
    version="0.3.14",
    requirement="ckzg==2.1.1",
    sha256="d6b306b7ec93a24e4346aa53d07f7f75053bc0afc7398e35fa649e5f9d48fcc4",
    root="ckzg-2.1.1/blst",
    parts=("src", "build", "bindings", "LICENSE"),
    include="bindings",
    sources=("src/server.c", "build/assembly.S"),
    flags=(
        *("-O2", "-fno-builtin", "-fPIC", "-D__BLST_PORTABLE__"),
        *_when(platform.machine() not in ("x86_64", "aarch64"), "-D__BLST_NO_ASM__"),
    ),
)

# For distributions whose package predates 0.2 (Ubuntu 22.04). Table sizes are the library's own defaults.
SECP256K1 = Bundled(
    name="libsecp256k1",
    version="0.4.1",
    requirement="coincurve==19.0.1",
    sha256="c2191049e66792a1a19ca2e64b4d057be3ef1553105e5b9713a92b740c7809ee",
    root="coincurve-19.0.1/libsecp256k1",
    parts=("src", "include", "COPYING"),
    include="include",
    sources=("src/secp256k1.c", "src/precomputed_ecmult.c", "src/precomputed_ecmult_gen.c"),
    flags=(
        *("-O2", "-fPIC", "-DECMULT_WINDOW_SIZE=15", "-DECMULT_GEN_PREC_BITS=4"),
        *("-DENABLE_MODULE_EXTRAKEYS=1", "-DENABLE_MODULE_SCHNORRSIG=1"),
        *_when(platform.machine() == "x86_64", "-DUSE_ASM_X86_64=1"),
    ),
)


@cache
def obtain(library: Bundled) -> Built:
    """Returns the cached build, or fetches and compiles it first. Raises BuildError."""
    key = hashlib.sha256(f"{library!r} {library.description} {compiler()}".encode()).hexdigest()[:12]
    folder = CACHE / f"{library.name}-{library.version}-{key}"
    built = Built(include=folder / library.include, archive=folder / f"{library.name}.a")
    if not built.archive.exists():
        try:
            _build(library, folder, built.archive.name)
        except OSError as error:
            raise BuildError(f"cannot build {library.name} in {CACHE}: {error.strerror or error}") from error
    return built


def _build(library: Bundled, folder: Path, archive: str) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree = Path(scratch) / "tree"
        _unpack(_fetch(library, Path(scratch)), library, tree)
        objects = []
        for source in library.sources:
            objects.append(str(tree / Path(source).with_suffix(".o").name))
            run([compiler(), *library.flags, "-c", str(tree / source), "-o", objects[-1]])
        run(["ar", "rcs", str(tree / archive), *objects])
        # Complete or absent: the folder gets its name only now.
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)


def _fetch(library: Bundled, folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{library.requirement} --hash=sha256:{library.sha256}\n", encoding="utf-8")
    # Without isolation nothing but this one file is downloaded.
    options = ["--quiet", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--require-hashes"]
    try:
        run([sys.executable, "-m", "pip", "download", *options, "-r", str(requirements), "-d", str(folder)])
    except BuildError as error:
        raise BuildError(f"cannot obtain the source of {library.name} ({library.requirement}): {error}") from error
    return next(folder.glob("*.tar.gz"))


def _unpack(archive: Path, library: Bundled, tree: Path) -> None:
    """Writes the library's own files below `tree`. Names and sizes are checked although the hash vouches for them."""
    root = PurePosixPath(library.root)
    total = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if not member.isfile() or not name.is_relative_to(root):
                continue
            inside = name.relative_to(root)
            if inside.parts[0] not in library.parts or ".." in inside.parts:
                continue
            total += member.size
            content = tar.extractfile(member)
            if content is None or total > MAX_SOURCE_BYTES:
                raise BuildError(f"{archive.name} is not the archive that was expected")
            target = tree / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
