"""Documents of `calibrate params`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from costmodel.records.cluster import BudgetUnits
from costmodel.records.documents import Count, Document, Former, Record, Values, Version1, Version2, about
from costmodel.records.figures import Doubt, Objection, PriceBasis


class Prices(Record, frozen=True, kw_only=True, rename="camel"):
    """Lovelace for a unit."""

    price_memory: Annotated[float, about("For a word")]
    price_steps: Annotated[float, about("For a picosecond")]


class LimitsRecord(Record, frozen=True, kw_only=True, rename="camel"):
    """What prices and bounds transactions, under cardano-cli's names."""

    protocol_version: Annotated[str, about("Major and minor")]
    max_tx_execution_units: Annotated[BudgetUnits | None, about("Of a transaction")]
    max_block_execution_units: Annotated[BudgetUnits | None, about("Of a block")]
    execution_unit_prices: Prices | None
    max_tx_size: Annotated[int | None, about("Bytes")]
    max_block_body_size: Annotated[int | None, about("Bytes")]
    max_block_header_size: Annotated[int | None, about("Bytes")]
    max_value_size: Annotated[int | None, about("Bytes")]


class ShownParameters(Document, frozen=True, kw_only=True, tag="parameters"):
    """What `calibrate params show --json` prints of parameters."""

    written_by: ClassVar[str] = "calibrate params show --json"

    schema_version: Version1 = 1
    source: Annotated[str, about("Where the parameters come from")]
    protocol_version: Annotated[int, about("Major protocol version")]
    basis: Annotated[PriceBasis | None, about("Whose picoseconds they are in; null if not recorded")] = None
    notes: Annotated[
        tuple[str, ...],
        about(
            "What to know of the source: languages that are left out, names that are wrong, up to which epoch changes "
            "are known"
        ),
    ]
    limits: Annotated[LimitsRecord | None, about("What prices and bounds transactions; null of a cost model")]
    parameters: Annotated[dict[str, Any] | None, about("Of an epoch, all its parameters as genesis files have them")]
    last_known_change: Annotated[int | None, about("The last epoch that is known to have changed any")]
    cost_models: Annotated[
        dict[str, dict[str, int]], about("By ledger language, the parameters by name, in the ledger's order")
    ]


class ShownModel(Document, frozen=True, kw_only=True, tag="costing functions"):
    """What `calibrate params show --model … --json` prints of a cost model without --language: its functions."""

    written_by: ClassVar[str] = "calibrate params show --json"

    schema_version: Version1 = 1
    source: Annotated[str, about("Where the model comes from")]
    basis: Annotated[PriceBasis | None, about("Whose picoseconds its prices are in; null if not recorded")] = None
    model: Annotated[dict[str, Any], about("The model in upstream's layout, as in files of models")]


def _unnamed(values: Values) -> Values:
    """Version 1, which named neither evaluator nor machine."""
    basis = {"evaluator": "", "version": "", "machine": "", "reference": False, "reason": "its writer did not say"}
    return {**values, "completed_from": None, "basis": basis, "doubts": [], "allowed": []}


class EmittedModel(Document, frozen=True, kw_only=True, tag="emitted model"):
    """What `calibrate params emit --out FILE --json` prints, and FILE.origin.json holds."""

    written_by: ClassVar[str] = "calibrate params emit --json"
    former: ClassVar[Mapping[int, Former]] = {1: Former(_unnamed)}

    schema_version: Version2 = 2
    source: Annotated[str, about("Where the model comes from")]
    file: Annotated[str | None, about("What was written; null on stdout")]
    format: Annotated[str, about("In which format")]
    protocol_version: Annotated[int, about("Major protocol version")]
    parameters: Annotated[dict[str, Count], about("How many of each language, in formats that are arrays")]
    completed: Annotated[tuple[str, ...], about("Entries that the model lacks and that were filled in")]
    completed_from: Annotated[str | None, about("Where those come from; null where there are none")]
    basis: PriceBasis
    doubts: Annotated[tuple[Doubt, ...], about("What speaks against the prices")]
    allowed: Annotated[tuple[Objection, ...], about("Objections that the user overruled")]


class CostChangeRecord(Record, frozen=True, kw_only=True):
    """A cost at some sizes."""

    sizes: Annotated[tuple[int, ...], about("Of the arguments; of a step, none")]
    before: Annotated[int | None, about("Picoseconds or words; null where there is no such entry")]
    after: Annotated[int | None, about("The same, of the second model")]
    change: Annotated[float | None, about("As a share; null from or to nothing")]
    factor: Annotated[float | None, about("After divided by before; null from or to nothing")]


class EntryChangeRecord(Record, frozen=True, kw_only=True):
    """An entry whose cost differs."""

    name: Annotated[str, about("Builtin or machine step")]
    resource: Annotated[Literal["cpu", "memory"], about("Which cost")]
    costs: Annotated[tuple[CostChangeRecord, ...], about("At each typical size")]


class ModelDifference(Document, frozen=True, kw_only=True, tag="model difference"):
    """What `calibrate params diff A B --json` prints."""

    written_by: ClassVar[str] = "calibrate params diff --json"

    schema_version: Version1 = 1
    before: Annotated[str, about("The first model")]
    after: Annotated[str, about("The second")]
    before_of: Annotated[PriceBasis | None, about("Whose picoseconds the first has; null if not recorded")] = None
    after_of: Annotated[PriceBasis | None, about("Whose picoseconds the second has; null if not recorded")] = None
    language: Annotated[str, about("Ledger language")]
    changes: Annotated[
        tuple[EntryChangeRecord, ...],
        about(
            "Entries whose cost changes at typical sizes, by factor, up or down, the greatest first; then new ones, "
            "and removed ones at the end"
        ),
    ]
