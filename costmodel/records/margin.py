"""Safety margins, and what else a fit was asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from costmodel.records.documents import Record, about


class MarginRule(Record, frozen=True, kw_only=True):
    """What is charged beyond the fit, for the builtins and steps of a pattern."""

    pattern: Annotated[str, about("A shell pattern of names")]
    kind: Annotated[
        Literal["factor", "interval"],
        about("factor: a share of the price; interval: the upper end of the 95 % interval of the fitted cost"),
    ]
    share: Annotated[float, about("Of the price, for a factor; 0 for an interval", ge=0)]


class FitSettings(Record, frozen=True, kw_only=True):
    """What a fit was asked for: with these and the runs it gives the same model."""

    rounding: Annotated[str, about("joint or ceiling")]
    coverage: Annotated[float | None, about("Share of inputs that charges cover; null where they are as fitted")]
    compare_shapes: Annotated[bool, about("Whether other shapes were compared")]
    allowed: Annotated[tuple[str, ...], about("Patterns of builtins whose price may be unsafe")]
    margins: Annotated[tuple[MarginRule, ...], about("Safety margins; the last one whose pattern fits holds")]
