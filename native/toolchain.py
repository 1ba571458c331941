"""The C compiler, the system libraries and the flags of the native build.

Flags are this project's own, not those that Python was built with: a distribution's hardening flags would otherwise
become part of what is measured.
"""

import os
import shlex
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from functools import cache

FLAGS = ("-std=c11", "-O2", "-g", "-fPIC", "-fno-plt", "-fvisibility=hidden", "-DNDEBUG", "-Wall", "-Wextra")
SANITIZED_FLAGS = (
    *("-std=c11", "-O1", "-g", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer"),
)

# pkg-config's name of each system library, and the Debian package that brings it.
LIBRARIES = {
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


class BuildError(Exception):
    """The native build cannot go on; the message is one line for whoever installs."""


@dataclass(frozen=True)
class Libraries:
    """What the compiler and the linker need to use the system libraries."""

    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]
    versions: str  # "gmp 6.2.1, libsodium 1.0.18, …"


def compile_flags() -> tuple[str, ...]:
    """Flags of every compilation. CALIBRATE_SANITIZE=1 builds with ASan and UBSan; CALIBRATE_CFLAGS adds flags."""
    chosen = SANITIZED_FLAGS if os.environ.get("CALIBRATE_SANITIZE") == "1" else FLAGS
    return (*chosen, *shlex.split(os.environ.get("CALIBRATE_CFLAGS", "")))


@cache
def compiler() -> str:
    """The C compiler: CC, else Python's own, else whichever of the usual names is installed."""
    configured = shlex.split(sysconfig.get_config_var("CC") or "")[:1]
    for name in filter(None, [os.environ.get("CC", ""), *configured, "cc", "gcc", "clang"]):
        if path := shutil.which(name):
            return path
    raise BuildError("no C compiler found: install gcc (or set CC to a compiler)")


@cache
def compiler_version() -> str:
    """First line of `cc --version`."""
    return run([compiler(), "--version"]).partition("\n")[0]


@cache
def libraries() -> Libraries:
    """Asks pkg-config for every system library.

    Raises BuildError naming all the Debian packages to install, or the library that is too old.
    """
    if shutil.which("pkg-config") is None:
        raise BuildError("pkg-config is missing: install the package pkg-config")
    missing = [package for name, package in LIBRARIES.items() if not _present(name)]
    if missing:
        raise BuildError(f"system libraries are missing: install {' '.join(dict.fromkeys(missing))}")
    names = list(LIBRARIES)
    versions = run(["pkg-config", "--modversion", *names]).split()
    found = Libraries(
        compile_flags=tuple(shlex.split(run(["pkg-config", "--cflags", *names]))),
        link_flags=tuple(shlex.split(run(["pkg-config", "--libs", *names]))),
        versions=", ".join(f"{name} {version}" for name, version in zip(names, versions, strict=True)),
    )
    _check_schnorr(found)
    return found


def _present(name: str) -> bool:
    return subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0


def _check_schnorr(found: Libraries) -> None:
    command = [compiler(), "-std=c11", "-Werror", "-fsyntax-only", *found.compile_flags, "-x", "c", "-"]
    if subprocess.run(command, input=SCHNORR_PROBE, text=True, capture_output=True, check=False).returncode != 0:
        raise BuildError(
            "libsecp256k1 has no Schnorr verification of messages of any length: "
            f"version 0.2 or later is needed, with its schnorrsig module ({found.versions})"
        )


def run(command: list[str]) -> str:
    """Runs a tool and returns what it printed; its last line of complaint becomes the BuildError."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise BuildError(f"cannot run {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        complaint = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()[-1]
        raise BuildError(f"{shlex.join(command[:3])} … failed: {complaint}")
    return done.stdout
