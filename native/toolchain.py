"""The C compiler and the flags of the native build.

Flags are this project's own, not those that Python was built with: a distribution's hardening flags would otherwise
become part of what is measured.
"""

import os
import shlex
import shutil
import subprocess
import sysconfig
from functools import cache

SANITIZE = os.environ.get("CALIBRATE_SANITIZE") == "1"
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined") if SANITIZE else ()
COVERAGE = ("--coverage",) if os.environ.get("CALIBRATE_COVERAGE") == "1" else ()
# Functions begin at cache lines: a few bytes more in one moved all that follow, and closures took 14 % longer for it.
_FAST = ("-O3", "-fno-plt", "-DNDEBUG", "-falign-functions=64")
OPTIMISED = ("-O1", "-fno-omit-frame-pointer") if SANITIZE or COVERAGE else _FAST


class BuildError(Exception):
    """The native build cannot go on; the message is one line for whoever installs."""


def compile_flags() -> tuple[str, ...]:
    """Flags of every compilation. CALIBRATE_SANITIZE=1 builds with ASan and UBSan, CALIBRATE_COVERAGE=1 counts
    executed lines; CALIBRATE_CFLAGS adds flags."""
    always = ("-std=c11", "-g", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra")
    return (*always, *OPTIMISED, *SANITIZERS, *COVERAGE, *shlex.split(os.environ.get("CALIBRATE_CFLAGS", "")))


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
