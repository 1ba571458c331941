"""What `calibrate impact` writes."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from costmodel.records.documents import Document, Record, Version1
from costmodel.records.figures import PriceBasis
from costmodel.records.run import FileFact

Units = Annotated[
    tuple[int, int], msgspec.Meta(description="CPU in picoseconds and memory in words, as the ledger counts them.")
]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Quantiles(Record, frozen=True, kw_only=True):
    """Ratios after/before over the priced evaluations: the least, quantiles to 0.1 %, and the greatest."""

    least: float
    p5: float
    median: float
    p95: float
    greatest: float


class Share(Record, frozen=True, kw_only=True):
    """What one price contributes to the change. The changes of all parts add up to the change of the totals."""

    price: Annotated[str, msgspec.Meta(description="cekStartupCost, a step kind such as cekVarCost, or a builtin.")]
    before: Units
    after: Units
    change: Units


class Affected(Record, frozen=True, kw_only=True):
    """One evaluation."""

    id: str
    script_hash: Annotated[str, msgspec.Meta(description="BLAKE2b-224 of language and script, hexadecimal.")]
    language: str
    before: Units
    after: Units
    fee_before: Annotated[int, msgspec.Meta(description="Lovelace, rounded up as if it were the only script.")]
    fee_after: int
    share_before: Annotated[float, msgspec.Meta(description="Larger share of a transaction's CPU or memory limit.")]
    share_after: float
    declared: Annotated[Units | None, msgspec.Meta(description="ExUnits that the transaction declared, if known.")]
    breaks: Annotated[
        tuple[str, ...],
        msgspec.Meta(description='Of "over the limit", "over what was declared" and "success turned into failure".'),
    ]


class ScriptImpact(Record, frozen=True, kw_only=True):
    """All evaluations of one script."""

    script_hash: str
    language: str
    evaluations: Count
    before: Units
    after: Units
    fee_before: int
    fee_after: int
    broken: Annotated[Count, msgspec.Meta(description="Evaluations that break under the new prices.")]


class Totals(Record, frozen=True, kw_only=True):
    """All priced evaluations under one cost model."""

    units: Units
    fee: Annotated[int, msgspec.Meta(description="Lovelace: the evaluations' fees, each rounded up, added.")]
    block_share: Annotated[float, msgspec.Meta(description="Blocks that all evaluations fill, by CPU or memory.")]
    per_block: Annotated[float | None, msgspec.Meta(description="Evaluations in a block, on average.")]


class EpochTermsRecord(Record, frozen=True, kw_only=True):
    """Prices and limits that the change is judged by."""

    epoch: int
    known_to: Annotated[int, msgspec.Meta(description="Epoch of the last change of parameters that is known.")]
    price_steps: Annotated[str, msgspec.Meta(description="Lovelace per picosecond, as a fraction.")]
    price_memory: Annotated[str, msgspec.Meta(description="Lovelace per word, as a fraction.")]
    transaction: Annotated[Units, msgspec.Meta(description="Limit of a transaction.")]
    block: Annotated[Units, msgspec.Meta(description="Limit of a block.")]


class UsedCall(Record, frozen=True, kw_only=True):
    """Calls of a builtin at some sizes."""

    builtin: str
    sizes: Annotated[tuple[int, ...], msgspec.Meta(description="Of its arguments; above 128 to two digits.")]
    count: Count


class UsedTotals(Record, frozen=True, kw_only=True):
    """What the priced evaluations of a language use together, to try other prices on."""

    language: str
    evaluations: Count
    steps: Annotated[dict[str, int], msgspec.Meta(description="Paid steps by kind.")]
    calls: Annotated[tuple[UsedCall, ...], msgspec.Meta(description="The most frequent calls.")]
    left_out: Annotated[Count, msgspec.Meta(description="Calls that are not among them.")]


class ImpactProvenance(Record, frozen=True, kw_only=True):
    """What an analysis was made with, and from which files."""

    tool_version: str
    command_line: tuple[str, ...]
    inputs: Annotated[dict[str, FileFact], msgspec.Meta(description="Size and hash of the files that were read.")]


class Impact(Document, frozen=True, kw_only=True, tag="impact"):
    """What cost model `after` changes compared with `before` on a corpus of real scripts.

    Priced are evaluations that run to success when nothing limits them. `failed` ones fail whatever the prices,
    `unfinished` ones exceed ten times a transaction's limit, `refused` ones cannot be decoded, `unaffordable` ones
    meet a price that no budget can pay under one of the models.
    """

    written_by: ClassVar[str] = "calibrate impact --json"

    schema_version: Version1 = 1
    before: str
    after: str
    corpus: str
    method: Annotated[
        str,
        msgspec.Meta(description='"evaluated": evaluated under both models too; "repriced": from recorded usages.'),
    ]
    terms: EpochTermsRecord
    rows: Count
    priced: Count
    failed: Count
    unfinished: Count
    refused: Count
    unaffordable: Count
    totals_before: Totals
    totals_after: Totals
    newly_over_limit: Count
    newly_over_declared: Count
    newly_failing: Count
    newly_succeeding: Count
    without_declared: Annotated[Count, msgspec.Meta(description="Priced evaluations without declared ExUnits.")]
    cpu: Annotated[Quantiles | None, msgspec.Meta(description="Distribution of the change of CPU.")]
    memory: Quantiles | None
    fee: Quantiles | None
    attribution: Annotated[
        tuple[Share, ...], msgspec.Meta(description="By price, largest change of CPU first; sums to the totals.")
    ]
    most_affected: Annotated[
        tuple[Affected, ...], msgspec.Meta(description="Evaluations that break first, then by change of the fee.")
    ]
    scripts: Annotated[tuple[ScriptImpact, ...], msgspec.Meta(description="Scripts by change of all their fees.")]
    distinct_scripts: Count
    results: Annotated[str | None, msgspec.Meta(description="Parquet file with a row for each evaluation.")]
    usage: Annotated[
        tuple[UsedTotals, ...], msgspec.Meta(description="What the priced evaluations use, by language.")
    ] = ()
    provenance: Annotated[
        ImpactProvenance | None, msgspec.Meta(description="null in a folder of a proposal, which records it itself.")
    ] = None
    before_of: Annotated[
        PriceBasis | None, msgspec.Meta(description="Whose picoseconds the first prices are in; null if not recorded.")
    ] = None
    after_of: Annotated[
        PriceBasis | None, msgspec.Meta(description="Whose picoseconds the second prices are in; null if not recorded.")
    ] = None
