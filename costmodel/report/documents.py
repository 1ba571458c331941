"""The files that a report is made of, parsed as untrusted input.

Only the fields that a page shows are named here; a file may have more, but one of these that is missing is an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from costmodel.errors import InputError
from costmodel.model import CostModel, load
from costmodel.records.model import ExpressedModel, FittedModel, parse_section

_MAX_BYTES: Final = 64 * 2**20

_Kind = TypeVar("_Kind", bound=msgspec.Struct)

Bounds = tuple[float | None, float | None]


class Model(msgspec.Struct, frozen=True):
    """A cost model, and what its fit says of it."""

    name: str
    costs: CostModel
    section: FittedModel | ExpressedModel | None


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
    status: str | None
    uncertain: str


class Gate(msgspec.Struct, frozen=True):
    gate: str
    work: str
    status: str
    found: Estimate
    limit: float | None


class Summary(msgspec.Struct, frozen=True):
    """How well programs were predicted."""

    median: Estimate
    p95: Estimate
    programs: int


class Works(msgspec.Struct, frozen=True):
    gates: tuple[Gate, ...]
    summary: Summary


class Verdict(msgspec.Struct, frozen=True):
    """What `validate --json` wrote."""

    model: str
    workload: str
    run: str
    status: str
    scores: tuple[Score, ...]
    works: tuple[Works, ...]
    notes: tuple[str, ...]
    name: str


class Row(msgspec.Struct, frozen=True):
    experiment: str
    operation: str
    change: float
    interval: Bounds
    verdict: str
    cells: int
    more: int | None
    work: str


class Pair(msgspec.Struct, frozen=True):
    candidate: str
    baseline: str
    unit: str
    counts: tuple[int, int]
    rows: tuple[Row, ...]
    caution: str


class Deviation(msgspec.Struct, frozen=True):
    sd: float
    interval: Bounds


class Split(msgspec.Struct, frozen=True):
    experiment: str
    operation: str
    within_runs: Deviation | None
    between_runs: Deviation | None
    between_machines: Deviation | None
    work: str


class Compared(msgspec.Struct, frozen=True):
    """A batch, as an input."""

    inputs: tuple[dict[str, Any], ...]


class Comparison(msgspec.Struct, frozen=True):
    """What `compare --json` wrote."""

    status: str
    tolerance: float
    comparisons: tuple[Pair, ...]
    batches: tuple[Compared, ...]
    variance: tuple[Split, ...]
    warnings: tuple[str, ...]
    name: str


class Operation(msgspec.Struct, frozen=True):
    operation: str
    baseline: float
    candidate: float
    ratio: float
    interval: tuple[float | None, float | None]
    status: str
    note: str


class Drift(msgspec.Struct, frozen=True):
    """What `drift --json` wrote."""

    mode: str
    unit: str
    baseline: str
    tolerance: float
    status: str
    operations: tuple[Operation, ...]
    notes: tuple[str, ...]
    name: str


class Node(msgspec.Struct, frozen=True):
    """A node of a cluster over a repeat."""

    repeat: int
    node: int
    blocks: int
    disturbed: int
    percentiles_ns: dict[str, float]
    tx_ns: float
    observed_over_predicted: float | None
    largest_share_of_slot: float | None
    late: int
    slower: bool

    def __post_init__(self) -> None:
        for share in self.percentiles_ns:
            if not 0 <= float(share) <= 100:
                raise ValueError(f"{share} is not a percentile")


class Cluster(msgspec.Struct, frozen=True):
    """What `cluster --json` wrote."""

    profile: str
    blocks: int
    transactions: int
    nodes: tuple[Node, ...]
    predicted_tx_ns: float
    predicted_block_ns: float
    spread: dict[str, float | None]
    faults: dict[str, str]
    run: str
    name: str


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
        # A profile without scripts has nothing to predict or to observe, and its document says no more.
        without = {"predicted_tx_ns": 0.0, "spread": {}, "faults": {}, "run": ""} if document["nodes"] == [] else {}
        return _convert(without | document, Cluster, path)
    try:
        model = load([path])
    except InputError as error:
        raise InputError(
            f"{path} is not a model, nor JSON written by validate, drift, compare or cluster ({error}); name one of "
            "these, or a run"
        ) from error
    return Model(path.name, model, parse_section(model.extras, f"{path}: calibrate") if model.extras else None)


def _object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(content) > _MAX_BYTES:
        raise InputError(f"{path} is larger than {_MAX_BYTES // 2**20} MiB, which no file for a report is")
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{path} is neither a run nor a JSON object: {error}") from error


def _convert(document: dict[str, Any], kind: type[_Kind], path: Path) -> _Kind:
    named = document | {"name": path.name} if "name" in kind.__struct_fields__ else document
    try:
        return msgspec.convert(named, kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{path} is not a {kind.__name__.lower()} that this version can show: {error}") from error
