"""The part of packaging that pyproject.toml cannot say: the C extension."""

import sys
from pathlib import Path

from setuptools import setup

# PEP 517 front ends do not put the project's folder on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from native.build import BuildNative

setup(
    cffi_modules=["native/build.py:ffibuilder"],
    cmdclass={"build_ext": BuildNative},
)
