"""Small cells for sessions."""

import pandas as pd

from costmodel.plutus import encode_flat, parse_program
from costmodel.runs.store import Run
from costmodel.timing.plan import Cell, Plan, Work, choose_core


def cell(name: str, text: str, work: Work = "evaluate", **changes: object) -> Cell:
    fields: dict[str, object] = {
        "id": name,
        "experiment": "steps",
        "operation": "test",
        "work": work,
        "flat": encode_flat(parse_program(f"(program 1.0.0 {text})")),
        "language": "PlutusV3",
        "protocol_version": 10,
    }
    return Cell(**(fields | changes))  # type: ignore[arg-type]


ADD = cell(
    "add",
    "[(builtin addInteger) (con integer 2) (con integer 3)]",
    steps={"apply": 2, "builtin": 1, "const": 2},
    builtins={"addInteger": 1},
)
FORCE = cell("force", "(force (delay (con unit ())))", steps={"force": 1, "delay": 1, "const": 1})
DECODE = cell("decode", "(lam x x)", "decode")
CALL = cell("call", "(lam x x)", "call", arguments=(b"\x01",), steps={"apply": 1, "lam": 1, "var": 1, "const": 1})

QUICK = Plan(
    cells=(ADD, FORCE, DECODE, CALL),
    core=choose_core(),
    seed=5,
    target_batch_us=20.0,
    blocks_per_process=6,
    min_processes=2,
    max_processes=3,
    target_half_width=0.9,
)


def by_time(run: Run) -> pd.DataFrame:
    """The samples of a run in the order in which they were taken."""
    return run.samples().sort_values(["process", "block", "order"], ignore_index=True)
