"""What `calibrate fit --shape free` says of a builtin beside its price: size measures compared, which points the price
under- and overcharges, how far sizes can reach, and the parameters that a ledger would have to append."""

from __future__ import annotations

from typing import Annotated

from costmodel.records.documents import Count, Record, about


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
