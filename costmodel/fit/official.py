"""The published procedure that made the ledger's CPU costs: from upstream's Criterion CSV to costing functions, and how
these compare with the ledger's own model.

Source: `plutus-core/cost-model/data/models.R` of plutus. Times are in µs until they are rounded up to whole
picoseconds. What the procedure does to single builtins is in the tables at the top; all else follows from a builtin's
shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.fit.costing import LEAST_JUDGED_PS
from costmodel.fit.verdict import DEFAULT_FACTOR, shown, times
from costmodel.imports.text_formats import CriterionRow, CriterionRows
from costmodel.model import MAX_COST, BuiltinCost, CostingFunction, CostModel, ShapeId, Variant, ledger_model, us_to_ps
from costmodel.model.basis import LEDGER_MACHINE, PUBLISHED
from costmodel.plutus.builtins import BUILTIN_BY_NAME, BUILTINS
from costmodel.records.model import (
    CriterionFile,
    ModelVerdict,
    OfficialEntry,
    OfficialSection,
    PicosecondsOf,
    Undercharge,
)

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

FLOOR_PS = 1000
"""What a negative coefficient becomes."""

_FLOOR_US = FLOOR_PS / 1e6
_DIVISIONS = ("divideInteger", "quotientInteger", "remainderInteger", "modInteger")
# Builtins that are not benchmarked themselves, and the builtin whose rows stand for theirs.
_MEASURED_AS = {
    "subtractInteger": "addInteger",
    **dict.fromkeys(_DIVISIONS, "divideInteger"),
    "lessThanEqualsByteString": "lessThanByteString",
    "orByteString": "andByteString",
    "xorByteString": "andByteString",
}
# The no-op is one with as many arguments as the builtin, but for these.
_NO_OVERHEAD = frozenset({"integerToByteString", "byteStringToInteger", "equalsData", "serialiseData", "unValueData"})
_OVERHEAD_ARITY = {"writeBits": 2}  # it had two arguments when the procedure learnt of it
_FAN = frozenset({"equalsData", "serialiseData"})
_SHOWN: Final = 10
_FAN_QUANTILE, _FAN_COVERED, _FAN_LOOPS = 0.8, 0.9, 20


def _positive(sizes: Floats) -> Mask:
    mask: Mask = (sizes[:, 0] > 0) & (sizes[:, 1] > 0)
    return mask


def _equal_and_positive(sizes: Floats) -> Mask:
    mask: Mask = (sizes[:, 0] == sizes[:, 1]) & (sizes[:, 0] > 0)
    return mask


def _below_50000(sizes: Floats) -> Mask:
    mask: Mask = sizes[:, 0] < 50000
    return mask


_FILTERS: dict[str, Callable[[Floats], Mask]] = {
    **dict.fromkeys(("multiplyInteger", "appendByteString", "appendString", "expModInteger", *_DIVISIONS), _positive),
    **dict.fromkeys(("equalsInteger", "lessThanInteger", "lessThanEqualsInteger"), _equal_and_positive),
    "valueData": _below_50000,
}


@dataclass(frozen=True, slots=True)
class OfficialFit:
    """One builtin's costing function, in ps, and the n rows it comes from.

    `sizes` (n × number of sizes) and `times_us` (length n, without the no-op) are what is left of the builtin's rows
    after filters; `notes` say what the procedure had to adjust.
    """

    name: str
    function: CostingFunction
    sizes: Floats
    times_us: Floats
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfficialModel:
    """The fits of all builtins that have rows, in the shapes of a variant.

    `unfitted` has the reason for each builtin that the variant prices and the file does not settle. `unknown` has the
    number of rows by each benchmark name that is no builtin's and no no-op's, `unused` by each that is a builtin's but
    that the procedure passes over: another builtin's rows stand for it, or the variant does not price it.
    """

    variant: Variant
    fits: Mapping[str, OfficialFit]
    unfitted: Mapping[str, str]
    unknown: Mapping[str, int]
    unused: Mapping[str, int]
    notes: tuple[str, ...]

    @property
    def cost_model(self) -> CostModel:
        """The fitted CPU costs with the variant's memory costs, which upstream writes by hand."""
        memory = ledger_model(self.variant).builtins
        builtins = {name: BuiltinCost(fit.function, memory[name].memory) for name, fit in self.fits.items()}
        return CostModel(builtins, {}, None, source="official fit")

    def section(self, criterion: CriterionRows) -> OfficialSection:
        """What the model's file says of it: the CSV, which is in the format of the ledger's own benchmarks, and how far
        prices are below its rows."""
        return OfficialSection(
            tool_version=__version__,
            variant=self.variant.value,
            picoseconds_of=PicosecondsOf(
                evaluator="plutus-core",
                version="",
                build="",
                machine=LEDGER_MACHINE if criterion.sha256 in PUBLISHED else "",
            ),
            criterion=CriterionFile(file=Path(criterion.source).name, sha256=criterion.sha256),
            builtins={name: _named(fit.function) for name, fit in self.fits.items()},
            verdict=_verdict(list(self.fits.values())),
            unfitted=dict(self.unfitted),
        )


