"""The files that a report is made of, read with nothing believed.

Only the fields that a page shows are named here; a file may have more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.model import CostModel, load
from costmodel.records import decode_json
from costmodel.records.model import Section, parse_section

_Kind = TypeVar("_Kind", bound=msgspec.Struct)

Bounds = tuple[float | None, float | None]


class Model(msgspec.Struct, frozen=True):
    name: str
    costs: CostModel
    fitted: Section | None


class Estimate(msgspec.Struct, frozen=True):
    value: float | None
    interval: Bounds


class Units(msgspec.Struct, frozen=True):
    cpu: int
    mem: int


class Score(msgspec.Struct, frozen=True):
    label: str
    work: str
    language: str
    ex_units: Units
    predicted_ns: Estimate
    observed_ns: Estimate
    ratio: Estimate
    status: str | None = None
    uncertain: str = ""


class Gate(msgspec.Struct, frozen=True):
    gate: str
    work: str
    status: str
    found: Estimate
    limit: float | None


class Works(msgspec.Struct, frozen=True):
    gates: tuple[Gate, ...] = ()


class Verdict(msgspec.Struct, frozen=True):
    """What `validate --json` wrote."""

    model: str
    workload: str
    run: str
    status: str
    scores: tuple[Score, ...]
    works: tuple[Works, ...] = ()
    notes: tuple[str, ...] = ()
    name: str = ""


class Row(msgspec.Struct, frozen=True):
    experiment: str
    operation: str
    change: float
    interval: Bounds
    verdict: str
    cells: int = 0
    more: int | None = None
    work: str = ""


class Pair(msgspec.Struct, frozen=True):
    candidate: str
    baseline: str
    unit: str
    counts: tuple[int, int]
    rows: tuple[Row, ...]
    caution: str = ""


class Deviation(msgspec.Struct, frozen=True):
    sd: float
    interval: Bounds


class Split(msgspec.Struct, frozen=True):
    experiment: str
    operation: str
    within_runs: Deviation | None = None
    between_runs: Deviation | None = None
    between_machines: Deviation | None = None
    work: str = ""


class Compared(msgspec.Struct, frozen=True):
    """A batch, as an input."""

    inputs: tuple[dict[str, Any], ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """What `compare --json` wrote."""

    status: str
    tolerance: float
    comparisons: tuple[Pair, ...]
    batches: tuple[Compared, ...] = ()
    variance: tuple[Split, ...] = ()
    warnings: tuple[str, ...] = ()
    name: str = ""


class Operation(msgspec.Struct, frozen=True):
    operation: str
    baseline: float
    candidate: float
    ratio: float
    interval: tuple[float | None, float | None]
    status: str
    note: str = ""


class Drift(msgspec.Struct, frozen=True):
    """What `validate --against --json` wrote."""

    mode: str
    unit: str
    baseline: str
    tolerance: float
    status: str
    operations: tuple[Operation, ...]
    notes: tuple[str, ...] = ()
    name: str = ""


class Node(msgspec.Struct, frozen=True):
    """A node of a cluster over a repeat."""

    repeat: int
    node: int
    blocks: int
    disturbed: int
    percentiles_ns: dict[str, float]
    tx_ns: float
    observed_over_predicted: float | None = None
    largest_share_of_slot: float | None = None
    late: int = 0
    slower: bool = False

    def __post_init__(self) -> None:
        for share in self.percentiles_ns:
            if not 0 <= float(share) <= 100:
                raise ValueError(f"{share} is no percentile")


class Cluster(msgspec.Struct, frozen=True):
    """What `cluster --json` wrote."""

    profile: str
    blocks: int
    transactions: int
    nodes: tuple[Node, ...]
    predicted_tx_ns: float = 0.0
    predicted_block_ns: float = 0.0
    spread: dict[str, float | None] = {}
    faults: dict[str, str] = {}
    run: str = ""
    name: str = ""


Document = Model | Verdict | Comparison | Drift | Cluster


def read_document(path: Path) -> Document:
    """What the JSON in a file is. InputError, naming the file, for anything that no page is made of."""
    document = _object(path)
    if "scores" in document:
        return _convert(document, Verdict, path)
    if "comparisons" in document:
        return _convert(document, Comparison, path)
    if "operations" in document and "baseline" in document:
        return _convert(document, Drift, path)
    if "profile" in document and "nodes" in document:
        return _convert(document, Cluster, path)
    try:
        model = load([path])
    except InputError as error:
        raise InputError(
            f"{path} is no model, and no JSON of validate, compare or cluster either ({error}); name one of these, or "
            "a run"
        ) from error
    return Model(path.name, model, parse_section(model.extras, str(path)) if model.extras else None)


def _object(path: Path) -> dict[str, Any]:
    return decode_json(read_bytes(path), dict[str, Any], str(path))


def _convert(document: dict[str, Any], kind: type[_Kind], path: Path) -> _Kind:
    named = document | {"name": path.name} if "name" in kind.__struct_fields__ else document
    try:
        return msgspec.convert(named, kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{path} is no {kind.__name__.lower()} that this version can show: {error}") from error
