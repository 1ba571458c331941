"""Replay corpora in Parquet for tests."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from costmodel.model import Variant, ledger_model, to_array
from costmodel.plutus import LedgerLanguage, encode_data, encode_flat, parse_program
from costmodel.workloads.rows import COLUMNS

# One more than the argument, an integer: ten steps and two builtins.
SUCCESSOR = encode_flat(
    parse_program("(program 1.0.0 (lam x [(builtin addInteger) [(builtin unIData) x] (con integer 1)]))")
)
CPU = 100 + 10 * 16_000 + 20_744 + 100_788 + 420  # by hand from the ledger's model E


def row(**changes: Any) -> dict[str, Any]:
    """An evaluation that is exact, with all that a row may have."""
    return {
        "program": SUCCESSOR,
        "arguments": [encode_data(41)],
        "language": "PlutusV3",
        "protocol_version": 11,
        "id": "a",
        "cost_model": list(to_array(ledger_model(Variant.E), LedgerLanguage.PLUTUS_V3, 11)),
        "budget_cpu": 10**9,
        "budget_mem": 10**6,
        "success": True,
        "cpu": CPU,
        "mem": 1134,
    } | changes


def write(
    path: Path, rows: list[dict[str, Any]], columns: tuple[str, ...] = tuple(COLUMNS.names), *, times: int = 1
) -> Path:
    """A corpus of these rows, over and over again, with these columns."""
    schema = pa.schema([COLUMNS.field(name) for name in columns])
    table = pa.Table.from_pylist([{name: each[name] for name in columns} for each in rows], schema)
    pq.write_table(pa.concat_tables([table] * times), path)
    return path
