"""Documents of `calibrate budget` and `calibrate cluster`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from costmodel.records.documents import Count, Document, Former, Record, Values, Version1, about
from costmodel.records.figures import ExUnitsRecord


class BudgetUnits(Record, frozen=True, kw_only=True):
    """ExUnits under the node workbench's names."""

    memory: Annotated[int, about("Words")]
    steps: Annotated[int, about("Picoseconds")]


class Budget(Document, frozen=True, kw_only=True, tag="budget", rename="camel"):
    """What `calibrate budget --json` prints: the node workbench's summary, and the same with limits enlarged."""

    written_by: ClassVar[str] = "calibrate budget --json"
    former: ClassVar[Mapping[int, Former]] = {
        0: Former(lambda values: {"scales": [], **values}, frozenset({"scriptId", "loopCounter"}))
    }

    schema_version: Version1 = msgspec.field(default=1, name="schema_version")
    script_id: Annotated[str, about("The script")]
    script_arg_redeemer: Annotated[
        Any, about("The redeemer that makes the script loop so often, as detailed-schema JSON")
    ]
    budget_strategy: Annotated[str, about("txbudget, txperblock_N or blockbudget_R")]
    scaled: Annotated[
        str, about("Which limits were enlarged and by what, such as tx memory, block memory ×1.5; or empty")
    ]
    budget_per_tx: Annotated[BudgetUnits, about("A transaction's limit")]
    budget_per_tx_input: Annotated[BudgetUnits, about("The limit of a transaction's one script")]
    budget_per_block: Annotated[BudgetUnits, about("A block's limit")]
    budget_target: Annotated[BudgetUnits, about("What the strategy leaves to the script")]
    loop_counter: Annotated[int, about("The largest count within the target")]
    loop_limiting_factors: Annotated[tuple[str, ...], about("What the next count would exceed")]
    budget_used_per_tx_input: Annotated[BudgetUnits, about("What the script takes at that count")]
    projected_budget_unused_per_tx: Annotated[BudgetUnits, about("Left of a transaction's limit")]
    projected_budget_unused_per_block: Annotated[BudgetUnits, about("Left of a block's limit")]
    projected_tx_per_block: Annotated[int, about("Transactions that a block holds")]
    projected_loops_per_block: Annotated[int, about("Loops that a block holds")]
    scales: Annotated[
        tuple[Budget, ...],
        about(
            "With --scales: for 1.5 and for 2.0, limits enlarged one after another until the same limit binds and a "
            "block holds as many transactions"
        ),
    ]


class ClusterNode(Record, frozen=True, kw_only=True):
    """A node over a repeat. Times are of a block's scripts."""

    repeat: Annotated[Count, about("Counted from 0")]
    node: Annotated[Count, about("Counted from 0")]
    host: Annotated[str, about("The computer that it ran on")]
    blocks: Annotated[Count, about("Blocks with a transaction, each validated")]
    disturbed: Annotated[Count, about("Blocks whose timing was disturbed")]
    percentiles_ns: Annotated[
        dict[Annotated[str, msgspec.Meta(pattern="^(100|[1-9]?[0-9])$")], float],
        about("Percentiles of block times over all blocks, disturbed ones included, in ns"),
    ]
    tx_ns: Annotated[
        float, about("Median time of a transaction over undisturbed blocks, or over all where there is none")
    ]
    observed_over_predicted: Annotated[float | None, about("Of a transaction")]
    largest_share_of_slot: Annotated[float, about("Of the longest block")]
    late: Annotated[Count, about("Blocks done more than a slot after they came")]
    slower: Annotated[bool, about("Whether a transaction takes 5 % longer than on the median node")]

    @property
    def undisturbed(self) -> int:
        """Blocks that were timed well."""
        return self.blocks - self.disturbed


class Spread(Record, frozen=True, kw_only=True):
    """Relative standard deviations of a transaction's time over undisturbed blocks; null where there are not two."""

    within: Annotated[float | None, about("From block to block within a node and repeat")]
    between_nodes: Annotated[float | None, about("Between nodes' means")]
    between_repeats: Annotated[float | None, about("Between repeats' means")]


class ObservedChain(Record, frozen=True, kw_only=True):
    """What nodes did with the chain of a profile that has a script."""

    run: Annotated[str, about("Folder of the run")]
    table: Annotated[str, about("File with every block on every node")]
    loop_count: Annotated[Count, about("Of each transaction's script")]
    ex_units: Annotated[ExUnitsRecord, about("Of a transaction")]
    predicted_tx_ns: Annotated[float, about("Of a transaction's script")]
    predicted_block_ns: Annotated[float, about("Of the fullest block's scripts")]
    percentiles_ns: Annotated[dict[str, float], about("Of block times over all nodes and blocks")]
    spread: Spread
    nodes: Annotated[tuple[ClusterNode, ...], about("One for each node and repeat")]
    faults: Annotated[dict[str, str], about("Why a node did not end well, by process (repeat · nodes + node)")]


def _upgraded(values: Values) -> Values:
    """Version 0, in which what was observed stood beside the rest, and the budget had no kind."""
    observed = {name: values[name] for name in ObservedChain.__struct_fields__ if name in values}
    rest = {name: value for name, value in values.items() if name not in ObservedChain.__struct_fields__}
    if budget := values["budget"]:
        rest["budget"] = {"kind": "budget", "schema_version": 1, "scales": [], **budget}
    return {**rest, "observed": observed if "run" in values else None}


class Cluster(Document, frozen=True, kw_only=True, tag="cluster"):
    """What `calibrate cluster --json` prints."""

    written_by: ClassVar[str] = "calibrate cluster --json"
    former: ClassVar[Mapping[int, Former]] = {0: Former(_upgraded, frozenset({"profile", "nodes"}))}

    schema_version: Version1 = 1
    profile: Annotated[str, about("The profile")]
    nodes_wanted: Annotated[Count, about("Nodes of the profile, or of --nodes")]
    slots: Annotated[Count, about("Slots of all epochs together")]
    epoch: Annotated[Count, about("Mainnet epoch whose parameters are in force")]
    seed: Annotated[int, about("Of slot leaders")]
    blocks: Annotated[Count, about("Of the chain, empty ones included")]
    transactions: Annotated[Count, about("Of the chain")]
    tx_bytes: Annotated[Count, about("Size of a transaction")]
    most_transactions: Annotated[Count, about("What a block has room for")]
    limited_by: Annotated[Literal["ex units", "size"], about("What keeps a block from holding more")]
    budget: Annotated[
        Budget | None, about("How the loop was fitted, as calibrate budget has it; null without a script")
    ]
    observed: Annotated[ObservedChain | None, about("What nodes did; null where the profile has no script")]
