"""Starts a measuring process: `python -m costmodel.timing.launch MODULE`, which runs the module's `main`.

What is loaded from a file lies in the page cache, at the same physical addresses in every process, and where code lies
decides which parts of it push each other out of caches: two equal files differ by a few percent in some operations, as
long as they stay in memory, and more processes of one file do not even that out. So each process loads a copy of the
extension of its own, whose pages the kernel draws anew.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import ExtensionFileLoader, PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import costmodel

_EXTENSION = "costmodel._native"


def load_own_copy() -> None:
    """Load the native extension from memory of this process alone. To be called before anything imports it."""
    found = PathFinder.find_spec(_EXTENSION, costmodel.__path__)
    if found is None or found.origin is None:
        return  # the import will say so
    descriptor = os.memfd_create("calibrate-native", os.MFD_CLOEXEC)
    with Path(found.origin).open("rb") as file:
        while os.sendfile(descriptor, file.fileno(), None, 1 << 24):
            pass
    path = f"/proc/self/fd/{descriptor}"
    spec = spec_from_file_location(_EXTENSION, path, loader=ExtensionFileLoader(_EXTENSION, path))
    if spec is None or spec.loader is None:
        return
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[_EXTENSION] = module
    costmodel._native = module  # type: ignore[attr-defined]


def main() -> int:
    load_own_copy()
    code: int = importlib.import_module(sys.argv[1]).main()
    return code


if __name__ == "__main__":
    sys.exit(main())
