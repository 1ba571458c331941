"""Builds `costmodel._native`: the cffi definitions of native/cdef over every C source below native/."""

import hashlib
from pathlib import Path

from cffi import FFI
from setuptools import Extension
from setuptools.command.build_ext import build_ext

from native import libraries, toolchain

HERE = Path(__file__).resolve().parent

# Where code lies decides how branches are predicted. The kernel draws the place in whole pages. In the eighth of all
# processes in which the machine's loop and the functions that it calls lay on two sides of a multiple of 128 KiB, they
# took 25 to 30 % longer. So the extension is loaded at a multiple of that (by glibc 2.35 or later), and begins with
# what is run most.
_ALIGNMENT = 128 << 10
_FIRST = ("machine", "builtins")


def sources() -> list[str]:
    """Every C source, relative to the repository's root, in a fixed order."""
    return sorted(path.relative_to(HERE.parent).as_posix() for path in HERE.rglob("*.c"))


def in_link_order(objects: list[str]) -> list[str]:
    """Objects in the order in which their code is to lie in the extension."""
    return sorted(objects, key=lambda name: not any(f"/{HERE.name}/{part}/" in name for part in _FIRST))


def headers() -> list[str]:
    """Every header, cffi definitions included, like `sources`."""
    return sorted(path.relative_to(HERE.parent).as_posix() for path in HERE.rglob("*.h"))


def source_sha256() -> str:
    """One hash over names and contents of all sources and headers: which native code a build was made of."""
    digest = hashlib.sha256()
    for name in sources() + headers():
        content = (HERE.parent / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def macros() -> dict[str, str]:
    """What the extension knows about its own build, as C string literals."""
    facts = {
        "CAL_BUILD_COMPILER": toolchain.compiler_version(),
        "CAL_BUILD_FLAGS": " ".join(toolchain.compile_flags()),
        "CAL_BUILD_LIBRARIES": libraries.find().versions,
        "CAL_BLST_BUILD": libraries.find().blst,
        "CAL_SOURCE_SHA256": source_sha256(),
    }
    return {name: '"' + fact.replace("\\", "\\\\").replace('"', '\\"') + '"' for name, fact in facts.items()}


class BuildNative(build_ext):
    """Finds libraries and blst when the extension is compiled, so that an sdist or metadata needs neither."""

    def build_extensions(self) -> None:
        try:
            for extension in self.extensions:
                _complete(extension)
            cc = toolchain.compiler()
        except toolchain.BuildError as error:
            # Read by people through pip's own output: one line, no traceback.
            raise SystemExit(f"native build: {error}") from None
        self.compiler.set_executables(
            compiler_so=[cc, *toolchain.compile_flags()],
            linker_so=[cc, "-shared", *toolchain.SANITIZERS],
        )
        link = self.compiler.link_shared_object
        self.compiler.link_shared_object = lambda objects, *rest, **named: link(in_link_order(objects), *rest, **named)
        super().build_extensions()


def _complete(extension: Extension) -> None:
    found = libraries.find()
    extension.include_dirs += ["native", *found.include_dirs]
    extension.extra_compile_args += found.compile_flags
    extension.extra_objects += found.archives
    # The archives' symbols stay inside: another extension of the same process may carry a blst of its own.
    hidden = ["-Wl,--exclude-libs,ALL", "-Wl,-z,now"]
    extension.extra_link_args += [*found.link_flags, *hidden, f"-Wl,-z,max-page-size={_ALIGNMENT}"]
    extension.define_macros += macros().items()


ffibuilder = FFI()
ffibuilder.cdef("\n".join(path.read_text(encoding="utf-8") for path in sorted((HERE / "cdef").glob("*.h"))))
ffibuilder.set_source("costmodel._native", '#include "calibrate.h"', sources=sources(), depends=headers())
