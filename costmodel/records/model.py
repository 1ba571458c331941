"""What calibrate writes under its own key of a cost-model file, and what `calibrate fit --json` prints.

Times are in picoseconds. Where the clock of the runs counts something else (`clock_unit`), a picosecond stands for a
thousandth of that unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from costmodel.errors import DecodeError, ModelError
from costmodel.records import model_upgrades as upgrades
from costmodel.records.documents import (
    Document,
    Former,
    Record,
    Sha256,
    Version1,
    Version3,
    about,
    from_value,
)
from costmodel.records.figures import PriceBasis
from costmodel.records.fit import BuiltinStudy, FitSettings, Witness
from costmodel.records.run import Machine, Origin

Share: TypeAlias = Annotated[float, about("A share: 1 is all of it")]
Sizes: TypeAlias = Annotated[tuple[int, ...], about("Sizes of the arguments, in the builtin's own measures")]
Holds: TypeAlias = Annotated[
    Literal["timing", "timing and lack of fit"],
    about("What the interval allows for: noise of timing only, or also what programs differ by beyond their counts"),
]


class Flag(Record, frozen=True, kw_only=True):
    """Something that is wrong with a figure or worth knowing about it."""

    flag: Annotated[str, about("What: unidentified, negative before constraint, poor fit, raised, …")]
    reason: Annotated[str, about("How it shows")]
    material: Annotated[bool, about("Whether a price needs a second look; otherwise it is information")]


class Figure(Record, frozen=True, kw_only=True):
    """A time with its 95 % interval."""

    ps: Annotated[float, about("The figure, in picoseconds")]
    interval_ps: Annotated[
        tuple[float, float] | None, about("Its 95 % interval; null where one process alone measured it")
    ]
    relative_half_width: Annotated[
        float | None, about("Half the interval's width as a share of the figure; null where there is none")
    ]
    holds: Holds


class Coefficient(Figure, frozen=True, kw_only=True):
    """A coefficient of a costing function, a price of a step, or a cost of a call."""

    charged_ps: Annotated[int | None, about("Whole picoseconds that the model charges; null where nothing is charged")]
    identifiability: Annotated[
        float | None, about("Share (0 to 1) of its column in the design that no other column explains")
    ]
    flags: Annotated[tuple[Flag, ...], about("What is wrong with it")]


class Point(Record, frozen=True, kw_only=True):
    """A builtin at some sizes. Measured points have all fields; corners of the domain have no measurement."""

    sizes: Sizes
    charged_ps: Annotated[int, about("What the model charges there, in picoseconds")]
    fitted: Annotated[Figure, about("The fitted cost there")]
    measured: Annotated[Figure | None, about("The measured cost")]
    residual: Annotated[float | None, about("Measured less fitted, as a share of the fitted")]


class Centre(Figure, frozen=True, kw_only=True):
    """The fitted cost at the measured point whose fitted cost is the median."""

    sizes: Sizes


class EnvelopeRecord(Record, frozen=True, kw_only=True):
    """With --coverage: what is charged instead of the fit."""

    coverage: Annotated[float, about("Share of inputs that the charge is to cover")]
    margin: Annotated[float, about("Share by which it was raised beyond the regression quantile")]
    measured_points_covered: Annotated[float, about("Share of the measured points that it covers")]


class SumOfTerms(Record, frozen=True, kw_only=True):
    """A costing function as a sum of terms, for prediction: what the protocol's shapes cannot follow."""

    shape: Annotated[str, about("The formula, for people")]
    terms_ps: Annotated[
        dict[str, float],
        about("Picoseconds of each term; the names are those of `costmodel.model.terms`, such as `max(x,y)`"),
    ]
    held_out_error: Annotated[float, about("Its root mean square error at points held out, as a share of the cost")]
    present_error: Annotated[float, about("The same of the protocol's shape")]


