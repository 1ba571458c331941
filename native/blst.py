"""Obtains blst, which few distributions package: its C source by pinned hash, compiled to a static library.

The source comes from the sdist of ckzg, fetched through pip (so a mirror or PIP_FIND_LINKS serves as for any other
requirement). It carries blst v0.3.14, the revision that Plutus pins.
"""

import hashlib
import platform
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from native.toolchain import BuildError, compiler, compiler_version, run

CACHE = Path(__file__).resolve().parent.parent / "build" / "blst"
VERSION = "0.3.14"
REQUIREMENT = "ckzg==2.1.1"
SHA256 = "d6b306b7ec93a24e4346aa53d07f7f75053bc0afc7398e35fa649e5f9d48fcc4"
SOURCE_ROOT = PurePosixPath("ckzg-2.1.1/blst")
SOURCE_PARTS = ("src", "build", "bindings", "LICENSE")
MAX_SOURCE_BYTES = 32 << 20

# Portable: the instructions (ADX or not) are chosen when it runs, not by the machine that it was built on.
FLAGS = ("-O2", "-fno-builtin", "-fPIC", "-D__BLST_PORTABLE__")
WITH_ASSEMBLY = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Blst:
    """A built blst: where its headers and static library are, and how it was made."""

    include: Path
    archive: Path
    description: str


def obtain() -> Blst:
    """Returns the cached build, or fetches and compiles it first. Raises BuildError."""
    flags = FLAGS if platform.machine() in WITH_ASSEMBLY else (*FLAGS, "-D__BLST_NO_ASM__")
    description = f"blst {VERSION} ({REQUIREMENT} sha256:{SHA256[:16]}), {compiler_version()}, {' '.join(flags)}"
    key = hashlib.sha256(f"{description} {SHA256} {compiler()}".encode()).hexdigest()[:16]
    folder = CACHE / key
    blst = Blst(include=folder / "bindings", archive=folder / "libblst.a", description=description)
    if not blst.archive.exists():
        try:
            _build(folder, flags)
        except OSError as error:
            raise BuildError(f"cannot build blst in {CACHE}: {error.strerror or error}") from error
    return blst


def _build(folder: Path, flags: tuple[str, ...]) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        tree = Path(scratch) / "tree"
        _unpack(_fetch(Path(scratch)), tree)
        objects = []
        for source in ("src/server.c", "build/assembly.S"):
            objects.append(str(tree / Path(source).with_suffix(".o").name))
            run([compiler(), *flags, "-c", str(tree / source), "-o", objects[-1]])
        run(["ar", "rcs", str(tree / "libblst.a"), *objects])
        # Complete or absent: the folder gets its name only now.
        shutil.rmtree(folder, ignore_errors=True)
        tree.rename(folder)


def _fetch(folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{SHA256}\n", encoding="utf-8")
    # Without isolation nothing but this one file is downloaded.
    options = ["--quiet", "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--require-hashes"]
    try:
        run([sys.executable, "-m", "pip", "download", *options, "-r", str(requirements), "-d", str(folder)])
    except BuildError as error:
        raise BuildError(f"cannot obtain blst's source ({REQUIREMENT}) through pip: {error}") from error
    return next(folder.glob("*.tar.gz"))


def _unpack(archive: Path, tree: Path) -> None:
    """Writes blst's own files below `tree`. Names and sizes are checked although the hash already vouches for them."""
    total = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if not (member.isfile() and name.is_relative_to(SOURCE_ROOT)):
                continue
            inside = name.relative_to(SOURCE_ROOT)
            if inside.parts[0] not in SOURCE_PARTS or ".." in inside.parts:
                continue
            total += member.size
            content = tar.extractfile(member)
            if content is None or total > MAX_SOURCE_BYTES:
                raise BuildError(f"{archive.name} is not the archive that was expected")
            target = tree / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
