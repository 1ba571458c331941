"""Instruction counts: the files that callgrind writes, and counts of works with known ratios."""

import os
from pathlib import Path

import pytest

from costmodel.errors import CheckFailed, EnvironmentFault
from costmodel.plutus import encode_flat, parse_program
from costmodel.runs.design import Cell
from costmodel.timing.icount import CountingBackend, count, read_dump, tool_version
from costmodel.timing.protocol import Begin, Block, End, Job
from costmodel.timing.yardstick import machine_yardstick
from tests.timing.counting import counts, needs_counts

# Put together by hand after the manual's specification of the format.
DUMP = """# callgrind format
version: 1
desc: Trigger: Client Request: 0/7/2

positions: line
events: Ir

ob=/x/costmodel/_native.abi3.so
fl=/src/native/machine/run.c
fn=cal_machine_run
10 100
fi=/usr/include/gmp.h
+3 20
fe=/src/native/machine/run.c
cob=/usr/lib/libgmp.so.10
cfn=__gmpz_add
calls=2 40
11 5000

fl=/bundled/blst/server.c
fn=blst_add
* 7

ob=/usr/lib/libgmp.so.10
fl=???
fn=__gmpz_add
0 5000

ob=/usr/lib/libc.so.6
fl=???
fn=memcpy
0 300

ob=/opt/lib/libpython3.11.so.1.0
fl=ceval.c
fn=eval
5 1

totals: 5428
"""


def additions(number: int) -> Cell:
    """A program of so many additions."""
    term = "(con unit ())"
    for _ in range(number):
        term = f"[(lam x {term}) [(builtin addInteger) (con integer 3) (con integer 4)]]"
    return Cell(
        id=f"{number} additions",
        experiment="replay",
        operation="addInteger",
        flat=encode_flat(parse_program(f"(program 1.0.0 {term})")),
        steps={"apply": 3 * number, "lam": number, "const": 2 * number + 1, "builtin": number},
        builtins={"addInteger": number},
        language="PlutusV2",
        protocol_version=10,
    )


def test_dump_is_summed_by_whose_code_it_is() -> None:
    dump = read_dump(DUMP)
    assert dump.label == "0/7/2"
    assert dump.instructions == {
        "": 120,
        "/x/costmodel/_native.abi3.so": 7,
        "/usr/lib/libgmp.so.10": 5000,
        "/usr/lib/libc.so.6": 300,
    }


def test_callee_is_counted_once() -> None:
    assert sum(read_dump(DUMP).instructions.values()) == 5427


@needs_counts
def test_counts_are_the_same_in_another_process_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [additions(5), machine_yardstick()]
    first = count(cells)
    monkeypatch.setenv("SOMETHING_LONG", "x" * 5000)
    assert count(cells) == first


@needs_counts
def test_count_grows_by_the_same_with_every_operation() -> None:
    counts = [found.total for found in count([additions(number) for number in (1, 11, 21)]).cells]
    assert counts[2] - counts[1] == counts[1] - counts[0] > 0


@needs_counts
def test_machine_without_libraries_is_all_own_code() -> None:
    ((own, libraries),) = count([machine_yardstick()]).cells
    assert own > 100_000
    assert libraries == 0


@needs_counts
def test_cell_with_wrong_counts_is_refused() -> None:
    wrong = Cell(**{name: getattr(additions(1), name) for name in Cell.__struct_fields__} | {"builtins": {}})
    with pytest.raises(CheckFailed, match="1 additions"):
        count([wrong])


@needs_counts
def test_backend_reports_a_session_s_events_in_instructions() -> None:
    job = Job(
        cells=(additions(2),),
        yardstick=machine_yardstick(),
        clock="icount",
        core=min(os.sched_getaffinity(0)),
        seed=0,
        process=3,
        blocks=2,
        seconds=1e6,
        target_batch_us=200,
    )
    begin, *blocks, end = CountingBackend().run([job], lambda: False)
    assert isinstance(begin, Begin)
    assert begin.ns_per_tick == 1
    assert isinstance(end, End)
    found = count([additions(2), machine_yardstick()]).cells
    for number, block in enumerate(blocks):
        assert isinstance(block, Block)
        assert (block.process, block.block) == (3, number)
        assert [batch.ticks for batch in block.batches] == [found[0].total]
        assert block.yardstick_machine_ns == found[1].total


@needs_counts
def test_what_the_c_library_copies_counts_in_runs_alone() -> None:
    cells = [appending(length) for length in (1000, 5000)]
    in_run = counts(cells)
    in_check = [found.total for found in count(cells).cells]
    assert in_check[0] == in_check[1]
    assert in_run[1] > in_run[0] + 100  # vectors of at most 32 bytes copy the 8000 octets more


def appending(length: int) -> Cell:
    """A program that appends two bytestrings of so many octets."""
    octets = f"(con bytestring #{'5a' * length})"
    return Cell(
        id=f"append {length}",
        experiment="replay",
        operation="appendByteString",
        flat=encode_flat(parse_program(f"(program 1.0.0 [(builtin appendByteString) {octets} {octets}])")),
        steps={"apply": 2, "const": 2, "builtin": 1},
        builtins={"appendByteString": 1},
        language="PlutusV2",
        protocol_version=10,
    )


def test_missing_valgrind_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    tool_version.cache_clear()
    with pytest.raises(EnvironmentFault, match="install the package valgrind"):
        count([machine_yardstick()])
