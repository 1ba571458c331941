"""A fit expressed in the picoseconds of another machine, from the builtins that both know.

One factor for a whole machine would be wrong: hashing and pointer chasing do not gain alike, and what takes a few
nanoseconds is spent on other things than what takes microseconds (between two builds of one machine the ratio fell from
14.8 below 5 ns to 1.0 above 5 µs). So the logarithm of the ratio is a function of the logarithm of the cost and of the
family of builtins, drawn from a Gaussian process (C. E. Rasmussen, C. K. I. Williams, "Gaussian Processes for Machine
Learning", 2006; scikit-learn): smooth in the cost, with a deviation that builtins of a family share, and noise of each
builtin by itself. Its hyperparameters are those of the greatest marginal likelihood.

What the process says of a builtin that only this machine knows is widened until 95 % of the known ones of about its
cost lie in their intervals when left out (R. F. Barber et al., "Predictive inference with the jackknife+", Annals of
Statistics 49, 2021). Families differ in how far their members do: what a library computes takes as long in any build,
the machine's own loops do not. So each builtin is missed in units of its family's spread, held to that of all
(moderated, as in G. K. Smyth, "Linear models and empirical Bayes methods", 2004).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve

from costmodel.errors import InputError, ModelError
from costmodel.fit.costing import is_size
from costmodel.fit.envelope import FAMILIES, FAMILY_OF
from costmodel.fit.pipeline import write_model
from costmodel.fit.regression import Rounding, rounded_record, whole_prices, whole_ps
from costmodel.model import EXTRAS_KEY, BuiltinCost, CostingFunction, CostModel, ExUnits
from costmodel.model.basis import basis_of_model
from costmodel.records import model as record

Floats = NDArray[np.float64]
Sizes = Sequence[int]

FEWEST_KNOWN: Final = 4
DEFAULT_FACTOR: Final = 3.0
"""A figure whose 95 % interval reaches further than this factor to either side is not written."""

_HELD_OUT: Final = 0.25  # of the known builtins
_ROUNDS: Final = 20
_LEVEL: Final = 0.95
_LEAST_NOISE: Final = 1e-6  # variance of log ratios; prices are not known better
_LEAST_WIDENING: Final = 1.96  # of a normal distribution
_NEARBY: Final = 4.0  # builtins whose log costs differ by about this say how far off one of them may be
_PRIOR: Final = 1.0  # builtins of the usual spread that a family's own spread counts besides its members
_DEAR: Final = float(np.log(50_000.0))  # 50 ns
# How far families lie apart among the inputs, and the length scales that tell them apart and that ignore the cost.
_FAMILY: Final = 1e-4
_APART: Final = 1e-5
_IGNORED: Final = 1e6


class SharedBuiltin(NamedTuple):
    """A builtin that both models have: the log of its cost here (ps), and of the ratio there ÷ here."""

    log_cost: float
    log_ratio: float


@dataclass(frozen=True, slots=True)
class Expressed:
    """A model in a reference's picoseconds, and what is known of it."""

    cost_model: CostModel
    section: record.ExpressedModel

    def write(self, path: Path) -> None:
        """Write the model, whole or not at all, and make its folder. EnvironmentFault where that fails."""
        write_model(self.cost_model, path)

    def document(self, path: Path) -> record.ExpressedFit:
        """What `fit --reference --json` prints of it, once it is written to `path`."""
        parts = msgspec.to_builtins(self.section)
        return msgspec.convert(parts | {"kind": "expressed fit", "model": str(path)}, record.ExpressedFit)


