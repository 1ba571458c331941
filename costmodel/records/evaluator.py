"""Documents of `calibrate evaluators` and `calibrate parity`: the drivers that there are, whether one can be trusted,
and how evaluators compare."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import msgspec

from costmodel.records.documents import Bounds, Document, Record, Version1, about


class KnownDriver(Record, frozen=True, kw_only=True):
    """A driver that comes with calibrate."""

    name: Annotated[str, about("What --evaluator calls it")]
    evaluator: Annotated[str, about("The package that it drives")]
    version: Annotated[str, about("The pinned version of that")]
    tool: Annotated[str, about("What it is built with")]
    folder: Annotated[str | None, about("The folder of its build; null where it is not built")]
    missing: Annotated[bool, about("Whether the tool is not installed")]
    note: Annotated[str, about("Whose evaluator it is, and how its times differ from others'")]


class Evaluators(Document, frozen=True, kw_only=True, tag="evaluators"):
    """Drivers of evaluators, of all or of those that were just built."""

    written_by: ClassVar[str] = "calibrate evaluators list"

    schema_version: Version1 = 1
    evaluators: tuple[KnownDriver, ...]


class TrustVerdict(StrEnum):
    """Of a check."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class DriverCheck(Record, frozen=True):
    """Something that a driver was tried for."""

    name: Annotated[str, about("What was tried")]
    verdict: TrustVerdict
    found: Annotated[str, about("What was found")]


class Trust(Document, frozen=True, kw_only=True, tag="evaluator-check"):
    """Whether the times of a driver can be trusted: they can where nothing is bad."""

    written_by: ClassVar[str] = "calibrate evaluators check"

    schema_version: Version1 = 1
    evaluator: Annotated[str, about("Its name and version")]
    facts: Annotated[dict[str, str], about("What it says of itself, as in a run's manifest")]
    checks: tuple[DriverCheck, ...]
    trusted: Annotated[bool, about("Whether no check is bad")]

    @property
    def reason(self) -> str:
        """What is bad."""
        return "; ".join(f"{check.name}: {check.found}" for check in self.checks if check.verdict is TrustVerdict.BAD)


def _about(text: str) -> msgspec.Meta:
    return msgspec.Meta(description=text)


class EvaluatorNode(Record, frozen=True, kw_only=True):
    """One evaluator, as a node that runs it."""

    name: Annotated[str, _about("The evaluator, with what tells it from the others.")]
    version: str
    model: Annotated[str, _about("The model's file.")]
    sha256: Annotated[str, _about("SHA-256 of the file.")]
    machine: Annotated[str, _about("The id of the machine that it was measured on.")]
    yardstick_ns: Annotated[float | None, _about("Time of the hash yardstick there; null if it is not known.")]
    factor: Annotated[float, _about("By which its times are multiplied, so that all are of one machine.")]
    pace: Annotated[float, _about("Median over the prices that all models have of time over charge.")]
    prices: Annotated[int, _about("Prices in its model.")]


class PriceTime(Record, frozen=True, kw_only=True):
    """One evaluator's time for one price at some sizes."""

    node: str
    ps: Annotated[float, _about("Its time in picoseconds, multiplied by its factor.")]
    interval_ps: Bounds
    over_charge: Annotated[float, _about("Its time over what is charged.")]
    over_pace: Annotated[float, _about("The same over the evaluator's own pace: 2 is twice as slow as it usually is.")]
    underpriced: Annotated[bool, _about("Whether all of the interval of `over_pace` lies above the threshold.")]


class Price(Record, frozen=True, kw_only=True):
    """One price at some sizes of the arguments."""

    name: Annotated[str, _about("A builtin, or a step such as cekVarCost.")]
    sizes: tuple[int, ...]
    charged_ps: int
    times: Annotated[
        tuple[PriceTime, ...], _about("Slowest first, by `over_charge` or, between common paces, `over_pace`.")
    ]
    worst_over_second: Annotated[float | None, _about("Of the slowest two; null with a single model.")]
    interval: Annotated[Bounds | None, _about("Of that.")]
    needed_ps: Annotated[float, _about("The price at which the slowest node keeps up.")]
    needed_over_charged: Annotated[float, _about("1.5 is half as much again as is charged now.")]


class Parity(Document, frozen=True, kw_only=True, tag="parity"):
    """Models of several evaluators, each price at typical sizes."""

    written_by: ClassVar[str] = "calibrate parity --json"

    schema_version: Version1 = 1
    against: Annotated[str, _about("The model whose prices are charged.")]
    speed: Annotated[
        Literal["yardstick", "pace"],
        _about(
            "How the machines' speed was taken out: by the hash yardstick, which leaves how fast evaluators are as a "
            "whole; or by each evaluator's own pace, which leaves only where it is slow."
        ),
    ]
    allowed_pace: Annotated[float, _about("Time over charge that a node may take and still keep up.")]
    threshold: Annotated[float, _about("Over its own pace, from which on an evaluator's price is too low.")]
    nodes: tuple[EvaluatorNode, ...]
    prices: Annotated[tuple[Price, ...], _about("The price that would have to rise most first.")]
    underpriced: Annotated[dict[str, tuple[str, ...]], _about("Builtins and steps that are too cheap, by evaluator.")]
    notes: tuple[str, ...]
