"""Plans and their file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import DecodeError, InputError
from costmodel.runs.design import Cell, Plan, plan_from_json, plan_sha256, plan_to_json

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
def test_json_gives_the_plan_back(plan: Plan) -> None:
    assert plan_from_json(plan_to_json(plan), "here") == plan


@given(PLANS)
def test_hash_follows_the_content(plan: Plan) -> None:
    other = Plan(cells=plan.cells, core=plan.core, seed=plan.seed + 1)
    assert plan_sha256(plan) == plan_sha256(plan_from_json(plan_to_json(plan), "here"))
    assert plan_sha256(plan) != plan_sha256(other)


def test_bytes_are_written_in_hex() -> None:
    assert b'"flat": "0a0b"' in plan_to_json(Plan(cells=(cell(flat=b"\x0a\x0b"),), core=0))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"cells": 1}',
        b'{"cells": [{"flat": "zz", "arguments": []}]}',
        b"[" * 100_000,
        plan_to_json(Plan(cells=(cell(),), core=0)).replace(b'"core": 0', b'"core": "0"'),
    ],
)
def test_anything_else_is_refused_in_one_line(text: bytes) -> None:
    with pytest.raises(DecodeError, match=r"^here is no design of a run: .*") as raised:
        plan_from_json(text, "here")
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
