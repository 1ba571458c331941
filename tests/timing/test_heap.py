"""Where works lie: drawn by a process, and not decided by what it did before."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from costmodel import __file__ as package_file
from costmodel.drift.suite import chosen
from costmodel.machine import build_info
from costmodel.timing import icount
from tests.timing.counting import counts, needs_counts

pytestmark = pytest.mark.skipif("-fsanitize" in build_info().flags, reason="a sanitizer brings its own malloc")

# Prints in which byte of a page the machine and the scripts of two works lie, after a history of its own.
PLACES = """
import json, random, sys
from costmodel._native import ffi
from costmodel.timing.memory import DrawnHeap, Heap
from costmodel.timing.native_evaluator import NativeEvaluator
from tests.timing.programs import ADD, CALL

chance = random.Random(int(sys.argv[2]))
before = [bytes(chance.randrange(600, 9000)) for _ in range(500)]
after = before[::2]
del before
native = NativeEvaluator(heap=eval(sys.argv[1]))
handles = [native.prepare(cell).handle for cell in (ADD, CALL)]
places = [each for handle in handles for each in (handle.machine, handle.script)]
print(json.dumps([int(ffi.cast("uintptr_t", place)) % 4096 for place in places]))
"""


UNSETTLED = "type('Unsettled', (Heap,), {'settle': lambda self: None})()"


def places(heap: str, history: int) -> tuple[int, ...]:
    command = [sys.executable, "-c", PLACES, heap, str(history)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return tuple(json.loads(done.stdout))


def test_what_a_process_did_before_does_not_move_its_works() -> None:
    assert len({places("Heap()", history) for history in range(4)}) == 1
    assert len({places(UNSETTLED, history) for history in range(4)}) > 1


def test_each_process_draws_where_its_works_lie() -> None:
    drawn = [places("DrawnHeap()", 1) for _ in range(4)]
    assert len(set(drawn)) == 4
    assert len({(script - machine) % 4096 for machine, script, *_ in drawn}) > 1  # not all by the same distance


@needs_counts
def test_name_of_the_folder_changes_no_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library's instructions included, which search malloc's free lists."""
    folder = tmp_path / ("a long name of a folder" * 4)
    shutil.copytree(Path(package_file).parent, folder / "costmodel")
    cells = chosen("data serialiseData,data equalsData")
    here = counts(cells)
    monkeypatch.setattr(icount, "import_path", lambda: [str(folder)])
    assert counts(cells) == pytest.approx(here, rel=0.005)
