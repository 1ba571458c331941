"""Own pages: the extension's code leaves the file's pages, and does what it did."""

import subprocess
import sys

SCRIPT = """
from pathlib import Path
from costmodel import _native
from costmodel.drift.suite import drift_suite
from costmodel.timing.memory import DrawnHeap
from costmodel.timing.native_evaluator import NativeEvaluator
from costmodel.timing.memory import take_own_pages

def shared():
    lines = Path("/proc/self/maps").read_text().splitlines()
    return [line.split()[1] for line in lines if line.endswith(str(Path(_native.__file__).resolve()))]

assert any("x" in kind for kind in shared())
cell = next(cell for cell in drift_suite() if cell.id == "steps sums")
for _ in range(3):
    take_own_pages()
    # Gaps between the segments cannot be read and hold nothing.
    assert all("w" in kind for kind in shared() if "r" in kind), shared()
    NativeEvaluator(heap=DrawnHeap()).prepare(cell)
"""


def test_code_lies_in_pages_of_the_process_and_works_as_before() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
