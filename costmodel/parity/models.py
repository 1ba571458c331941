"""A fitted model as one evaluator's times: what each price takes at any sizes, with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from costmodel.errors import InputError, ModelError
from costmodel.model import EXTRAS_KEY, CostingFunction, CostModel, load
from costmodel.records.model import Figure, FittedModel, parse_section
from costmodel.runs.store import file_fact

_NEAR: Final = 4.0
"""Sizes are near where each differs by less than this factor."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A time in picoseconds, with its 95 % interval."""

    ps: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EvaluatorModel:
    """One evaluator: who it is, and its fitted model. `yardstick_ns` is None where its machine's speed is not known."""

    name: str
    version: str
    path: Path
    sha256: str
    machine: str
    yardstick_ns: float | None
    _model: CostModel
    _section: FittedModel

    @property
    def builtins(self) -> tuple[str, ...]:
        return tuple(name for name in self._model.builtins if name in self._section.builtins)

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(self._section.steps.coefficients)

    def centre(self, name: str) -> tuple[int, ...]:
        """Sizes in the middle of those at which a builtin was measured."""
        return self._section.builtins[name].cost_at_centre.sizes

    def covers(self, name: str, sizes: tuple[int, ...]) -> bool:
        """Whether something was measured near these sizes: a formula tells nothing of what is far from its points."""
        function = self._model.builtins[name].cpu
        inner = function.model.shape.reads if function.model else ()
        axes = {*function.shape.reads, *inner}
        return any(
            all(1 / _NEAR <= max(sizes[axis], 1) / max(point.sizes[axis], 1) <= _NEAR for axis in axes)
            for point in self._section.builtins[name].points
            if len(point.sizes) == len(sizes)
        )

    def builtin_time(self, name: str, sizes: tuple[int, ...]) -> Taken:
        """What one application takes as it was fitted: before rounding, and above any minimum."""
        function = self._model.builtins[name].cpu
        fitted = self._section.builtins[name].coefficients
        row, offset, names = _row(function, sizes)
        if missing := [each for each in names if each not in fitted]:
            raise ModelError(f"{self.path}: {EXTRAS_KEY}.builtins.{name} has no {missing[0]}; fit the model again")
        values = np.array([fitted[each].ps for each in names], np.float64)
        ps = float(row @ values) + offset
        parts: list[Sequence[float]] = [self._section.errors.parts_ps.get(f"{name}.{each}", []) for each in names]
        if all(parts):
            half = self._section.errors.t * float(np.linalg.norm(row @ np.array(parts, np.float64)))
        else:
            half = float(np.abs(row) @ np.array([_half(fitted[each]) for each in names]))
        least = next((figure.ps for each, figure in fitted.items() if each.endswith("minimum")), 0.0)
        ps = max(ps, least)
        return Taken(ps, max(ps - half, 0.0), ps + half)

    def step_time(self, name: str) -> Taken:
        """What one step takes."""
        figure = self._section.steps.coefficients[name]
        low, high = figure.interval_ps or (figure.ps, figure.ps)
        return Taken(figure.ps, low, high)


def read_evaluators(paths: Sequence[Path]) -> tuple[EvaluatorModel, ...]:
    """The fitted models in these files, each under a name of its own. InputError for a file named twice, ModelError
    for a model that was not fitted to times, or that is in the picoseconds of another machine."""
    found = [_read(path) for path in paths]
    twice = [name for name, count in Counter(each.sha256 for each in found).items() if count > 1]
    if twice:
        same = next(each for each in found if each.sha256 == twice[0])
        raise InputError(f"{same.path} is named twice, or another file is the same model")
    return tuple(_distinct(found))


def _distinct(found: Sequence[EvaluatorModel]) -> Iterator[EvaluatorModel]:
    """Names by version, and by file, where the evaluators' own are alike."""
    names = Counter(each.name for each in found)
    versioned = Counter(f"{each.name} {each.version}" for each in found)
    for each in found:
        name = each.name if names[each.name] == 1 else f"{each.name} {each.version}"
        yield replace(each, name=name if versioned[name] <= 1 else f"{each.name} ({each.path.stem})")


def _read(path: Path) -> EvaluatorModel:
    model = load([path])
    section = parse_section(model.extras, f"{path}: {EXTRAS_KEY}") if model.extras else None
    if not isinstance(section, FittedModel):
        raise ModelError(f"{path} does not hold one evaluator's own times; give a model that `calibrate fit` wrote")
    if section.clock_unit != "ns":
        raise ModelError(f"{path} has prices in {section.clock_unit}, not in time; fit runs that were timed")
    return EvaluatorModel(
        name=section.picoseconds_of.evaluator,
        version=section.picoseconds_of.version,
        path=path,
        sha256=file_fact(path).sha256,
        machine=section.machine.id,
        yardstick_ns=section.hash_yardstick_ns,
        _model=model,
        _section=section,
    )


def _row(function: CostingFunction, sizes: tuple[int, ...]) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """What multiplies each coefficient at these sizes, what is added, and the coefficients' names."""
    design = function.design(np.array([sizes], np.float64))
    return design.matrix[0], float(design.offset[0]), design.names


def _half(figure: Figure) -> float:
    low, high = figure.interval_ps or (figure.ps, figure.ps)
    return (high - low) / 2
