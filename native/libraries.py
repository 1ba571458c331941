"""The libraries that the native code stands on: the system's through pkg-config, the others bundled."""

import shlex
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

from native import bundled
from native.toolchain import BuildError, compiler, run

# pkg-config's name of each library, and the Debian package that brings it. scripts/setup installs the same.
PACKAGES = {
    "gmp": "libgmp-dev",
    "libsodium": "libsodium-dev",
    "nettle": "nettle-dev",
    "hogweed": "nettle-dev",
    "libsecp256k1": "libsecp256k1-dev",
    "libcbor": "libcbor-dev",
}

# Schnorr signatures over messages of any length: the message's length became an argument in libsecp256k1 0.2.
SCHNORR_PROBE = """
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
int probe(const secp256k1_context *context, const unsigned char *bytes, const secp256k1_xonly_pubkey *key);
int probe(const secp256k1_context *context, const unsigned char *bytes, const secp256k1_xonly_pubkey *key)
{
    return secp256k1_schnorrsig_verify(context, bytes, bytes, (size_t)0, key);
}
"""


@dataclass(frozen=True)
class Libraries:
    """What the compiler and the linker need to use all the libraries, and which ones they are."""

    include_dirs: tuple[str, ...]  # of the bundled ones: searched before the system's
    compile_flags: tuple[str, ...]
    archives: tuple[str, ...]
    link_flags: tuple[str, ...]
    versions: str  # "gmp 6.2.1, libsodium 1.0.18, …"; the bundled ones with their origin
    blst: str  # blst's part of it


@cache
def find() -> Libraries:
    """Finds the system's libraries and builds the bundled ones.

    Raises BuildError naming all the Debian packages to install, or what could not be fetched or compiled.
    """
    if shutil.which("pkg-config") is None:
        raise BuildError("pkg-config is missing: install the package pkg-config")
    missing = [package for name, package in PACKAGES.items() if not _present(name)]
    if missing:
        raise BuildError(f"system libraries are missing: install {' '.join(dict.fromkeys(missing))}")
    names = list(PACKAGES)
    own = [bundled.BLST]
    if not _has_schnorr():
        names.remove("libsecp256k1")
        own.append(bundled.SECP256K1)
    built = [bundled.obtain(library) for library in own]
    versions = [f"{name} {version}" for name, version in zip(names, _pkg_config("modversion", names), strict=True)]
    return Libraries(
        include_dirs=tuple(str(library.include) for library in built),
        compile_flags=tuple(_pkg_config("cflags", names)),
        archives=tuple(str(library.archive) for library in built),
        link_flags=tuple(_pkg_config("libs", names)),
        versions=", ".join([*versions, *(library.description for library in own)]),
        blst=bundled.BLST.description,
    )


def _present(name: str) -> bool:
    return subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0


def _pkg_config(question: str, names: list[str]) -> list[str]:
    return shlex.split(run(["pkg-config", f"--{question}", *names]))


def _has_schnorr() -> bool:
    """Whether the system's libsecp256k1 is new enough and was built with the module for Schnorr signatures."""
    flags = _pkg_config("cflags", ["libsecp256k1"])
    command = [compiler(), "-std=c11", "-Werror", "-fsyntax-only", *flags, "-x", "c", "-"]
    return subprocess.run(command, input=SCHNORR_PROBE, text=True, capture_output=True, check=False).returncode == 0