class FittedBuiltin(Record, frozen=True, kw_only=True):
    """A fitted builtin."""

    shape: Annotated[str, about("Shape of its costing function, and of the model inside it")]
    coefficients: Annotated[dict[str, Coefficient], about("By name")]
    points: Annotated[tuple[Point, ...], about("All measured points")]
    corners: Annotated[tuple[Point, ...], about("Predictions at the corners of the domain")]
    cost_at_centre: Centre
    flags: Annotated[tuple[Flag, ...], about("What is wrong with the builtin as a whole")]
    condition_number: Annotated[float, about("Of the design; large where coefficients cannot be told apart")]
    r2: Annotated[float | None, about("Share of variance explained")]
    worst_relative_residual: Annotated[float, about("The largest miss, as a share")]
    worst_residual_sizes: Annotated[tuple[int, ...], about("Where it is")]
    envelope: EnvelopeRecord | None
    better_shape: Annotated[SumOfTerms | None, about("A shape outside of the protocol that predicts its cost better")]
    witnesses: Annotated[
        tuple[Witness, ...], about("Inputs of searches for worst inputs: cells of the runs, and those that were given")
    ] = ()


class FootprintRange(Record, frozen=True, kw_only=True):
    """How many different nodes of its program a run computes, and where that makes a difference."""

    typical: Annotated[float, about("Prices of steps hold for this footprint; the figure is per doubling of it")]
    least: Annotated[float, about("Below it a smaller footprint makes no difference")]
    most: Annotated[float, about("The most measured; a larger one counts as this")]


class SinglePrice(Record, frozen=True, kw_only=True):
    """One price for every kind of step: the ledger's convention, for comparison."""

    startup: Figure
    step: Figure
    r2: Annotated[float | None, about("Share of variance explained")]


class PredictionPrices(Record, frozen=True, kw_only=True):
    """Prices of steps, and of what else a counting run sees, to predict times from. None of it is charged."""

    coefficients: Annotated[
        dict[str, Coefficient],
        about(
            "Start-up and the kinds of steps by their keys; features by their names; with a footprint, what any step "
            "takes more with each doubling of it"
        ),
    ]
    scatter: Annotated[float, about("Share of its steps' time by which a program is missed (standard deviation)")]
    missed: Annotated[
        float | None, about("Root mean square miss of programs left out, as a share of their time; null if unknown")
    ]
    spread: Annotated[
        float | None, about("Estimated share by which prices of kinds differ from the common one; null where assumed")
    ]
    footprint: Annotated[FootprintRange | None, about("null where it does not help")]


class Steps(Record, frozen=True, kw_only=True):
    """Start-up and the kinds of steps."""

    cells: Annotated[int, about("Cells that they are from")]
    coefficients: Annotated[dict[str, Coefficient], about("Start-up and the kinds of steps, as they are charged")]
    condition_number: Annotated[float, about("Of the design; large where prices cannot be told apart")]
    least_squares_ps: Annotated[dict[str, float], about("The prices when nothing holds a kind to the common price")]
    r2: Annotated[float | None, about("Share of variance explained")]
    scatter: Annotated[float, about("Relative root mean square by which least squares misses a cell")]
    scatter_of_other_programs: Annotated[float, about("By how much prices miss other programs, as a share")]
    spread: Annotated[
        float | None, about("Estimated share by which prices of kinds differ from the common one; null where assumed")
    ]
    single_price: Annotated[SinglePrice | None, about("null where no steps were measured")]
    unmeasured_builtins: Annotated[tuple[str, ...], about("Builtins without cells of their own")]
    worst_relative_residual: Annotated[float, about("The largest miss, as a share")]
    prediction: PredictionPrices


class Call(Record, frozen=True, kw_only=True):
    """One part of a script call, which the ledger does not charge."""

    cells: Annotated[int, about("Cells that it is from")]
    coefficients: Annotated[dict[str, Coefficient], about("By what each is a cost of")]
    r2: Annotated[float | None, about("Share of variance explained")]
    worst_relative_residual: Annotated[float, about("The largest miss, as a share of the cell's whole time")]


class NoOp(Figure, frozen=True, kw_only=True):
    """One application of a builtin that does nothing, and of all that is spent around a builtin's own work."""

    predicted_ps: Annotated[float, about("What the step costs predict for it")]


class LackOfFit(Record, frozen=True, kw_only=True):
    """How far prices of steps may be off for a program that did not give them, however well it was timed."""

    t: Annotated[float, about("Standard errors from the figure to either end of a 95 % interval")]
    scatter: Annotated[float, about("Share of its steps' time by which a program is missed (standard deviation)")]
    parts_ps: Annotated[dict[str, tuple[float, ...]], about("Of start-up and each kind of step; squares add up")]


