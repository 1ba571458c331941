"""A fit expressed in the picoseconds of another machine, from the builtins that both know.

One factor for a whole machine would be wrong: hashing and pointer chasing do not gain alike. So each family of builtins
has a factor of its own, the median over its builtins of the ratio of costs, drawn towards the median of all families as
far as the spread within and between families says (empirical Bayes; B. Efron, C. Morris, Journal of the American
Statistical Association 70, 1975). A builtin that only this machine knows is off from its family's factor as the known
ones are; a family without a known builtin is off from the others as they are from one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from costmodel.errors import InputError
from costmodel.files import refuse, write_atomically
from costmodel.fit.coefficient import rounded, whole_ps
from costmodel.fit.families import FAMILIES, FAMILY_OF
from costmodel.fit.prices import Rounding, whole_prices
from costmodel.model import BuiltinCost, CostingFunction, CostModel, ExUnits, PlainShape, dump

Floats = NDArray[np.float64]
Sizes = Sequence[int]

FEWEST_KNOWN: Final = 4
EXTRAS_KEY: Final = "expressed_in"
_HELD_OUT: Final = 0.25  # of the known builtins
_ROUNDS: Final = 20
_LEVEL: Final = 0.95
_NORMAL_MAD: Final = 1.4826  # a normal distribution's standard deviation over its median absolute deviation
_LEAST_SPREAD: Final = 1e-3  # of log ratios; prices are not known better
_MEDIAN_VARIANCE: Final = np.pi / 2  # of a median over a mean's, of normal deviates


class Scale(NamedTuple):
    """Reference picoseconds for one of this machine's, with the 95 % interval for one builtin of the family.

    `known` counts the family's builtins that both models have.
    """

    factor: float
    low: float
    high: float
    known: int

    def to_json(self) -> dict[str, object]:
        interval = [rounded(self.low), rounded(self.high)]
        return {"factor": rounded(self.factor), "interval": interval, "known": self.known}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """How well builtins were predicted that were left out: relative errors of `predictions`, made in `rounds` rounds
    that each left out a quarter, and the share that the 95 % intervals held."""

    rounds: int
    predictions: int
    median_error: float
    p90_error: float
    covered: float

    def to_json(self) -> dict[str, object]:
        return {
            "rounds": self.rounds,
            "predictions": self.predictions,
            "median_error": rounded(self.median_error),
            "p90_error": rounded(self.p90_error),
            "covered": rounded(self.covered),
        }


@dataclass(frozen=True, slots=True)
class Expressed:
    """A model in a reference's picoseconds: `scales` by family, `ratios` of the builtins that both know, `steps` the
    factor of the machine steps."""

    cost_model: CostModel
    reference: str
    scales: dict[str, Scale]
    steps: float
    ratios: dict[str, float]
    held_out: HeldOut

    def to_json(self) -> dict[str, object]:
        return {
            "reference": self.reference,
            "families": {family: scale.to_json() for family, scale in self.scales.items()},
            "steps_factor": rounded(self.steps),
            "ratios": {name: rounded(ratio) for name, ratio in sorted(self.ratios.items())},
            "held_out": self.held_out.to_json(),
        }

    def write(self, path: Path) -> None:
        """Write the model, whole or not at all, and make its folder. EnvironmentFault where that fails."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            refuse("write", path, error)
        write_atomically(path, dump(self.cost_model))