def _verdict(fits: Sequence[OfficialFit]) -> ModelVerdict:
    """The prices beside the mean times that they were fitted to, of whose noise nothing is known."""
    worst = [found for fit in fits if (found := _extreme(fit, 1)) is not None]
    over = [found for fit in fits if (found := _extreme(fit, -1)) is not None]
    worst.sort(key=lambda each: -each.factor)
    over.sort(key=lambda each: each.factor)
    reasons = tuple(
        f"{each.builtin}: measured is {times(each.factor)} the price, at sizes {shown(each.sizes)}"
        for each in worst
        if each.factor > DEFAULT_FACTOR
    )
    return ModelVerdict(
        status="unsafe" if reasons else "usable",
        most_factor=DEFAULT_FACTOR,
        worst=tuple(worst[:_SHOWN]),
        overcharged=tuple(over[:_SHOWN]),
        reasons=reasons,
        next_commands=(),
    )


def _extreme(fit: OfficialFit, sign: int) -> Undercharge | None:
    """The row that is undercharged most, or overcharged with a `sign` of -1; None where all are below what counts."""
    found = None
    for row, us in zip(fit.sizes, fit.times_us, strict=True):
        sizes = tuple(int(size) for size in row)
        charged, ps = max(fit.function.evaluate(sizes), 1), float(us) * 1e6
        if ps >= LEAST_JUDGED_PS and (found is None or sign * ps / charged > sign * found.factor):
            found = Undercharge(builtin=fit.name, sizes=sizes, measured_ps=ps, charged_ps=charged, factor=ps / charged)
    return found


class _UnsettledError(Exception):
    """A builtin's rows do not settle its coefficients; the message says why."""


@dataclass(slots=True)
class _OfficialRows:
    """A builtin's rows on their way through the procedure; `overhead_us` is the time of its no-op."""

    sizes: Floats
    times_us: Floats
    uppers_us: Floats
    overhead_us: float
    notes: list[str]

    def where(self, mask: Mask) -> _OfficialRows:
        return _OfficialRows(self.sizes[mask], self.times_us[mask], self.uppers_us[mask], self.overhead_us, self.notes)

    def less_overhead(self) -> Floats:
        """Times without the no-op; 1 ns each where the builtin takes no longer than the no-op on average."""
        if len(self.times_us) and self.times_us.mean() <= self.overhead_us:
            self.notes.append("takes no longer than the no-op, so every time is set to 1 ns")
            return np.full_like(self.times_us, _FLOOR_US)
        return self.times_us - self.overhead_us


