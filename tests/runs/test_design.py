"""Plans and their file."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from costmodel.errors import DecodeError, InputError
from costmodel.records import encode, parse
from costmodel.records.run import Design
from costmodel.runs.design import Cell, Plan, design_of, plan_of

NAMES = st.text(min_size=1, max_size=8)
COUNTS = st.dictionaries(NAMES, st.integers(0, 2**40), max_size=3)
CELLS = st.builds(
    Cell,
    id=NAMES,
    experiment=st.sampled_from(["builtins", "steps", "calls", "replay"]),
    operation=NAMES,
    sizes=st.lists(st.integers(0, 2**60), max_size=3).map(tuple),
    work=st.sampled_from(["evaluate", "start", "apply", "call"]),
    flat=st.binary(max_size=20),
    arguments=st.lists(st.binary(max_size=9), max_size=3).map(tuple),
    repeats=st.integers(1, 1000),
    steps=COUNTS,
    builtins=COUNTS,
    language=st.just("PlutusV3"),
    protocol_version=st.integers(1, 20),
    nops=st.booleans(),
)
PLANS = st.builds(
    Plan,
    cells=st.lists(CELLS, min_size=1, max_size=4, unique_by=lambda cell: cell.id).map(tuple),
    core=st.integers(0, 500),
    seed=st.integers(0, 2**62),
)


def cell(name: str = "one", **changes: object) -> Cell:
    fields: dict[str, object] = {
        "id": name,
        "experiment": "steps",
        "operation": "const",
        "flat": b"\x01",
        "language": "PlutusV3",
        "protocol_version": 10,
    }
    return Cell(**(fields | changes))  # type: ignore[arg-type]


@given(PLANS)
def test_design_and_programs_give_the_plan_back(plan: Plan) -> None:
    design, programs = design_of(plan)
    assert plan_of(parse(encode(design), "here", Design), programs) == plan


@given(PLANS)
def test_the_design_follows_the_content_of_programs(plan: Plan) -> None:
    first = structs.replace(plan.cells[0], flat=plan.cells[0].flat + b"\x00")
    other = structs.replace(plan, cells=(first, *plan.cells[1:]))
    assert encode(design_of(plan)[0]) == encode(design_of(plan)[0])
    assert encode(design_of(plan)[0]) != encode(design_of(other)[0])


def test_a_design_has_no_programs() -> None:
    design, programs = design_of(Plan(cells=(cell(flat=b"\x0a\x0b" * 50),), core=0))
    assert b"0a0b0a0b" not in encode(design)
    assert list(programs.values()) == [b"\x0a\x0b" * 50]


def test_a_design_of_version_0_is_upgraded() -> None:
    old = {
        "cells": [{"id": "a", "experiment": "steps", "operation": "x", "sizes": [], "work": "evaluate", "repeats": 1}],
        "core": 1,
        "seed": 3,
    }
    old["cells"][0] |= {"flat": "0a", "arguments": ["ff"], "language": "PlutusV3", "protocol_version": 10}  # type: ignore[index]
    design = parse(msgspec.json.encode(old), "here", Design)
    (found,) = design.cells
    assert (found.program, len(found.arguments)) == (hashlib.sha256(b"\x0a").hexdigest(), 1)
    assert (design.settings.seed, design.settings.core) == (3, 1)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"cells": 1}',
        b'{"cells": [{"flat": "zz", "arguments": []}]}',
        b"[" * 100_000,
        encode(design_of(Plan(cells=(cell(),), core=0))[0]).replace(b'"core": 0', b'"core": "0"'),
    ],
)
def test_anything_else_is_refused_in_one_line(text: bytes) -> None:
    with pytest.raises(DecodeError, match=r"^here") as raised:
        parse(text, "here", Design)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("cells", "changes", "complaint"),
    [
        ((), {}, "no cells"),
        ((cell("twice"), cell("twice")), {}, "'twice' is in the plan more than once"),
        ((cell(repeats=-1),), {}, "-1 repeats"),
        ((cell(work="decode", arguments=(b"\x01",)),), {}, "takes no arguments"),
        ((cell(),), {"min_processes": 5, "max_processes": 4}, "min_processes"),
        ((cell(),), {"blocks_per_process": 3}, "at least 4 blocks"),
        ((cell(),), {"target_batch_us": 9.0}, "10 µs to 1 s"),
        ((cell(),), {"target_half_width": 0.0}, "between 0 and 1"),
    ],
)
def test_a_plan_that_cannot_be_measured_is_refused(
    cells: tuple[Cell, ...], changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        Plan(cells=cells, core=0, **changes)  # type: ignore[arg-type]