def express(fitted: CostModel, reference: CostModel, *, seed: int = 0) -> Expressed:
    """`fitted`, as `fit` makes it, in the picoseconds of `reference`; `seed` chooses what is held out.

    Costs are compared at the sizes that were measured. What the fit says of its own machine (its state, its intervals)
    does not hold for the other and is left out. InputError where too few builtins, or no steps, are in both.
    """
    measured = {name: _measured_sizes(fitted, name) for name in fitted.builtins}
    ratios = {
        name: ratio
        for name, cost in fitted.builtins.items()
        if name in reference.builtins
        and (ratio := _ratio(cost.cpu, reference.builtins[name].cpu, measured[name])) is not None
    }
    if len(ratios) < FEWEST_KNOWN:
        raise InputError(
            f"{reference.source} and the runs have {len(ratios)} builtins in common; {FEWEST_KNOWN} are the fewest"
        )
    found = scales({name: float(np.log(ratio)) for name, ratio in ratios.items()})
    steps = _steps_factor(fitted, reference)
    expressed = Expressed(
        cost_model=fitted,
        reference=reference.source,
        scales=found,
        steps=steps,
        ratios=ratios,
        held_out=hold_out({name: float(np.log(ratio)) for name, ratio in ratios.items()}, seed),
    )
    model = replace(
        fitted,
        builtins={
            name: BuiltinCost(_scaled(cost.cpu, found[FAMILY_OF[name]].factor, measured[name]), cost.memory)
            for name, cost in fitted.builtins.items()
        },
        steps={kind: ExUnits(whole_ps(units.cpu * steps), units.mem) for kind, units in fitted.steps.items()},
        startup=None if fitted.startup is None else ExUnits(whole_ps(fitted.startup.cpu * steps), fitted.startup.mem),
        extras={EXTRAS_KEY: expressed.to_json() | {key: fitted.extras.get(key, []) for key in ("inputs", "warnings")}},
        source=f"{fitted.source}, in picoseconds of {reference.source}",
    )
    return replace(expressed, cost_model=model)


def _measured_sizes(fitted: CostModel, name: str) -> list[tuple[int, ...]]:
    """Where a builtin was measured, by the fit's own account; InputError where it has none."""
    try:
        account = fitted.extras["builtins"][name]  # type: ignore[index]
        points = account.get("points")
        places = points if isinstance(points, list) else [account["cost_at_centre"]]
        return [tuple(int(size) for size in place["sizes"]) for place in places]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{fitted.source} does not say at which sizes {name} was measured; fit it again") from error


def _ratio(own: CostingFunction, other: CostingFunction, sizes: Sequence[Sizes]) -> float | None:
    """The median over sizes of other ÷ own; None where either costs nothing."""
    pairs = [(own.evaluate(point), other.evaluate(point)) for point in sizes]
    shares = [there / here for here, there in pairs if here > 0 and there > 0]
    return float(np.median(shares)) if shares else None


def _steps_factor(fitted: CostModel, reference: CostModel) -> float:
    """The median over step kinds of the ratio of prices."""
    shares = [
        reference.steps[kind].cpu / units.cpu
        for kind, units in fitted.steps.items()
        if kind in reference.steps and units.cpu > 0 and reference.steps[kind].cpu > 0
    ]
    if not shares:
        raise InputError(f"{reference.source} has no step costs, which would say how fast its machine is")
    return float(np.median(shares))


def scales(log_ratios: Mapping[str, float]) -> dict[str, Scale]:
    """The factor of each family from the log ratios of known builtins.

    Intervals are at least as wide as it takes for 95 % of the known builtins to lie in theirs when each is left out in
    turn, for ratios have longer tails than a normal distribution (R. F. Barber et al., Predictive inference with the
    jackknife+, Annals of Statistics 49, 2021).
    """
    normal = float(stdtrit(len(log_ratios) - 1, (1 + _LEVEL) / 2))
    widening = max(normal, _widening(log_ratios))
    found = {}
    for family, centre in _centres(log_ratios).items():
        half = float(np.hypot(widening * centre.within, normal * centre.between))
        factor, low, high = (float(np.exp(centre.log_factor + by)) for by in (0, -half, half))
        found[family] = Scale(factor, low, high, sum(name in FAMILIES[family] for name in log_ratios))
    return found


def _widening(log_ratios: Mapping[str, float]) -> float:
    """How many standard deviations builtins are off when left out: no more than this for 95 % of them."""
    misses = []
    for name, ratio in log_ratios.items():
        centre = _centres({other: each for other, each in log_ratios.items() if other != name})[FAMILY_OF[name]]
        misses.append(abs(ratio - centre.log_factor) / float(np.hypot(centre.within, centre.between)))
    rank = min(int(np.ceil(_LEVEL * (len(misses) + 1))), len(misses))
    return sorted(misses)[rank - 1]


class _Centre(NamedTuple):
    """The log factor of a family, and standard deviations of one builtin about it: by what is seen within families,
    and, where the family is unknown, by what is seen between them."""

    log_factor: float
    within: float
    between: float