class Errors(Record, frozen=True, kw_only=True):
    """The joint errors of coefficients.

    A prediction, the sum of count times coefficient, has the standard error √Σ(Σ count·part)², the outer sum over
    sources of error; its 95 % interval reaches `t` of these to either side.
    """

    t: Annotated[float, about("Standard errors from the figure to either end of a 95 % interval")]
    parts_ps: Annotated[dict[str, tuple[float, ...]], about("For each coefficient a list, with an entry a source")]
    lack_of_fit: LackOfFit


class BatchCounts(Record, frozen=True, kw_only=True):
    """Timed batches of the runs."""

    clean: Annotated[int, about("Batches that were used")]
    disturbed: Annotated[int, about("Batches that were disturbed, and discarded")]


class Method(Record, frozen=True, kw_only=True):
    """How the model was fitted."""

    estimate: Annotated[str, about("How the time of a cell was found")]
    fit: Annotated[str, about("How coefficients were fitted")]
    interval: Annotated[str, about("How intervals were found")]
    builtins: Annotated[str, about("What is charged for builtins")]
    memory: Annotated[str, about("Where memory costs are from")]
    rounding: Annotated[str, about("How coefficients became whole picoseconds")]
    processes: Annotated[int, about("Processes that measured")]
    replicates: Annotated[int, about("Resamples behind the intervals")]
    seed: Annotated[int, about("Of the resamples")]


class ShapeStudy(Record, frozen=True, kw_only=True):
    """With --shape free: other shapes for a builtin."""

    present: Annotated[str, about("The protocol's shape")]
    held_out_errors: Annotated[dict[str, float], about("Error of each shape at points held out, best first")]
    suggested: Annotated[str | None, about("A shape worth proposing")]


class Undercharge(Record, frozen=True, kw_only=True):
    """A measured point, and how the price compares with what was measured."""

    builtin: str
    sizes: Sizes
    measured_ps: float
    charged_ps: int
    factor: Annotated[float, about("Measured over charged: 2 where the price is half of what was measured")]


class ModelVerdict(Record, frozen=True, kw_only=True):
    """Whether the model can be used on a chain."""

    status: Annotated[
        Literal["usable", "unsafe", "too few data"],
        about("unsafe: a price undercharges a measured point by more than the factor"),
    ]
    most_factor: Annotated[float, about("Measured over charged, above which a price is unsafe")]
    worst: Annotated[tuple[Undercharge, ...], about("The points that are undercharged most, one a builtin")]
    overcharged: Annotated[tuple[Undercharge, ...], about("The points that are overcharged most, one a builtin")]
    reasons: Annotated[tuple[str, ...], about("A line for each thing that is wrong")]
    next_commands: Annotated[tuple[str, ...], about("What to run next")]


class PicosecondsOf(Record, frozen=True, kw_only=True):
    """Whose time the model holds: a model of one evaluator says nothing of another."""

    evaluator: Annotated[str, about("Name of the evaluator")]
    version: Annotated[str, about("Its version")]
    build: Annotated[str, about("Its build: checksum, compiler, runtime")]
    machine: Annotated[str, about("The computer")]