def fit_official(criterion: CriterionRows, variant: Variant) -> OfficialModel:
    """Apply the published procedure to a Criterion CSV, in the shapes of `variant`.

    InputError where the file has no row of any builtin that the variant prices.
    """
    notes: list[str] = []
    overheads = _overheads(criterion, notes)
    fits: dict[str, OfficialFit] = {}
    unfitted: dict[str, str] = {}
    for name, cost in ledger_model(variant).builtins.items():
        rows = criterion.rows.get(_benchmark(_MEASURED_AS.get(name, name)), ())
        arity = _OVERHEAD_ARITY.get(name, BUILTIN_BY_NAME[name].arity)
        try:
            fits[name] = _fit(name, cost.cpu, rows, 0.0 if name in _NO_OVERHEAD else overheads.get(arity, 0.0))
        except _UnsettledError as reason:
            unfitted[name] = str(reason)
    if not fits:
        raise InputError(f"{criterion.source}: no builtin can be fitted, e.g. {'; '.join(list(unfitted.values())[:1])}")
    used = {_benchmark(_MEASURED_AS.get(name, name)) for name in ledger_model(variant).builtins}
    known = {_benchmark(builtin.name) for builtin in BUILTINS}
    others = {
        name: len(rows)
        for name, rows in sorted(criterion.rows.items())
        if name not in used and name != "UnitTerm" and not _is_nop(name)
    }
    unknown = {name: count for name, count in others.items() if name not in known}
    unused = {name: count for name, count in others.items() if name in known}
    return OfficialModel(variant, fits, unfitted, unknown, unused, tuple(notes))


def _benchmark(builtin: str) -> str:
    """The name of a builtin's benchmark: that of its constructor in upstream's sources."""
    return builtin[0].upper() + builtin[1:]


def _is_nop(name: str) -> bool:
    return len(name) == 5 and name.startswith("Nop") and name[3] in "123456" and name[4] in "bico"


def _overheads(criterion: CriterionRows, notes: list[str]) -> dict[int, float]:
    """Mean times (µs) of the no-ops with opaque arguments, by number of arguments."""
    overheads = {}
    for arity in range(1, 7):
        rows = criterion.rows.get(f"Nop{arity}o", ())
        if not rows:
            notes.append(f"no row of Nop{arity}o: nothing is subtracted for builtins of {arity} arguments")
            continue
        if len(rows) > 1:
            notes.append(f"{len(rows)} rows of Nop{arity}o: their mean is subtracted")
        overheads[arity] = float(np.mean([row.mean_us for row in rows]))
    return overheads


def _fit(name: str, function: CostingFunction, rows: Sequence[CriterionRow], overhead_us: float) -> OfficialFit:
    points = _points(name, function, rows, overhead_us)
    if name in _FILTERS:
        points = points.where(_FILTERS[name](points.sizes))
        if not len(points.times_us):
            raise _UnsettledError(f"none of its {len(rows)} rows has sizes that the procedure takes")
    if function.shape.id is ShapeId.CONSTANT_COST:
        points = points.where(_no_outlier(points.uppers_us))
    if name in _DIVISIONS:
        fitted = _division(function, points)
        free = function.model is not None and function.model.shape.id is ShapeId.QUADRATIC_IN_X_AND_Y
    else:
        if name in _FAN:
            fitted = _fan(points)
        elif function.shape.id is ShapeId.LINEAR_ON_DIAGONAL:
            fitted = _on_diagonal(function, points)
        else:
            fitted = _least_squares(function, points.sizes, points.less_overhead())
        free = False
    values = []
    for coefficient, old in zip(function.names, function.values, strict=True):
        us = fitted.get(coefficient)
        if us is not None and us < 0 and not free:
            points.notes.append(f"{coefficient} of {us_to_ps(us):,} ps is set to {FLOOR_PS:,}")
            us = _FLOOR_US
        values.append(old if us is None else us_to_ps(us))
    if max(map(abs, values)) > MAX_COST:
        raise _UnsettledError("a coefficient does not fit in 64 bits")
    return OfficialFit(name, function.with_values(values), points.sizes, points.less_overhead(), tuple(points.notes))


