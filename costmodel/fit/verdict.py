"""Can the model be used? Prices beside what was measured, and what to run where one is unsafe.

A price is unsafe where it undercharges a measured point by more than a factor, beyond the noise of the measurement.
Points below 5 ns are left out: what is spent around a builtin is several times that, and is charged by steps.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec

from costmodel.errors import CheckFailed, Inconclusive
from costmodel.fit.builtins import BuiltinFit
from costmodel.fit.costing import LEAST_JUDGED_PS
from costmodel.records import model as record

DEFAULT_FACTOR: Final = 2.0
"""Measured over charged, above which a price is unsafe."""

MOST_OVERCHARGE: Final = 10.0
"""Charged over measured, above which an upper envelope has exploded: its points were too few, or too noisy."""

_SHOWN: Final = 10


def verdict_of(
    fits: Sequence[BuiltinFit],
    runs: Sequence[str],
    *,
    factor: float,
    allowed: Collection[str],
    envelope: bool,
    imported: bool = False,
) -> record.ModelVerdict:
    """The verdict on the charged prices of `fits`; `allowed` are shell patterns of builtins whose prices may be unsafe.
    With an `envelope`, charges far above what was measured count too. `runs` are the folders of the runs; those
    that were `imported` cannot be measured again."""
    under = sorted((worst for fit in fits if (worst := _worst(fit)) is not None), key=lambda each: -each.factor)
    over = sorted(
        (worst for fit in fits if (worst := _worst(fit, over=True)) is not None), key=lambda each: each.factor
    )
    points = {(fit.name, point.sizes): point for fit in fits for point in fit.record.points}
    unsafe: list[str] = []
    unsure: list[str] = []
    concerned: list[str] = []
    for each in under:
        if each.factor <= factor or any(fnmatchcase(each.builtin, pattern) for pattern in allowed):
            continue
        measured = points[each.builtin, each.sizes].measured
        low = measured.interval_ps[0] if measured is not None and measured.interval_ps is not None else 0.0
        sure = low > factor * each.charged_ps
        (unsafe if sure else unsure).append(
            f"{each.builtin}: measured is {times(each.factor)} the price, at sizes {shown(each.sizes)}"
            + ("" if sure else ", but the measurement is too uncertain to tell")
        )
        concerned.append(each.builtin)
    for each in over if envelope else ():
        if each.factor < 1 / MOST_OVERCHARGE and not any(fnmatchcase(each.builtin, pattern) for pattern in allowed):
            unsafe.append(
                f"{each.builtin}: the price is {times(1 / each.factor)} what was measured, at sizes "
                f"{shown(each.sizes)}; its points are too few or too noisy for this coverage"
            )
            concerned.append(each.builtin)
    return record.ModelVerdict(
        status="unsafe" if unsafe else "too few data" if unsure else "usable",
        most_factor=factor,
        worst=tuple(under[:_SHOWN]),
        overcharged=tuple(over[:_SHOWN]),
        reasons=(*unsafe, *unsure),
        next_commands=_next(sorted(set(concerned)), runs, imported=imported) if concerned else (),
    )


def _worst(fit: BuiltinFit, *, over: bool = False) -> record.Undercharge | None:
    """The point of a builtin that is undercharged (or overcharged) most, among those of 5 ns and more."""
    found = [
        record.Undercharge(
            builtin=fit.name,
            sizes=point.sizes,
            measured_ps=point.measured.ps,
            charged_ps=point.charged_ps,
            factor=point.measured.ps / max(point.charged_ps, 1),
        )
        for point in fit.record.points
        if point.measured is not None and point.measured.ps >= LEAST_JUDGED_PS
    ]
    sign = 1 if over else -1
    return min(found, key=lambda each: sign * each.factor, default=None)


def _next(builtins: Sequence[str], runs: Sequence[str], *, imported: bool) -> tuple[str, ...]:
    """Measure the builtins again, beside what the last run has; of imported runs, charge more or allow it."""
    chosen = shlex.quote(",".join(builtins))
    if imported:
        folders = " ".join(map(shlex.quote, runs))
        return f"calibrate fit {folders} --coverage 0.9", f"calibrate fit {folders} --allow {chosen}"
    return (f"calibrate measure --extend {shlex.quote(runs[-1])} --builtins {chosen} --precision 1%",)


def refuse_unusable(verdict: record.ModelVerdict) -> None:
    """CheckFailed for an unsafe verdict, Inconclusive for one that the data are too few for."""
    if verdict.status == "usable":
        return
    kind = CheckFailed if verdict.status == "unsafe" else Inconclusive
    reasons = "; ".join(verdict.reasons[:3]) + (f"; and {len(verdict.reasons) - 3} more" if verdict.reasons[3:] else "")
    raise kind(f"no model is written, {verdict.status}: {reasons}; next: {verdict.next_commands[0]}")


def times(factor: float) -> str:
    """A factor in words: 1.4 times, 288 times."""
    return f"{factor:,.0f} times" if factor >= 10 else f"{factor:.2g} times"


def shown(sizes: Sequence[int]) -> str:
    return ", ".join(map(str, sizes)) or "none"


def with_next(verdict: record.ModelVerdict, commands: Sequence[str]) -> record.ModelVerdict:
    """The verdict with more to run next."""
    return msgspec.structs.replace(verdict, next_commands=(*verdict.next_commands, *commands))
