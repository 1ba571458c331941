"""The files that a report is made of, parsed as untrusted input."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

from costmodel.errors import InputError
from costmodel.files import read_bytes
from costmodel.model import CostModel, load
from costmodel.records import decode_json, from_value, kind_of
from costmodel.records.cluster import Cluster
from costmodel.records.comparison import ComparisonDocument
from costmodel.records.drift import Drift
from costmodel.records.evaluator import Parity
from costmodel.records.impact import Impact
from costmodel.records.model import ExpressedModel, FittedModel, OfficialSection, parse_section
from costmodel.records.proposal import Proposal
from costmodel.records.validation import ValidationDocument
from costmodel.records.worst import Worst

READABLE: Final = "runs, models, or the JSON of validate, drift, compare, cluster, impact, parity, propose or worst"
_MAX_BYTES: Final = 64 * 2**20


class Model(NamedTuple):
    """A cost model, and what its fit says of it."""

    name: str
    costs: CostModel
    section: FittedModel | ExpressedModel | None


Written = ValidationDocument | ComparisonDocument | Drift | Cluster | Impact | Parity | Proposal | Worst
Document = Model | Written
_KINDS: Final[tuple[type[Written], ...]] = (
    ValidationDocument,
    ComparisonDocument,
    Drift,
    Cluster,
    Impact,
    Parity,
    Proposal,
    Worst,
)


def read_document(path: Path) -> Document:
    """What the JSON in a file is. InputError, naming the file, for anything that no page is made of."""
    try:
        value = decode_json(read_bytes(path, _MAX_BYTES), dict[str, Any], str(path))
    except InputError as error:
        raise InputError(f"{error}; name {READABLE}") from error
    if kind_of(value, *_KINDS) is not None:
        return from_value(value, str(path), *_KINDS)
    try:
        model = load([path])
    except InputError as error:
        raise InputError(
            f"{path} is neither a model nor a document that a report is made of ({error}); name {READABLE}"
        ) from error
    section = parse_section(model.extras, f"{path}: calibrate") if model.extras else None
    return Model(path.name, model, None if isinstance(section, OfficialSection) else section)