def _points(name: str, function: CostingFunction, rows: Sequence[CriterionRow], overhead_us: float) -> _OfficialRows:
    if not rows:
        raise _UnsettledError(f"no row of {_benchmark(_MEASURED_AS.get(name, name))}")
    count = len(rows[0].sizes)
    for row in rows:
        if len(row.sizes) != count:
            raise _UnsettledError(f"line {row.line} has {len(row.sizes)} sizes, line {rows[0].line} has {count}")
    if count < function.arity_needed:
        raise _UnsettledError(
            f"line {rows[0].line} has {count} sizes, and {function.shape.id.tag} reads {function.arity_needed}"
        )
    return _OfficialRows(
        sizes=np.array([row.sizes for row in rows], np.float64),
        times_us=np.array([row.mean_us for row in rows]),
        uppers_us=np.array([row.upper_us for row in rows]),
        overhead_us=overhead_us,
        notes=[],
    )


def _no_outlier(uppers_us: Floats) -> Mask:
    """Where upper bounds lie below the third quartile plus one and a half times what the quartiles are apart."""
    first, third = np.quantile(uppers_us, [0.25, 0.75])
    cutoff = third + 1.5 * (third - first)
    keep: Mask = uppers_us < cutoff
    # Nothing lies below where all are equal, as a single row is.
    return keep if keep.any() else uppers_us <= cutoff


def _division(function: CostingFunction, points: _OfficialRows) -> dict[str, float]:
    """A constant up to the diagonal, which is also the least cost, and the model below it."""
    assert function.model is not None  # noqa: S101 - every variant prices division by a *_diagonal shape
    below = points.sizes[:, 0] > points.sizes[:, 1]
    if below.all():
        raise _UnsettledError("no row in which the dividend is not the larger")
    constant = float(points.where(~below).less_overhead().mean())
    inner = points.where(below)
    fitted = {f"model.{k}": v for k, v in _least_squares(function.model, inner.sizes, inner.less_overhead()).items()}
    return fitted | {"constant": constant} | ({"model.minimum": constant} if "model.minimum" in function.names else {})


def _on_diagonal(function: CostingFunction, points: _OfficialRows) -> dict[str, float]:
    """A line over equal sizes, and the mean time of unequal ones; without such rows, the least time of equal ones."""
    diagonal = points.sizes[:, 0] == points.sizes[:, 1]
    equal = points.where(diagonal)
    line = _least_squares(function, equal.sizes, equal.less_overhead(), ("intercept", "slope"))
    if diagonal.all():
        return line | {"constant": float(equal.less_overhead().min())}
    return line | {"constant": float(points.where(~diagonal).less_overhead().mean())}


def _fan(points: _OfficialRows) -> dict[str, float]:
    """A line over a fan of times whose lower edge is the axis: Data of one size takes anything up to the line.

    Its intercept is a quantile at the smallest size. Its slope is fitted again to the points above the line until
    enough of all points lie below.
    """
    x, t = points.sizes[:, 0], points.less_overhead()
    intercept = float(np.quantile(t[x == x.min()], _FAN_QUANTILE))
    left = np.ones(len(t), np.bool_)
    slope = 0.0
    for _ in range(_FAN_LOOPS):
        slope = _solve(np.column_stack([np.ones(left.sum()), x[left]]), t[left])[1]
        predicted = intercept + slope * x
        if (predicted > t).mean() >= _FAN_COVERED:
            break
        left &= t > predicted
    return {"intercept": intercept, "slope": slope}


def _least_squares(
    function: CostingFunction, sizes: Floats, times_us: Floats, only: tuple[str, ...] | None = None
) -> dict[str, float]:
    design = function.design(sizes)
    columns = [i for i, name in enumerate(design.names) if only is None or name in only]
    solved = _solve(design.matrix[:, columns], times_us - design.offset)
    return dict(zip((design.names[i] for i in columns), solved, strict=True))


