"""What tracing costs a replay: the same evaluations, untraced and traced to each backend, in turn.

For each program, all ways of tracing are taken one after another in an order drawn anew, and then in the reverse of
that order, so that drift and warm caches favour none. An evaluation during which the kernel took the core away is taken
again. Each such turn gives a ratio of times to the untraced one; a program's overhead is the 25 %-trimmed mean of their
logarithms, with the interval of J. W. Tukey and D. H. McLaughlin, Sankhyā A 25, 1963. The replay's overhead weighs
programs by their untraced times.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from costmodel.errors import InputError
from costmodel.judging.estimate import Estimate
from costmodel.machine import exact_machine
from costmodel.machine.traced import traced
from costmodel.model import variant_for
from costmodel.predict.counts import LEDGER_LIMIT, charged
from costmodel.records.figures import ExitCode
from costmodel.records.told import Backend
from costmodel.timing.plan import choose_core
from costmodel.timing.surroundings import other_threads_off
from costmodel.trace import SILENT, Message, Route, Trace
from costmodel.workloads import Workload, WorkloadProgram

OFF, MUTED = "off", "muted"
MUTED_LIMIT: Final = 0.001
"""Of a replay: what muted tracing may cost."""

_TRIM: Final = 0.25
_LEAST_TURNS: Final = 20
_WARM_UP: Final = 3
_TRIES: Final = 5  # of an evaluation that is disturbed; the last counts, whatever befell it

Floats = npt.NDArray[np.float64]
Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Overhead:
    """One way of tracing: its cost as a share of the untraced replay with its 95 % interval, and in nanoseconds an
    evaluation; `messages` were emitted in each replay."""

    name: Backend
    share: Estimate
    ns: Estimate
    messages: int


@dataclass(frozen=True, slots=True)
class TracingCost:
    """The outcome: each program was evaluated `2 × turns` times in each way; `replay_ns` is the untraced time of all
    programs once."""

    programs: int
    turns: int
    seconds: float
    replay_ns: float
    overheads: tuple[Overhead, ...]

    @property
    def muted(self) -> Overhead:
        return next(overhead for overhead in self.overheads if overhead.name == MUTED)

    @property
    def exit_code(self) -> ExitCode:
        """0 if muted tracing costs less than MUTED_LIMIT, 1 if it costs more, 3 if that cannot be told."""
        if self.muted.share.high < MUTED_LIMIT:
            return 0
        return 1 if self.muted.share.low >= MUTED_LIMIT else 3


def tracing_cost(
    workload: Workload,
    traces: Mapping[Backend, Trace],
    *,
    core: int | None,
    seed: int,
    seconds: float,
    clock: Clock = time.perf_counter_ns,
) -> TracingCost:
    """Replay a workload for about `seconds`, on a core, untraced and through each of `traces` (by name; "muted" must be
    one that mutes the evaluator). InputError for a program that does not decode, or for less time than 20 turns take.
    """
    chosen = choose_core(core)
    ways: dict[str, Trace] = {OFF: SILENT}
    ways.update(traces.items())
    rows = [_TracedProgram(program, ways) for program in workload.programs]
    began = time.monotonic()
    mine = os.sched_getaffinity(0)
    with other_threads_off(chosen):
        try:
            os.sched_setaffinity(0, {chosen})  # this thread alone: a backend sends from other cores
            gc.collect()
            turns = _take(rows, list(ways), random.Random(seed), int(seconds * 1e9), clock)  # noqa: S311 - an order
        finally:
            os.sched_setaffinity(0, mine)
    if turns < _LEAST_TURNS:
        raise InputError(f"only {turns} turns fit into {seconds:g} s; give more --time-budget or a smaller workload")
    untraced = np.array([np.median(row.times[OFF]) / 2 for row in rows])
    return TracingCost(
        programs=len(rows),
        turns=turns,
        seconds=time.monotonic() - began,
        replay_ns=float(untraced.sum()),
        overheads=tuple(_overhead(name, rows, untraced, _messages(rows, trace)) for name, trace in traces.items()),
    )


class _TracedProgram:
    """A program, ready to be evaluated in each way, and the times of its turns: two evaluations each, in ns."""

    def __init__(self, program: WorkloadProgram, ways: Mapping[str, Trace]) -> None:
        variant = variant_for(program.language, program.protocol_version)
        self.script = program.script()
        self.machine = exact_machine(variant, charged(program, variant))
        self.evaluators = {name: traced(self.machine, trace) for name, trace in ways.items()}
        self.times: dict[str, list[int]] = {name: [] for name in ways}

    def turn(self, order: Sequence[str], clock: Clock) -> int:
        """Two evaluations in each way. When it ended, by the clock."""
        spent, ended = dict.fromkeys(order, 0), 0
        for name in (*order, *reversed(order)):
            ns, ended = self._evaluation_ns(name, clock)
            spent[name] += ns
        for name, ns in spent.items():
            self.times[name].append(ns)
        return ended

    def _evaluation_ns(self, name: str, clock: Clock) -> tuple[int, int]:
        """How long one evaluation took, and when it ended."""
        evaluator = self.evaluators[name]
        began = ended = 0
        for _ in range(_TRIES):
            before = _preemptions()
            began = clock()
            evaluator.evaluate(self.script, LEDGER_LIMIT)
            ended = clock()
            if _preemptions() == before:
                break
        return ended - began, ended


def _preemptions() -> int:
    """How often the kernel has taken the core from this thread; that it waited for another thread does not count."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nivcsw