def express(fitted: CostModel, reference: CostModel, *, seed: int = 0, factor: float = DEFAULT_FACTOR) -> Expressed:
    """`fitted`, as `fit` makes it, in the picoseconds of `reference`; `seed` chooses what is held out.

    Costs are compared at the sizes that were measured. What the fit says of its own machine (its state, its intervals)
    does not hold for the other and is left out. A builtin whose interval reaches further than `factor` to either side
    is left out of the model. InputError where too few builtins, or no steps, are in both.
    """
    section = _section(fitted)
    measured = {name: [point.sizes for point in builtin.points] for name, builtin in section.builtins.items()}
    known = {
        name: found
        for name, cost in fitted.builtins.items()
        if name in reference.builtins
        and (found := _known(cost.cpu, reference.builtins[name].cpu, measured[name])) is not None
    }
    if len(known) < FEWEST_KNOWN:
        raise InputError(
            f"{reference.source} and the runs have {len(known)} builtins in common; {FEWEST_KNOWN} are the fewest"
        )
    steps = _steps_factor(fitted, reference)
    costs = {name: _log_cost(cost.cpu, measured[name]) for name, cost in fitted.builtins.items()}
    scales = _scales(known, costs)
    refused = {name: scale for name, scale in scales.items() if _reach(scale) > factor}
    kept = {name: cost for name, cost in fitted.builtins.items() if name not in refused}
    said = rounded_record(
        record.ExpressedModel(
            reference=reference.source,
            builtins=scales,
            families={},
            refused={name: f"known to a factor of {_reach(scale):.2g} only" for name, scale in refused.items()},
            most_factor=factor,
            steps_factor=steps,
            ratios={name: float(np.exp(each.log_ratio)) for name, each in sorted(known.items())},
            held_out=hold_out(known, seed),
            inputs=section.inputs,
            warnings=section.warnings,
            picoseconds_of=basis_of_model(reference),
            flagged=section.flagged,
        )
    )
    model = replace(
        fitted,
        builtins={
            name: BuiltinCost(_scaled(cost.cpu, scales[name].factor, measured[name]), cost.memory)
            for name, cost in kept.items()
        },
        steps={kind: ExUnits(whole_ps(units.cpu * steps), units.mem) for kind, units in fitted.steps.items()},
        startup=None if fitted.startup is None else ExUnits(whole_ps(fitted.startup.cpu * steps), fitted.startup.mem),
        extras=msgspec.to_builtins(said),
        source=f"{fitted.source}, in picoseconds of {reference.source}",
    )
    return Expressed(model, said)


def _section(fitted: CostModel) -> record.FittedModel:
    """What the fit says of itself; InputError for a model that is no fit."""
    try:
        section = record.parse_section(fitted.extras, f"{fitted.source}: {EXTRAS_KEY}")
    except ModelError as error:
        raise InputError(str(error)) from error
    if not isinstance(section, record.FittedModel):
        raise InputError(f"{fitted.source} is in another machine's picoseconds already; take the fit itself")
    return section


def _known(own: CostingFunction, other: CostingFunction, sizes: Sequence[Sizes]) -> SharedBuiltin | None:
    """The cost here and the ratio there ÷ here, medians over sizes of logs; None where either costs nothing."""
    pairs = [(own.evaluate(point), other.evaluate(point)) for point in sizes]
    ratios = [float(np.log(there / here)) for here, there in pairs if here > 0 and there > 0]
    return SharedBuiltin(_log_cost(own, sizes), float(np.median(ratios))) if ratios else None


def _log_cost(function: CostingFunction, sizes: Sequence[Sizes]) -> float:
    return float(np.median([np.log(max(function.evaluate(point), 1)) for point in sizes]))


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


class _Process:
    """A Gaussian process of log ratios over log costs and families, fitted to known builtins."""

    def __init__(self, known: Mapping[str, SharedBuiltin], like: _Process | None = None) -> None:
        """With `like` its hyperparameters are taken over, as where a few builtins are left out."""
        # scikit-learn takes a second to load.
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

        ratios = np.array([each.log_ratio for each in known.values()])
        self._centre: float = float(np.median(ratios)) if like is None else like._centre
        if like is None:
            spread = float(np.var(ratios)) + _LEAST_NOISE
            bounds = (spread * 1e-3, spread * 10)
            kernel = (
                ConstantKernel(spread / 2, bounds) * RBF(3.0, (1.0, 20.0))
                + ConstantKernel(spread / 4, bounds) * RBF([_IGNORED, *[_APART] * len(FAMILIES)], "fixed")
                + WhiteKernel(spread / 4, bounds)
            )
        else:
            kernel = like._model.kernel_
        self._costs = np.array([each.log_cost for each in known.values()])
        self._model: GaussianProcessRegressor = GaussianProcessRegressor(
            kernel, optimizer="fmin_l_bfgs_b" if like is None else None
        )
        with warnings.catch_warnings():
            # It warns where a hyperparameter lies at a bound, as it does where builtins differ by nothing.
            warnings.simplefilter("ignore")
            self._model.fit(_inputs({name: each.log_cost for name, each in known.items()}), ratios - self._centre)
        missed = self._left_out(ratios - self._centre)
        self._spreads: dict[str, float] = {}
        families = np.array([FAMILY_OF[name] for name in known])
        for family in dict.fromkeys(families.tolist()):
            members = families == family
            self._spreads[family] = _moderated(np.square(missed[members]))
            others = [np.square(missed[members & (np.arange(len(missed)) != at)]) for at in np.flatnonzero(members)]
            missed[members] /= [_moderated(each) for each in others]
        self._missed = np.abs(missed)

    def _left_out(self, ratios: Floats) -> Floats:
        """By how many standard deviations each known builtin is missed by the others."""
        inverse = cho_solve((self._model.L_, True), np.eye(len(ratios)))
        missed: Floats = (inverse @ ratios) / np.sqrt(np.diag(inverse))
        return missed

    def scale(self, costs: Mapping[str, float]) -> dict[str, tuple[float, float]]:
        """The log ratio of each builtin of a cost (log ps), and half its 95 % interval."""
        found, errors = self._model.predict(_inputs(costs), return_std=True)
        return {
            name: (
                float(log_ratio) + self._centre,
                self._widening(cost) * self._spreads.get(FAMILY_OF[name], 1.0) * float(error),
            )
            for (name, cost), log_ratio, error in zip(costs.items(), found, errors, strict=True)
        }

    def _widening(self, log_cost: float) -> float:
        """How many of their families' spreads hold 95 % of the known builtins of about this cost, when left out."""
        weights = np.exp(-0.5 * np.square((self._costs - log_cost) / _NEARBY)) + 1e-9
        order = np.argsort(self._missed)
        # What is asked about counts as one more builtin, of which nothing is known.
        total = np.cumsum(weights[order]) / (weights.sum() + 1.0)
        at = min(int(np.searchsorted(total, _LEVEL)), len(order) - 1)
        return max(float(self._missed[order][at]), _LEAST_WIDENING)


