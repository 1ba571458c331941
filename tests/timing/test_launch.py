"""Each measuring process has code of its own."""

import subprocess
import sys

from costmodel.cluster import manager
from costmodel.timing import backend, duet

PROGRAM = """
from costmodel.timing.launch import load_own_copy
load_own_copy()
from costmodel import _native
from costmodel.machine import exact_machine
from costmodel.model import Variant
exact_machine(Variant.E)
print(_native.__file__)
print([line.split()[-1] for line in open("/proc/self/maps") if "_native" in line or "calibrate-native" in line])
"""


def test_the_extension_is_loaded_from_memory_of_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    file, maps = done.stdout.splitlines()
    assert file.startswith("/proc/self/fd/")
    assert "(deleted)" in maps
    assert "_native.abi3.so" not in maps


def test_whatever_is_timed_is_launched_so() -> None:
    for command in (backend._WORKER, manager._NODE):
        assert "costmodel.timing.launch" in command
    assert "costmodel.timing.launch" in (duet.__spec__.loader.get_source(duet.__name__) or "")  # type: ignore[union-attr]