def _solve(matrix: Floats, times_us: Floats) -> list[float]:
    """Ordinary least squares; _UnsettledError where the rows do not determine every coefficient."""
    if len(times_us) and np.ptp(times_us) == 0 and (matrix[:, 0] == 1).all():
        return [float(times_us[0])] + [0.0] * (matrix.shape[1] - 1)  # what rounding errors would make ±1 ps
    scale = np.abs(matrix).max(axis=0, initial=0.0)
    if not scale.all() or np.linalg.matrix_rank(matrix / scale) < matrix.shape[1]:
        raise _UnsettledError(f"{len(times_us)} rows do not determine its {matrix.shape[1]} coefficients")
    # Columns of squares are some 10^9 times those of ones; scaled, the solver takes none of them for rounding.
    solved, *_ = np.linalg.lstsq(matrix / scale, times_us, rcond=None)
    return [float(value) for value in solved / scale]


_NO_SOURCE = "upstream's c11 of 960 came with plutus#7756 and has no data behind it"
_OLDER = "upstream's coefficients are older than these rows"
# What is known of entries of upstream's model that its own CSV does not give.
_HISTORY = {
    **dict.fromkeys(("divideInteger", "quotientInteger", "remainderInteger", "modInteger"), _NO_SOURCE),
    **dict.fromkeys(("appendString", "equalsString", "encodeUtf8", "decodeUtf8"), _OLDER),
}


def compare_with_ledger(model: OfficialModel) -> tuple[OfficialEntry, ...]:
    """Every CPU entry of the ledger's model of the same variant, in upstream's order."""
    entries = []
    for name, cost in ledger_model(model.variant).builtins.items():
        fit = model.fits.get(name)
        equal = fit is not None and fit.function == cost.cpu
        reason = model.unfitted[name] if fit is None else "" if equal else _reason(fit, cost.cpu)
        entries.append(
            OfficialEntry(
                builtin=name,
                equal=equal,
                fitted=None if fit is None else _named(fit.function),
                published=_named(cost.cpu),
                reason=reason,
                notes=() if fit is None else fit.notes,
            )
        )
    return tuple(entries)


def _named(function: CostingFunction) -> dict[str, int]:
    return dict(zip(function.names, function.values, strict=True))


def _reason(fit: OfficialFit, published: CostingFunction) -> str:
    """What is known of the published entry, and what it says of the file's own times."""
    # The history is that of today's coefficients; other variants have had others.
    if fit.name in _HISTORY and published.values == _today(fit.name).values:
        known = _HISTORY[fit.name]
    elif fit.name == "equalsByteString" and _from_diagonal(fit, published):
        known = "upstream's constant is the least time on the diagonal, from before there were rows off it"
    else:
        known = "these rows give other coefficients"
    return f"{known}; {_ratio(fit, published)}"


def _today(name: str) -> CostingFunction:
    return ledger_model(Variant.E).builtins[name].cpu


def _from_diagonal(fit: OfficialFit, published: CostingFunction) -> bool:
    """Whether only the constant differs, and is what the procedure gave without rows off the diagonal."""
    diagonal = fit.sizes[:, 0] == fit.sizes[:, 1]
    return published.values[1:] == fit.function.values[1:] and published.values[0] == us_to_ps(
        float(fit.times_us[diagonal].min())
    )


def _ratio(fit: OfficialFit, published: CostingFunction) -> str:
    """How the published costs compare with the file's times, in the middle and at the ends."""
    times_ps = np.maximum(fit.times_us * 1e6, FLOOR_PS)
    ratios = published.predict(fit.sizes) / times_ps
    low, middle, high = np.quantile(ratios, [0, 0.5, 1])
    return f"it charges {middle:.3g} times what these rows took ({low:.3g} to {high:.3g})"
