"""The proof of what a search found: the witnesses timed again, in fresh processes, in turn with ordinary input.

The largest of many noisy ratios is large by noise, too, so none of the search's own figures is reported. A witness has
operands that the search never saw. Beside it, in the same blocks, its price's ordinary input is timed: the point of the
usual design whose sizes are closest. Ordinary input of a few builtins of all kinds tells the scale: time over charge of
a machine that keeps up.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from scipy.stats import trim_mean

from costmodel.experiments.builtins import cells_at, points_of
from costmodel.experiments.domains import DOMAINS, Sizes
from costmodel.experiments.portable import halved, portable_cells
from costmodel.experiments.steps import mixture
from costmodel.judging.estimate import Estimate
from costmodel.judging.moderation import prior_of
from costmodel.plutus import BUILTIN_BY_NAME, LedgerLanguage, available
from costmodel.runs.design import Cell
from costmodel.runs.means import process_means, yardsticks_for
from costmodel.runs.store import Run
from costmodel.timing.estimate import reference_yardstick
from costmodel.worst.calls import byte_charge_ps
from costmodel.worst.target import ChargedPrices, Probe

Floats = NDArray[np.float64]

_PANEL: Final = (
    *("addInteger", "multiplyInteger", "equalsByteString", "appendByteString", "sha2_256", "sha3_256", "blake2b_256"),
    *("verifyEd25519Signature", "equalsData", "serialiseData", "bls12_381_G1_add", "bls12_381_G1_scalarMul"),
    "bls12_381_millerLoop",
)
"""Builtins of all kinds, whose ordinary input tells the scale, together with an ordinary program. None that take a few
nanoseconds only, whose times are too uncertain for that."""

_PROGRAM: Final = "an ordinary program"
_SCRIPT: Final = "an ordinary script"
_IDIOMS: Final = 300
FEWEST_PROCESSES: Final = 2
"""That have an interval."""
_LEVEL: Final = 0.975


@dataclass(frozen=True, slots=True)
class Timing:
    """Two cells whose difference is timed, or one, and what so many applications of it are charged, each."""

    name: str
    cells: tuple[Cell, ...]
    applications: int
    charge_ps: float

    @classmethod
    def of(cls, name: str, probe: Probe) -> Timing:
        """A witness, with cells named after it."""
        renamed = tuple(msgspec.structs.replace(cell, id=f"{name}/{number}") for number, cell in enumerate(probe.cells))
        return cls(name, renamed, probe.applications, probe.charge_ps)


@dataclass(frozen=True, slots=True)
class ProofPlan:
    """What is timed: a witness for each price, ordinary input of the same price, and of the panel."""

    witnesses: tuple[Timing, ...]
    ordinary: Mapping[str, Timing]
    panel: tuple[Timing, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All of them, each once."""
        found = {
            cell.id: cell for timing in (*self.witnesses, *self.ordinary.values(), *self.panel) for cell in timing.cells
        }
        return tuple(found.values())