def _centres(log_ratios: Mapping[str, float]) -> dict[str, _Centre]:
    """Every family's centre."""
    members: dict[str, list[float]] = {family: [] for family in FAMILIES}
    for name, ratio in log_ratios.items():
        members[FAMILY_OF[name]].append(ratio)
    known = [np.array(ratios) for ratios in members.values() if ratios]
    medians = np.array([float(np.median(ratios)) for ratios in known])
    within = _variance_within(known)
    overall = float(np.median(medians))
    chance = within * _MEDIAN_VARIANCE * float(np.mean([1 / len(ratios) for ratios in known]))
    between = max(0.0, _mad_variance(medians - overall, len(medians) - 1) - chance) if len(medians) > 2 else within
    of_overall = _MEDIAN_VARIANCE * (between + chance) / len(medians)
    found = {}
    for family, ratios in members.items():
        if not ratios:
            found[family] = _Centre(overall, float(np.sqrt(within)), float(np.sqrt(between + of_overall)))
            continue
        error = _MEDIAN_VARIANCE * within / len(ratios)
        weight = (between + of_overall) / (between + of_overall + error)
        centre = weight * float(np.median(ratios)) + (1 - weight) * overall
        found[family] = _Centre(centre, float(np.sqrt(within + weight * error)), 0.0)
    return found


def _variance_within(families: Sequence[Floats]) -> float:
    """Variance of log ratios about their family's median; never quite 0, as equal ratios would have it."""
    shared = [ratios - np.median(ratios) for ratios in families if len(ratios) > 1]
    df = sum(len(ratios) - 1 for ratios in shared)
    if df < 2:  # hardly any family has two: all builtins are one family
        everything = np.concatenate(list(families))
        shared, df = [everything - np.median(everything)], len(everything) - 1
    return max(_mad_variance(np.concatenate(shared), df), _LEAST_SPREAD**2)


def _mad_variance(deviations: Floats, df: int) -> float:
    """The variance that a median absolute deviation implies, for the degrees of freedom that medians have used."""
    return float((_NORMAL_MAD * np.median(np.abs(deviations))) ** 2) * len(deviations) / max(df, 1)


def hold_out(log_ratios: Mapping[str, float], seed: int) -> HeldOut:
    """Leave out a quarter of the known builtins, predict them from the rest, again and again."""
    names = sorted(log_ratios)
    rng = np.random.default_rng(seed)
    count = max(1, round(_HELD_OUT * len(names)))
    errors, held = [], []
    for _ in range(_ROUNDS):
        left = set(rng.choice(names, size=count, replace=False).tolist())
        found = scales({name: ratio for name, ratio in log_ratios.items() if name not in left})
        for name in left:
            scale, truth = found[FAMILY_OF[name]], float(np.exp(log_ratios[name]))
            errors.append(abs(scale.factor / truth - 1))
            held.append(scale.low <= truth <= scale.high)
    return HeldOut(
        _ROUNDS, len(errors), float(np.median(errors)), float(np.quantile(errors, 0.9)), float(np.mean(held))
    )


def _scaled(function: CostingFunction, factor: float, sizes: Sequence[Sizes]) -> CostingFunction:
    """All coefficients that are picoseconds times `factor`, whole ones again so that costs at `sizes` keep to it."""
    design = function.design(np.array(sizes, np.float64))
    scaled = {
        name: float(value) if _is_size(function, name) else value * factor
        for name, value in zip(function.names, function.values, strict=True)
    }
    values = np.array([scaled[name] for name in design.names])
    least = np.where(values >= 0, 0.0, -np.inf)
    prices = whole_prices(values, least, design.matrix, design.offset, design.floor * factor, Rounding.JOINT)
    whole = {name: whole_ps(value) for name, value in scaled.items()} | dict(zip(design.names, prices, strict=True))
    return function.with_values([whole[name] for name in function.names])


def _is_size(function: CostingFunction, name: str) -> bool:
    """Whether a coefficient is a size and no cost: a minimum that is not the cost's own floor."""
    inner = name.startswith("model.") and function.model is not None
    shape = function.model.shape if inner and function.model is not None else function.shape
    field = name.removeprefix("model.") if inner else name
    return field == "minimum" and not (isinstance(shape, PlainShape) and shape.floor_field == field)
