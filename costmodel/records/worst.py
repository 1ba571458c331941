"""Documents of a search for worst inputs: `search.json`, where it stands, and `worst.json`, what it proved."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal, TypeAlias

import msgspec

from costmodel.records.documents import Count, Document, Record, Version1, about
from costmodel.records.figures import EstimateRecord, ExitCode, ExUnitsRecord, Judgement
from costmodel.records.run import NATIVE, RunStatus

Point: TypeAlias = Annotated[
    dict[str, int | str], about("A value for each of the parameters that inputs are made from, by its name")
]
Stage: TypeAlias = Annotated[
    Literal["search", "simplify", "prove", "done"], about("What is being done, or was when it ended")
]

WORST: Final = "worst.json"
"""What was proved, in the folder of a search."""


class SearchSettings(Record, frozen=True, kw_only=True):
    """What is searched, and how. A search that is resumed keeps it."""

    model: Annotated[str, about("The model whose prices are charged")]
    targets: Annotated[tuple[str, ...], about("Prices that are searched: builtins, forms of programs, kinds of calls")]
    evaluator: Annotated[str, about("What runs the inputs: native, or a driver as users name it")] = NATIVE
    core: Annotated[int, about("The core that measures")]
    clock: Annotated[str, about("The clock")]
    seed: Annotated[int, about("Seed of points, operands and orders")] = 0
    sampler: Annotated[str, about("How points are chosen: genetic, tpe or random")]
    protocol_version: Annotated[int, about("Major protocol version of the programs")]
    epoch: Annotated[int, about("The epoch of mainnet whose limits and fees hold")]
    seconds: Annotated[float, about("Time budget, everything included")]
    scale: Annotated[
        float | None,
        about("Time over charge of a machine that keeps up; null to take it from ordinary input of several builtins"),
    ] = None
    differential: Annotated[bool, about("Whether only differences from the exact machine are looked for")] = False


class Matter(Record, frozen=True, kw_only=True):
    """A parameter that a witness needs."""

    parameter: Annotated[str, about("Its name")]
    value: Annotated[int | str, about("Its value in the witness")]
    plain: Annotated[int | str, about("The plainest value")]
    without: Annotated[
        float, about("The ratio with the plainest value, as a share of that of the point that was found")
    ]


class Finalist(Record, frozen=True, kw_only=True):
    """The point of a price that is proved: chosen on fresh operands, and simplified."""

    target: Annotated[str, about("The price")]
    point: Point
    matters: Annotated[tuple[Matter, ...], about("What it needs, what matters most first")]
    importance: Annotated[dict[str, float], about("How much each parameter decides over the whole space, as shares")]
    trials: Annotated[Count, about("Inputs that were tried")]
    earlier: Annotated[
        EstimateRecord | None, about("The ratio that the earlier search proved, where it is timed again")
    ] = None


class EvaluatorDifference(Record, frozen=True, kw_only=True):
    """An input on which the evaluator differs from the exact machine."""

    target: Annotated[str, about("The price that was searched when it was found")]
    point: Point
    file: Annotated[str, about("The program, in the run's folder")]
    told: Annotated[str, about("How it differs")]


class SearchState(Document, frozen=True, kw_only=True, tag="worst-search"):
    """Where a search stands: `search.json`."""

    written_by: ClassVar[str] = "calibrate worst"

    schema_version: Version1 = 1
    run: Annotated[str, about("The run's name, that of its folder")]
    status: RunStatus = RunStatus.RUNNING
    stage: Stage = "search"
    created: Annotated[str, about("UTC time of its start, ISO 8601")]
    command_line: Annotated[tuple[str, ...], about("What it was called with")] = ()
    versions: Annotated[dict[str, str], about("The tool, its native build and every C library")]
    machine: Annotated[str, about("The id of the machine")]
    evaluator: Annotated[dict[str, str], about("The evaluator, once it was started")] = msgspec.field(
        default_factory=dict
    )
    settings: SearchSettings
    spent_seconds: Annotated[dict[str, float], about("Time that each stage has taken, over all sessions")] = (
        msgspec.field(default_factory=dict)
    )
    timed_seconds: Annotated[float, about("Time inside the clock, before the proof")] = 0.0
    trials: Annotated[Count, about("Inputs that were tried, over all sessions")] = 0
    finalists: Annotated[tuple[Finalist, ...], about("Points that are to be proved, as far as they are known")] = ()
    left_out: Annotated[dict[str, str], about("Why a price has no finalist, by its name")] = msgspec.field(
        default_factory=dict
    )
    differences: Annotated[tuple[EvaluatorDifference, ...], about("Inputs on which the evaluator differs")] = ()
    proof: Annotated[str | None, about("The run that times the finalists again, in the folder")] = None
    again: Annotated[str | None, about("The earlier search whose witnesses are timed again; null for a search")] = None


class Reach(Record, frozen=True, kw_only=True):
    """How somebody gets an evaluator to run a witness."""

    reachable: Annotated[bool, about("Whether a transaction can hold it and pay for it")]
    how: Annotated[str, about("In words")]
    script_bytes: Annotated[Count, about("Size of the script")]
    argument_bytes: Annotated[Count, about("Size of its arguments")]
    ex_units: ExUnitsRecord
    built: Annotated[bool, about("Whether the program makes operands by steps that it pays for")]


class Find(Record, frozen=True, kw_only=True):
    """The worst input of a price that was found and timed again, on operands that the search never saw."""

    price: Annotated[str, about("A builtin, a form of programs (steps/…) or a kind of call (calls/…)")]
    ratio: Annotated[EstimateRecord, about("Time over charge, over the scale: above 1 the price is too low")]
    ordinary: Annotated[EstimateRecord | None, about("The same of ordinary input, timed in turn with the witness")]
    over_ordinary: Annotated[EstimateRecord | None, about("The first over the second")]
    sizes: Annotated[tuple[int, ...], about("Sizes of the arguments, in the measures of the price")]
    time_ps: Annotated[float, about("Time of one application, or of the whole program")]
    charge_ps: Annotated[float, about("What is charged for it")]
    point: Point
    matters: tuple[Matter, ...]
    importance: dict[str, float]
    trials: Count
    witness: Annotated[str, about("The program, in the run's folder")]
    argument: Annotated[str | None, about("Its argument as CBOR, where it has one")] = None
    reach: Reach
    block_seconds: Annotated[EstimateRecord | None, about("Seconds that a block full of the witness takes")]
    lovelace_per_second: Annotated[float | None, about("Fees that a second of delay costs")]
    processes: Annotated[Count, about("Processes that timed it")]
    earlier: Annotated[EstimateRecord | None, about("The ratio that the earlier search proved")] = None
    over_earlier: Annotated[EstimateRecord | None, about("The ratio over the earlier one; 1 if it is the same")] = None


class Worst(Document, frozen=True, kw_only=True, tag="worst"):
    """What a search for worst inputs proved: `worst.json`, and what `calibrate worst --json` prints."""

    written_by: ClassVar[str] = "calibrate worst --json"

    schema_version: Version1 = 1
    status: Annotated[Judgement | None, about("Whether every ratio is at most --max-ratio; null without it")] = None
    exit_code: ExitCode = 0
    max_ratio: Annotated[float | None, about("The limit")] = None
    run: Annotated[str, about("Folder of the search")]
    again: Annotated[str | None, about("The earlier search whose witnesses were timed again; null for a search")] = None
    model: Annotated[str, about("The model whose prices are charged")]
    evaluator: Annotated[dict[str, str], about("The evaluator that was timed")]
    machine: Annotated[str, about("The id of the machine")]
    scale: Annotated[float, about("Time over charge that ratios are divided by: one factor for all prices")]
    scale_from: Annotated[str, about("Where it comes from")]
    finds: Annotated[tuple[Find, ...], about("One for each price, the worst first")]
    differences: tuple[EvaluatorDifference, ...] = ()
    left_out: Annotated[dict[str, str], about("Prices without a find, and why")]
    trials: Annotated[Count, about("Inputs that were tried")]
    seconds: Annotated[float, about("How long the search took, over all sessions")]
    timed_share: Annotated[float, about("Share of that inside the clock")]
    notes: Annotated[tuple[str, ...], about("What limits the result")] = ()


class EvaluatorRatio(Record, frozen=True, kw_only=True):
    """What a search of one evaluator proved of a price."""

    evaluator: Annotated[str, about("The evaluator, as the table names it")]
    ratio: Annotated[EstimateRecord, about("Time over charge, over the scale of that search")]
    block_seconds: Annotated[float | None, about("Seconds that a block full of its witness takes")]
    witness: Annotated[str, about("The program, in the folder of the search")]
    run: Annotated[str, about("The folder of the search")]


class WorstPrice(Record, frozen=True, kw_only=True):
    """A price over several evaluators."""

    price: Annotated[str, about("A builtin, a form of programs or a kind of call")]
    ratios: Annotated[tuple[EvaluatorRatio, ...], about("By evaluator, the worst first; none where it was not proved")]


class WorstOverEvaluators(Document, frozen=True, kw_only=True, tag="worst over evaluators"):
    """What `calibrate worst --compare RUN --compare RUN --json` prints."""

    written_by: ClassVar[str] = "calibrate worst --compare --json"

    schema_version: Version1 = 1
    evaluators: Annotated[tuple[str, ...], about("One for each search, in the order in which they were named")]
    prices: Annotated[tuple[WorstPrice, ...], about("The price with the highest ratio first")]
    notes: Annotated[tuple[str, ...], about("What limits the comparison")]