def _moderated(squares: Floats) -> float:
    """The spread of a family by the squares of what its members are missed by, in standard deviations."""
    return float(np.sqrt((_PRIOR + squares.sum()) / (_PRIOR + len(squares))))


def _inputs(costs: Mapping[str, float]) -> Floats:
    """The log cost, and for each family whether the builtin is in it: so little apart that it does not matter to what
    is smooth in the cost."""
    families = list(FAMILIES)
    rows = np.zeros((len(costs), 1 + len(families)))
    for row, (name, cost) in zip(rows, costs.items(), strict=True):
        row[0] = cost
        row[1 + families.index(FAMILY_OF[name])] = _FAMILY
    return rows


def _scales(known: Mapping[str, SharedBuiltin], costs: Mapping[str, float]) -> dict[str, record.Scale]:
    """What to multiply the cost of each builtin by: the ratio itself where both models have it."""
    found = _Process(known).scale(costs)
    return {
        name: record.Scale(
            family=FAMILY_OF[name],
            factor=float(np.exp(known[name].log_ratio if name in known else centre)),
            predicted=float(np.exp(centre)),
            interval=(float(np.exp(centre - half)), float(np.exp(centre + half))),
            known=name in known,
        )
        for name, (centre, half) in found.items()
    }


def _reach(scale: record.Scale) -> float:
    """How far an interval reaches to either side, as a factor; 1 for what is known."""
    return 1.0 if scale.known else float(np.sqrt(scale.interval[1] / scale.interval[0]))


def hold_out(known: Mapping[str, SharedBuiltin], seed: int) -> record.HeldOut:
    """Leave out a quarter of the known builtins, predict them from the rest, again and again."""
    names = sorted(known)
    rng = np.random.default_rng(seed)
    count = max(1, round(_HELD_OUT * len(names)))
    whole = _Process(known)
    errors, held, dear = [], [], []
    for _ in range(_ROUNDS):
        left = set(rng.choice(names, size=count, replace=False).tolist())
        rest = _Process({name: each for name, each in known.items() if name not in left}, whole)
        for name, (centre, half) in rest.scale({name: known[name].log_cost for name in sorted(left)}).items():
            errors.append(abs(float(np.exp(centre - known[name].log_ratio)) - 1))
            held.append(abs(centre - known[name].log_ratio) <= half)
            if known[name].log_cost > _DEAR:
                dear.append(float(np.exp(half)))
    return record.HeldOut(
        rounds=_ROUNDS,
        predictions=len(errors),
        median_error=float(np.median(errors)),
        p90_error=float(np.quantile(errors, 0.9)),
        covered=float(np.mean(held)),
        interval_factor_above_50_ns=float(np.median(dear)) if dear else None,
    )


def _scaled(function: CostingFunction, factor: float, sizes: Sequence[Sizes]) -> CostingFunction:
    """All coefficients that are picoseconds times `factor`, whole ones again so that costs at `sizes` keep to it."""
    design = function.design(np.array(sizes, np.float64))
    scaled = {
        name: float(value) if is_size(function, name) else value * factor
        for name, value in zip(function.names, function.values, strict=True)
    }
    values = np.array([scaled[name] for name in design.names])
    least = np.where(values >= 0, 0.0, -np.inf)
    prices = whole_prices(values, least, design.matrix, design.offset, design.floor * factor, Rounding.JOINT)
    whole = {name: whole_ps(value) for name, value in scaled.items()} | dict(zip(design.names, prices, strict=True))
    return function.with_values([whole[name] for name in function.names])