def planned(probes: Sequence[Probe], pricing: ChargedPrices, seed: int) -> ProofPlan:
    """The proof of witnesses, one a price."""
    witnesses = tuple(Timing.of(f"worst/{probe.target}", probe) for probe in probes)
    program, script = _ordinary_program(pricing, seed)
    ordinary = {}
    for probe in probes:
        if probe.target in DOMAINS:
            ordinary[probe.target] = _usual(probe.target, _closest(probe.target, probe.sizes), pricing, seed)
        else:
            ordinary[probe.target] = script if probe.target.startswith("calls/") else program
    panel = [
        _usual(name, points_of(name)[len(points_of(name)) // 2], pricing, seed)
        for name in _PANEL
        if available(BUILTIN_BY_NAME[name], LedgerLanguage.PLUTUS_V3, pricing.protocol_version)
    ]
    return ProofPlan(witnesses, ordinary, (*panel, program))


def _closest(name: str, sizes: Sequence[int]) -> Sizes:
    """The point of the usual design whose sizes are closest, in proportion."""

    def distance(point: Sizes) -> float:
        return sum(abs(math.log2(mine + 1) - math.log2(other + 1)) for mine, other in zip(point, sizes, strict=True))

    return min(DOMAINS[name].candidates, key=distance)


def _usual(name: str, sizes: Sizes, pricing: ChargedPrices, seed: int) -> Timing:
    """A builtin's ordinary input."""
    cells = tuple(cells_at(BUILTIN_BY_NAME[name], sizes, seed))
    many, few = cells[0], cells[-1]
    if pricing.portable:
        (many,) = portable_cells(cells, pricing.protocol_version)
        few = halved(many)
    if pricing.portable:
        applications = many.repeats - few.repeats
        charge = (pricing.spent(many).cpu - pricing.spent(few).cpu) / applications
    else:
        applications = many.repeats
        charge = float(pricing.application_price(name, sizes))
    renamed = tuple(msgspec.structs.replace(cell, id=f"ordinary/{cell.id}") for cell in (many, few))
    return Timing(f"ordinary/{name}", renamed, applications, charge)


def _ordinary_program(pricing: ChargedPrices, seed: int) -> tuple[Timing, Timing]:
    """A program in the style of contracts, run and decoded."""
    term = mixture(_IDIOMS, random.Random(f"{seed} ordinary"))  # noqa: S311 - a program to be made again
    cell, spent, _ = pricing.cell(_PROGRAM, "steps", "ordinary", term)
    script = msgspec.structs.replace(cell, id=_SCRIPT, experiment="calls", work="decode")
    return (
        Timing(_PROGRAM, (cell,), 1, spent.cpu),
        Timing(_SCRIPT, (script,), 1, len(cell.flat) * byte_charge_ps(pricing)),
    )


@dataclass(frozen=True, slots=True)
class Proved:
    """A witness as it was timed: its ratio, that of ordinary input, one over the other, time of one application, and
    seconds of the whole witness."""

    ratio: Estimate
    ordinary: Estimate | None
    over_ordinary: Estimate | None
    time_ps: float
    program_seconds: Estimate
    processes: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What the proof's run says: the scale, and the witnesses by price."""

    scale: float
    proved: dict[str, Proved]


class _ProcessRatios:
    """Time over charge, by process."""

    def __init__(self, run: Run) -> None:
        samples = run.samples()
        yardsticks = yardsticks_for(run.design.settings.evaluator)
        means = process_means(samples, yardsticks=yardsticks)
        self._ns: dict[str, Floats] = {}
        if not means.empty:
            times = np.exp(means.to_numpy(dtype=np.float64)) * reference_yardstick(samples, yardsticks)
            self._ns = dict(zip(map(str, means.index), times, strict=True))

    def ns(self, cell: Cell) -> Floats | None:
        return self._ns.get(cell.id)

    def of(self, timing: Timing) -> Floats | None:
        """Ratio by process, NaN where one has not enough clean batches; None where none has."""
        times = [self.ns(cell) for cell in timing.cells]
        if any(each is None for each in times):
            return None
        first, *rest = (each for each in times if each is not None)
        difference = first - rest[0] if rest else first
        found: Floats = difference * 1e3 / timing.applications / timing.charge_ps
        return found


def proved(plan: ProofPlan, run: Run, scale: float | None) -> Proof:
    """Ratios over the `scale`, which is that of the panel in each process unless it is given."""
    ratios = _ProcessRatios(run)
    pace = _pace(plan, ratios) if scale is None else np.float64(scale)
    common = float(np.nanmedian(pace)) if np.isfinite(pace).any() else math.nan
    raw: dict[str, tuple[Timing, Floats]] = {}
    for timing in plan.witnesses:
        found = ratios.of(timing)
        if found is not None and np.isfinite(found).sum() >= FEWEST_PROCESSES:
            raw[timing.name.removeprefix("worst/")] = timing, found
    usual = {name: ratios.of(timing) for name, timing in plan.ordinary.items()}
    over = {name: found / pace for name, (_, found) in raw.items()}
    below = {name: each / pace for name, each in usual.items() if each is not None and name in raw}
    relative = {name: over[name] / below[name] for name in below if (np.nan_to_num(below[name], nan=1.0) > 0).all()}
    seconds = {
        name: times / 1e9 for name, (timing, _) in raw.items() if (times := ratios.ns(timing.cells[0])) is not None
    }
    estimates = [_estimates(each) for each in (over, below, relative, seconds)]
    return Proof(
        common,
        {
            name: Proved(
                ratio=estimates[0][name],
                ordinary=estimates[1].get(name),
                over_ordinary=estimates[2].get(name),
                time_ps=float(np.nanmean(found)) * timing.charge_ps,
                program_seconds=estimates[3][name],
                processes=int(np.isfinite(found).sum()),
            )
            for name, (timing, found) in raw.items()
        },
    )


def _pace(plan: ProofPlan, ratios: _ProcessRatios) -> Floats:
    """By process the ratio of the panel: the logarithm's mean over the middle half of its members, and how far the
    process is apart from the others.

    Members differ by a factor of ten, so that their median would be one of them alone, and the scale of a session what
    the machine's state did to that one. A member that a process did not time does not move it.
    """
    found = [each for timing in plan.panel if (each := ratios.of(timing)) is not None]
    logs = np.array([np.log(np.where(each > 0, each, math.nan)) for each in found if (each > 0).any()])
    if not len(logs):
        return np.full(1, math.nan)
    levels = np.nanmedian(logs, axis=1)
    timed = np.isfinite(logs).any(axis=0)
    apart = np.full(logs.shape[1], math.nan)
    apart[timed] = np.nanmedian(logs[:, timed] - levels[:, None], axis=0)
    return np.asarray(np.exp(trim_mean(levels, 0.25) + apart))


def _estimates(values: Mapping[str, Floats]) -> dict[str, Estimate]:
    """Means over processes with 95 % intervals by Student's t. Few processes say little about one variance, so relative
    variances are moderated by one another."""
    known = {name: each[np.isfinite(each)] for name, each in values.items()}
    known = {name: each for name, each in known.items() if len(each) >= FEWEST_PROCESSES and each.mean() != 0}
    if not known:
        return {}
    means = np.array([each.mean() for each in known.values()])
    variances = np.array([each.var(ddof=1) for each in known.values()]) / np.square(means)
    freedom = np.array([len(each) - 1.0 for each in known.values()])
    prior = prior_of(variances, freedom)
    # The prior is of other cells in the same processes, which share their states: it is worth no more than they are.
    weight = min(prior.freedom, float(freedom.max()))
    moderated = (weight * prior.variance + freedom * variances) / (weight + freedom)
    half = stdtrit(freedom + weight, _LEVEL) * np.sqrt(moderated / (freedom + 1)) * np.abs(means)
    return {
        name: Estimate(float(mean), float(mean - width), float(mean + width))
        for name, mean, width in zip(known, means, half, strict=True)
    }