class _FittedSection(Document, frozen=True, kw_only=True):
    """What a fit says of its model."""

    written_by: ClassVar[str] = "calibrate fit"

    schema_version: Version3 = 3
    tool_version: Annotated[str, about("Version of calibrate")]
    variant: Annotated[str, about("The ledger's variant whose shapes were fitted")]
    picoseconds_of: PicosecondsOf
    verdict: Annotated[ModelVerdict | None, about("null in a model whose writer did not judge it")]
    batches: BatchCounts
    builtins: Annotated[dict[str, FittedBuiltin], about("Every fitted builtin")]
    steps: Steps
    calls: Annotated[dict[str, Call], about("Parts of a script call that the ledger does not charge")]
    no_ops: Annotated[dict[str, NoOp], about("Applications of builtins that do nothing")]
    errors: Errors
    shapes: Annotated[dict[str, ShapeStudy], about("With --shape free")]
    studies: Annotated[
        dict[str, BuiltinStudy], about("With --shape free: measures, mispriced points, reach, new parameters")
    ] = msgspec.field(default_factory=dict)
    flagged: Annotated[dict[str, tuple[str, ...]], about("Material flags, by builtin or step")]
    unfitted: Annotated[dict[str, str], about("Why a measured builtin is not in the model")]
    lost_cells: Annotated[tuple[str, ...], about("Cells that no process measured well enough")]
    clock_unit: Annotated[str, about("Unit of the clock that the runs were timed by")]
    yardsticks: Annotated[tuple[str, ...], about("Columns of the samples that times were divided by")]
    yardstick_powers: Annotated[
        tuple[dict[str, float], ...], about("For each run the power of each yardstick; empty in older models")
    ]
    reference_yardstick_ns: Annotated[
        float | None, about("The yardstick that times are relative to; null where they were imported")
    ]
    hash_yardstick_ns: Annotated[float | None, about("The hash yardstick's time")]
    evaluator: Annotated[dict[str, str], about("What the runs say of the evaluator")]
    machine: Machine
    method: Method
    inputs: Annotated[tuple[Origin, ...], about("The runs")]
    warnings: Annotated[tuple[str, ...], about("What is odd about the runs")]
    settings: Annotated[
        FitSettings | None, about("What the fit was asked for; null where its writer did not record it")
    ] = None
    before_margin: Annotated[
        dict[str, dict[str, int]], about("What was charged before safety margins, by entry and coefficient, in ps")
    ] = msgspec.field(default_factory=dict)


class FittedModel(_FittedSection, frozen=True, kw_only=True, tag="fitted model"):
    """The section `calibrate` of a model that `calibrate fit` wrote."""

    former: ClassVar[Mapping[int, Former]] = {
        1: Former(upgrades.from_version_1, frozenset({"steps", "errors"})),
        2: Former(upgrades.from_version_2, frozenset({"steps", "errors"})),
    }


class FitDocument(_FittedSection, frozen=True, kw_only=True, tag="fit"):
    """What `calibrate fit RUN… --json` prints: the section of the model that was written, and where that is."""

    former: ClassVar[Mapping[int, Former]] = {
        1: Former(upgrades.from_version_1, frozenset({"steps", "errors", "model"})),
        2: Former(upgrades.from_version_2, frozenset({"steps", "errors", "model"})),
    }

    model: Annotated[str, about("File of the model")]
    command_line: Annotated[tuple[str, ...], about("The command")]


class Scale(Record, frozen=True, kw_only=True):
    """Reference picoseconds for one of the measured machine's, of one builtin."""

    family: Annotated[str, about("Its family of builtins")]
    factor: Annotated[float, about("What its cost is multiplied by: the known ratio, else the predicted one")]
    predicted: Annotated[float, about("The ratio that its cost and its family predict")]
    interval: Annotated[tuple[float, float], about("The 95 % interval of the predicted ratio")]
    known: Annotated[bool, about("Whether both models have the builtin")]


class FamilyScale(Record, frozen=True, kw_only=True):
    """Of a model of an earlier version: reference picoseconds for one of the measured machine's, by family."""

    factor: float
    interval: Annotated[tuple[float, float], about("Its 95 % interval for one builtin")]
    known: Annotated[int, about("Builtins of the family in both models")]


class HeldOut(Record, frozen=True, kw_only=True):
    """How well builtins were predicted that were left out."""

    rounds: int
    predictions: int
    median_error: Share
    p90_error: Share
    covered: Annotated[float, about("Share that the 95 % intervals held")]
    interval_factor_above_50_ns: Annotated[
        float | None, about("By what factor intervals of builtins above 50 ns reach to either side, in the median")
    ]


class _ExpressedSection(Document, frozen=True, kw_only=True):
    """What became of a fit that is given in the picoseconds of another machine."""

    written_by: ClassVar[str] = "calibrate fit --reference"

    schema_version: Version1 = 1
    reference: Annotated[str, about("The reference model, whose picoseconds these are")]
    builtins: Annotated[dict[str, Scale], about("By builtin")]
    families: Annotated[dict[str, FamilyScale], about("By family; empty but in older models")]
    refused: Annotated[dict[str, str], about("Builtins that are left out of the model, and why")]
    most_factor: Annotated[
        float | None, about("A builtin is left out whose interval reaches further to either side; null: none is")
    ]
    steps_factor: Annotated[float, about("The factor of the machine steps")]
    ratios: Annotated[dict[str, float], about("Of each builtin in both models")]
    held_out: HeldOut
    inputs: Annotated[tuple[Origin, ...], about("The runs")]
    warnings: Annotated[tuple[str, ...], about("What is odd about the runs")]
    picoseconds_of: Annotated[
        PriceBasis | None, about("Whose picoseconds the reference model holds; null where its writer did not record it")
    ] = None
    flagged: Annotated[dict[str, tuple[str, ...]], about("Material flags of the fit, by builtin or step")] = (
        msgspec.field(default_factory=dict)
    )


