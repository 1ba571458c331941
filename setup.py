"""The part of packaging that pyproject.toml cannot say: the C extension."""

import sys
from pathlib import Path

from setuptools import setup

# PEP 517 front ends do not put the project's folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from native.build import BuildNative

# `make man` writes it, from the help of the commands; an sdist has it.
MANUAL = "man/calibrate.1"

setup(
    cffi_modules=["native/build.py:ffibuilder"],
    cmdclass={"build_ext": BuildNative},
    data_files=[("share/man/man1", [MANUAL])] if Path(MANUAL).is_file() else [],
)
