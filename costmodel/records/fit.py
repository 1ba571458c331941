"""What `calibrate fit` was asked for, and what it says with `--shape free` of a builtin beside its price: size measures
compared, which points the price under- and overcharges, how far sizes can reach, and the parameters that a ledger would
have to append."""

from __future__ import annotations

from typing import Annotated, Literal

from costmodel.records.documents import Count, Record, about


class MarginRule(Record, frozen=True, kw_only=True):
    """What is charged beyond the fit, for the builtins and steps of a pattern."""

    pattern: Annotated[str, about("A shell pattern of names")]
    kind: Annotated[
        Literal["factor", "interval", "worst"],
        about(
            "factor: a share of the price; interval: the upper end of the 95 % interval of the fitted cost; worst: the "
            "times of witnesses of searches for worst inputs"
        ),
    ]
    share: Annotated[float, about("Of the price, for a factor; else 0", ge=0)]


class Witness(Record, frozen=True, kw_only=True):
    """An input that a search for worst inputs found, as it was timed."""

    price: Annotated[str, about("The builtin")]
    sizes: Annotated[tuple[int, ...], about("Sizes of its arguments, in the measures of the price")]
    ps: Annotated[float, about("Time of one application, in picoseconds", ge=0)]
    search: Annotated[
        str | None, about("The search that found and timed it; null where it was timed as a cell of the fit's runs")
    ]


class FitSettings(Record, frozen=True, kw_only=True):
    """What a fit was asked for: with these and the runs it gives the same model."""

    rounding: Annotated[str, about("joint or ceiling")]
    coverage: Annotated[float | None, about("Share of inputs that charges cover; null where they are as fitted")]
    compare_shapes: Annotated[bool, about("Whether other shapes were compared")]
    allowed: Annotated[tuple[str, ...], about("Patterns of builtins whose price may be unsafe")]
    margins: Annotated[tuple[MarginRule, ...], about("Safety margins; the last one whose pattern fits holds")]


class MeasureComparison(Record, frozen=True, kw_only=True):
    """How well one choice of size measures explains the measured times."""

    measures: Annotated[tuple[str, ...], about("The measure of each argument")]
    shape: Annotated[str, about("The simplest of the shapes that miss held-out points least with these sizes")]
    held_out_error: Annotated[float, about("Its root mean square of relative errors at points held out")]
    alike: Annotated[Count, about("Points that share all of their sizes with another point")]
    most_apart: Annotated[
        float | None, about("The greatest ratio of two times at equal sizes; null where no two points agree in sizes")
    ]


class Mispriced(Record, frozen=True, kw_only=True):
    """The measured points that a price misses to one side."""

    points: Annotated[Count, about("How many")]
    median_factor: Annotated[float | None, about("By what factor, in the median; null where there are none")]
    worst_factor: Annotated[float | None, about("By what factor, at worst")]
    worst_sizes: Annotated[tuple[int, ...], about("Where that is; empty where there are none")]


class LargestSize(Record, frozen=True, kw_only=True):
    """How large one argument was measured, and can be in a script."""

    argument: Annotated[int, about("Its place, from 1")]
    measure: Annotated[str, about("The measure of its size")]
    measured: Annotated[Count, about("The largest measured size")]
    built: Annotated[
        Count | None,
        about(
            "The largest size that a script can build within a transaction's ExUnits at the ledger's prices, if it "
            "does nothing else; null where no builtin makes such values item by item"
        ),
    ]
    carried: Annotated[Count | None, about("The largest size of a constant that fits into a transaction, likewise")]


class BuiltinStudy(Record, frozen=True, kw_only=True):
    """A builtin as those who price it look at it."""

    measures: Annotated[tuple[str, ...], about("The measures that it is priced by, an argument each")]
    compared: Annotated[tuple[MeasureComparison, ...], about("Choices of measures, the best first")]
    better_measures: Annotated[tuple[str, ...] | None, about("Measures worth taking instead")]
    undercharged: Mispriced
    overcharged: Mispriced
    reach: tuple[LargestSize, ...]
    parameters: Annotated[
        dict[str, int],
        about(
            "The parameters that the ledger would append to its lists, by name, in order; empty for a builtin that it "
            "has. Names and order are provisional"
        ),
    ]
