"""The search: one maximum for each price, all of them in turn, each driven by a study of optuna.

Several inputs are under way at once: while the worker times one, the next are made. A first round says little of a
ratio, and yet which are hopeless: these are pruned, and the others timed again.
"""

from __future__ import annotations

import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import optuna
from optuna.trial import TrialState

from costmodel.errors import CalibrateError, InputError
from costmodel.worst.space import Unfit, Value
from costmodel.worst.target import ChargedPrices, Probe, Target
from costmodel.worst.timer import Timer
from costmodel.worst.worker import Ask, Told

_RUNGS: Final = (1, 1, 2)  # rounds of a trial, with a chance to prune it after each but the last
_IDLE_SECONDS: Final = 2e-4  # an answer that comes sooner was there before it was waited for
_LONGER: Final = 1.1
_LONGEST: Final = 8.0
_UNDER_WAY: Final = 3  # inputs: one that is timed, one that waits, one that is made
_STARTUP_TRIALS: Final = 12
_PERCENTILE: Final = 33.0  # of the trials before, which a trial has to belong to after a round
_UNFIT_TRIES: Final = 20  # points in a row that make no input, before another price has its turn

SAMPLERS: Final[dict[str, Callable[[int], optuna.samplers.BaseSampler]]] = {
    "tpe": lambda seed: optuna.samplers.TPESampler(
        seed=seed, multivariate=True, n_startup_trials=_STARTUP_TRIALS, constant_liar=True
    ),
    "genetic": lambda seed: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}
SAMPLER: Final = "genetic"


