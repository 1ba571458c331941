"""Compiles every C source with warnings as errors: `python -m native.check`, from the repository's root."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from native import build, libraries, toolchain

WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")


def complaints(source: str) -> str:
    """The compiler's messages about one source; empty if there are none. Code is generated, since some warnings need
    the optimiser, and thrown away."""
    found = libraries.find()
    command = [toolchain.compiler(), *toolchain.compile_flags(), *WARNINGS, "-S", "-o", os.devnull, source]
    command += [f"-I{folder}" for folder in ("native", *found.include_dirs)]
    command += found.compile_flags
    command += [f"-D{name}={value}" for name, value in build.macros().items()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def main() -> int:
    """Prints every complaint; returns the exit code."""
    try:
        build.macros()  # finds compiler, libraries and blst once, before the threads ask
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = [text for text in pool.map(complaints, build.sources()) if text]
    except toolchain.BuildError as error:
        print(f"native build: {error}", file=sys.stderr)
        return 2
    print("".join(found), end="")
    print(f"{len(build.sources())} C sources, {len(found)} with warnings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