def _take(rows: Sequence[_TracedProgram], names: list[str], chance: random.Random, ns: int, clock: Clock) -> int:
    """Turn after turn of all programs until so much time has passed: how many."""
    now = 0
    for row in rows:
        now = row.turn(names * _WARM_UP, clock)
        for times in row.times.values():
            times.clear()
    turns, until = 0, now + ns
    while now < until:
        for row in rows:
            chance.shuffle(names)
            now = row.turn(names, clock)
        turns += 1
    return turns


def _overhead(name: Backend, rows: Sequence[_TracedProgram], untraced: Floats, messages: int) -> Overhead:
    """Of the whole replay: programs weighed by their untraced times, and their errors taken as independent."""
    found = [trimmed_mean(np.log(np.divide(row.times[name], row.times[OFF]))) for row in rows]
    means, errors = (np.array(column) for column in zip(*found, strict=True))
    weights = untraced / untraced.sum()
    value = float(weights @ np.expm1(means))
    error = float(np.sqrt(np.sum((weights * np.exp(means) * errors) ** 2)))
    reach = error * float(stats.t.ppf(0.975, _degrees(len(rows[0].times[OFF]))))
    share = Estimate(value, value - reach, value + reach)
    scale = float(untraced.mean())
    return Overhead(name, share, Estimate(*(scale * end for end in (share.value, share.low, share.high))), messages)


def trimmed_mean(values: Floats) -> tuple[float, float]:
    """The 25 %-trimmed mean, and its standard error by the winsorised deviation (Tukey and McLaughlin 1963)."""
    cut = int(_TRIM * len(values))
    ordered = np.sort(values)
    winsorised = np.clip(ordered, ordered[cut], ordered[-cut - 1])
    kept = 1 - 2 * cut / len(values)
    return float(ordered[cut : len(values) - cut].mean()), float(winsorised.std(ddof=1) / kept / np.sqrt(len(values)))


def _degrees(count: int) -> int:
    return count - 2 * int(_TRIM * count) - 1


class _Counter:
    """A backend that only counts."""

    def __init__(self) -> None:
        self.messages = 0

    def emit(self, message: Message) -> None:
        self.messages += 1

    def close(self) -> str:
        return ""


def _messages(rows: Sequence[_TracedProgram], trace: Trace) -> int:
    """How many messages the backends of a trace hear of one replay."""
    counter = _Counter()
    heard = Trace(*(Route(counter, route.severity, route.mute) for route in trace.routes))
    for row in rows:
        traced(row.machine, heard).evaluate(row.script, LEDGER_LIMIT)
    return counter.messages