def quiet_optuna() -> None:
    """Let optuna say nothing: its lines are not for users."""
    optuna.logging.set_verbosity(logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


@contextmanager
def replayed() -> Iterator[None]:
    """InputError for whatever optuna raises: it believes its journal, and one that it did not write fails anywhere."""
    try:
        yield
    except (CalibrateError, MemoryError):
        raise
    except Exception as error:
        told = f"{error!r:.100}"
        raise InputError(f"the studies of this search cannot be continued ({told}); start a new search") from error


@dataclass
class _Course:
    """A target's study, and what was given to it."""

    target: Target
    study: optuna.Study
    seconds: float = 0.0
    under_way: int = 0


@dataclass
class _TimedTrial:
    """A trial that is being timed."""

    course: _Course
    trial: optuna.Trial
    probe: Probe
    rung: int = 0
    ratios: list[float] = field(default_factory=list)


def ratio_of(probe: Probe, ns: Sequence[float]) -> float:
    """Picoseconds of time for each that is charged, from times of one run of each cell."""
    other = ns[1] if len(ns) > 1 else 0.0
    return (ns[0] - other) * 1e3 / probe.applications / probe.charge_ps


class Search:
    """Studies of targets, and the loop that feeds them."""

    def __init__(
        self,
        targets: Sequence[Target],
        pricing: ChargedPrices,
        timer: Timer,
        storage: optuna.storages.BaseStorage,
        *,
        seed: int,
        sampler: str = SAMPLER,
        differential: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A `storage` that has studies of these targets already is continued. A `differential` search times nothing: it
        looks for inputs on which the evaluator differs. InputError where the storage has other than these."""
        quiet_optuna()
        self.pricing, self.timer, self.seed = pricing, timer, seed
        self._clock, self._differential = clock, differential
        with replayed():
            self._courses = [_Course(target, self._study(target, storage, sampler)) for target in targets]
        self._flights: dict[int, _TimedTrial] = {}
        self.begun = 0
        """Inputs that were timed or are under way, in this session."""
        self._longer = 1.0
        self.timed_seconds = 0.0
        self.differences: dict[str, tuple[Probe, str]] = {}

    def _study(self, target: Target, storage: optuna.storages.BaseStorage, sampler: str) -> optuna.Study:
        study = optuna.create_study(
            study_name=target.name,
            storage=storage,
            direction="maximize",
            load_if_exists=True,
            sampler=SAMPLERS[sampler](self.seed),
            pruner=optuna.pruners.PercentilePruner(_PERCENTILE, n_startup_trials=_STARTUP_TRIALS),
        )
        known = {parameter.name: parameter for parameter in target.parameters}
        for trial in study.get_trials(deepcopy=False):
            if not all(name in known and known[name].holds(value) for name, value in trial.params.items()):
                raise InputError(f"a trial of {target.name} has other parameters than its inputs; start a new search")
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(trial.number, state=TrialState.FAIL)  # a session that was killed had begun it
        if not study.trials:
            study.enqueue_trial(target.plain)
        return study

    def take_timed(self) -> float:
        """Seconds inside the clock since this was last asked."""
        taken, self.timed_seconds = self.timed_seconds, 0.0
        return taken

    @property
    def trials(self) -> int:
        """Inputs that were tried, over all sessions."""
        return sum(len(course.study.get_trials(deepcopy=False)) for course in self._courses)

    def study(self, target: str) -> optuna.Study:
        return next(course.study for course in self._courses if course.target.name == target)

    def run(self, halted: Callable[[], bool]) -> None:
        """Search until `halted()`; what is under way then is finished."""
        while True:
            while len(self._flights) < _UNDER_WAY and not halted():
                if not self._begin():
                    break
            if not self._flights:
                return
            asked = self._clock()
            told = self.timer.told()
            self._adapt(self._clock() - asked)
            self._take(told)

    def _adapt(self, waited: float) -> None:
        """Time longer where the core would wait for the next input otherwise, which costs nothing."""
        if waited < _IDLE_SECONDS:
            self._longer = min(self._longer * _LONGER, _LONGEST)
        else:
            self._longer = max(self._longer / _LONGER, 1.0)

    def _rounds(self, rung: int) -> int:
        return round(_RUNGS[rung] * self._longer)

    def _begin(self) -> bool:
        """Make the next input of the price that had least time, and have it timed. False where there is none."""
        free = [course for course in self._courses if not course.under_way] or self._courses
        course = min(free, key=lambda course: course.seconds)
        began = self._clock()
        for _ in range(_UNFIT_TRIES):
            with replayed():
                trial = course.study.ask()
                values = {parameter.name: parameter.suggested(trial) for parameter in course.target.parameters}
            try:
                probe = course.target.probe(values, f"{self.seed} {trial.number}", self.pricing)
            except Unfit:
                course.study.tell(trial, state=TrialState.PRUNED)
                continue
            self.begun += 1
            self._flights[self.begun] = _TimedTrial(course, trial, probe)
            course.under_way += 1
            course.seconds += self._clock() - began
            if self._differential:
                self.timer.ask(Ask(number=self.begun, cells=probe.cells[:1], last=True, timed=False))
            else:
                self.timer.ask(Ask(number=self.begun, cells=probe.cells, rounds=self._rounds(0)))
            return True
        course.seconds += self._clock() - began
        return bool(self._flights)

    def _take(self, told: Told) -> None:
        self.timed_seconds += told.timed_seconds
        flight = self._flights[told.number]
        flight.course.seconds += told.timed_seconds
        if told.difference:
            self.differences[flight.probe.cells[0].id] = (flight.probe, told.difference)
        if told.fault:
            self._end(told.number, flight, TrialState.FAIL)
            return
        if self._differential:
            self._end(told.number, flight, TrialState.COMPLETE, float(bool(told.difference)))
            return
        flight.ratios += [ratio_of(flight.probe, ns) for ns in told.ns]
        ratio = statistics.median(flight.ratios)
        flight.rung += 1
        with replayed():
            flight.trial.report(ratio, flight.rung - 1)
            hopeless = flight.rung < len(_RUNGS) and flight.trial.should_prune()
        if flight.rung == len(_RUNGS):
            self._end(told.number, flight, TrialState.COMPLETE, ratio)
        elif hopeless:
            self._end(told.number, flight, TrialState.PRUNED)
        else:
            last = flight.rung == len(_RUNGS) - 1
            self.timer.ask(Ask(number=told.number, rounds=self._rounds(flight.rung), last=last))

    def _end(self, number: int, flight: _TimedTrial, state: TrialState, ratio: float | None = None) -> None:
        if state is TrialState.PRUNED:
            self.timer.ask(Ask(number=number, rounds=0, last=True))
        flight.course.study.tell(flight.trial, ratio, state=state)
        flight.course.under_way -= 1
        del self._flights[number]


def best_points(study: optuna.Study, count: int = 5) -> list[dict[str, Value]]:
    """The points with the largest ratios, as the search saw them: biased upwards, and only good to choose by."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    ordered = sorted(done, key=lambda trial: -(trial.value or 0.0))
    return [dict(trial.params) for trial in ordered[:count]]


def importances(study: optuna.Study) -> dict[str, float]:
    """How much each parameter decides of the ratio, as shares; none where too few trials tell."""
    try:
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (RuntimeError, ValueError):
        return {}
    return {name: float(share) for name, share in found.items()}