class ExpressedModel(_ExpressedSection, frozen=True, kw_only=True, tag="expressed model"):
    """The section `calibrate` of a model that `calibrate fit --reference` wrote."""

    former: ClassVar[Mapping[int, Former]] = {0: Former(upgrades.from_version_0, frozenset({"expressed_in"}))}


class ExpressedFit(_ExpressedSection, frozen=True, kw_only=True, tag="expressed fit"):
    """What `calibrate fit RUN… --reference MODEL --json` prints."""

    former: ClassVar[Mapping[int, Former]] = {0: Former(upgrades.from_version_0, frozenset({"expressed_in", "model"}))}

    model: Annotated[str, about("File of the model")]


class OfficialEntry(Record, frozen=True, kw_only=True):
    """One CPU entry of the ledger's model beside what the official procedure gives."""

    builtin: str
    equal: Annotated[bool, about("Whether the coefficients are the same")]
    fitted: Annotated[dict[str, int] | None, about("Coefficients in ps; null where nothing is fitted")]
    published: Annotated[dict[str, int], about("The ledger's")]
    reason: Annotated[str, about("Why they differ")]
    notes: Annotated[tuple[str, ...], about("What the procedure did with it")]


class CriterionFile(Record, frozen=True, kw_only=True):
    """A Criterion CSV."""

    file: Annotated[str, about("Upstream's CSV")]
    sha256: Sha256


class OfficialFitDocument(Document, frozen=True, kw_only=True, tag="official fit"):
    """What `calibrate fit --method official --criterion FILE.csv --json` prints."""

    written_by: ClassVar[str] = "calibrate fit --method official"
    former: ClassVar[Mapping[int, Former]] = {0: Former(dict, frozenset({"criterion", "entries"}))}

    schema_version: Version1 = 1
    tool_version: Annotated[str, about("Version of calibrate")]
    model: Annotated[str, about("File of the model")]
    variant: Annotated[str, about("Whose shapes")]
    criterion: CriterionFile
    equal: Annotated[int, about("CPU entries that equal the ledger's")]
    differ: Annotated[int, about("The others")]
    entries: Annotated[tuple[OfficialEntry, ...], about("Every CPU entry of the ledger's model")]
    notes: Annotated[tuple[str, ...], about("About the whole")]
    unknown_rows: Annotated[dict[str, int], about("Rows of no known builtin, which were left out")]
    unused_rows: Annotated[dict[str, int], about("Rows that the procedure does not use")]


class OfficialSection(Document, frozen=True, kw_only=True, tag="official model"):
    """The section `calibrate` of a model that `calibrate fit --method official` wrote."""

    written_by: ClassVar[str] = "calibrate fit --method official"

    schema_version: Version1 = 1
    tool_version: Annotated[str, about("Version of calibrate")]
    variant: Annotated[str, about("The ledger's variant whose shapes were fitted")]
    picoseconds_of: PicosecondsOf
    criterion: CriterionFile
    builtins: Annotated[dict[str, dict[str, int]], about("What the procedure charges: coefficients in ps, by builtin")]
    verdict: Annotated[ModelVerdict, about("Of the rows that the procedure uses, beside these prices")]
    unfitted: Annotated[dict[str, str], about("Why a builtin is not in the model")]


Section: TypeAlias = FittedModel | ExpressedModel | OfficialSection
"""What may stand under calibrate's key of a cost-model file."""


_SECTIONS: Final[tuple[type[Any], ...]] = (FittedModel, ExpressedModel, OfficialSection)


def parse_section(values: Mapping[str, object], where: str) -> Section:
    """The section of a model file, written by this version or an earlier one; ModelError, starting with `where`, for
    one that is damaged, has a key that is unknown or missing, or comes from a later version."""
    try:
        found: Section = from_value(dict(values), where, *_SECTIONS)
        return found
    except DecodeError as error:
        raise ModelError(str(error)) from error
