"""Whether a driver can be trusted: what it answers, what its clock is worth, and that it does what it times."""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Container
from contextlib import suppress
from functools import reduce
from pathlib import Path
from typing import Final, NamedTuple

from costmodel.errors import CheckFailed
from costmodel.evaluators.registry import driver_named
from costmodel.evaluators.samples import LOOP, OPERAND_BUILTINS, SampleProgram, operand_texts, sample, samples
from costmodel.judging.steady import steady_from
from costmodel.machine import CellLost, Order, evaluator_label
from costmodel.machine.driver import DriverEvaluator, DriverWork, started
from costmodel.machine.driver_process import DriverProcess
from costmodel.machine.driver_protocol import DriverUnits, Failed, Load, Loaded, OutOfBudget, Refused, Time
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program
from costmodel.records.evaluator import DriverCheck, Trust, TrustVerdict

_VARIED: Final = ("verifyEd25519Signature", "verifyEcdsaSecp256k1Signature", "verifySchnorrSecp256k1Signature")
_PAIRS: Final = 60
_CLEAN_PAIRS: Final = 5  # of them, at least
_ENOUGH_WRONG: Final = 5  # programs that fail
_TRIES: Final = 5
_BATCH_NS: Final = 500_000
_MOST_UNTOLD: Final = 40.0  # times what a driver says that it took, its requests may take
_TWICE: Final = 0.1  # by so much may twice the work miss twice the time
_BUSY: Final = 1.25  # on a busy core a ratio is that much outside of its bounds before it counts
_FASTER: Final = 0.75  # of the time of distinct operands: what takes less was not computed
_DISTINCT: Final = 32
_ROUNDS: Final = 100
_STEADY: Final = 8
_WARM_SECONDS: Final = 20.0
_READINGS: Final = 60


def check(evaluator: str, core: int | None = None, names: Container[str] | None = None) -> Trust:
    """Try a driver by its name or command on a core, by default the last that may be used: all checks, or those of
    these names. EnvironmentFault where it does not start."""
    core = max(os.sched_getaffinity(0)) if core is None else core
    with started(driver_named(evaluator), core) as tried:
        # In this order: what has run all the others has started every thread that it has.
        checks = tuple(
            _answered(name, question, tried)
            for name, question in (
                ("handshake", _handshake),
                ("refusals", _refusals),
                ("budget", _budget),
                ("results", _results),
                ("clock", _clock),
                ("warm-up", _warm_up),
                ("twice the work", _twice),
                ("kept results", _kept_results),
                ("threads", _threads),
            )
            if names is None or name in names
        )
    return Trust(
        evaluator=evaluator_label(tried.facts),
        facts=dict(tried.facts),
        checks=checks,
        trusted=all(one.verdict is not TrustVerdict.BAD for one in checks),
    )


def _answered(
    name: str, question: Callable[[DriverEvaluator], tuple[TrustVerdict, str]], tried: DriverEvaluator
) -> DriverCheck:
    try:
        return DriverCheck(name, *question(tried))
    except CheckFailed as error:
        tried.close()
        return DriverCheck(name, TrustVerdict.BAD, str(error))


def _handshake(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    hello = tried.hello
    again = DriverProcess(tried.driver)
    again.close()
    if again.hello != hello:
        return TrustVerdict.BAD, "another process of it says another hello"
    build = f", {hello.build}" if hello.build else ""
    return TrustVerdict.OK, f"{hello.evaluator} {hello.version} on {hello.runtime}{build}"


def _flat(text: str, version: str = "1.1.0") -> str:
    return encode_flat(parse_program(f"(program {version} {text})")).hex()


_ENDLESS: Final = "[(lam x [x x]) (lam x [x x])]"


def _refusals(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    """What cannot be done is refused, or fails, and is not timed."""
    can = tried.hello.capabilities
    language = can.languages[-1]
    version = "1.1.0" if language is LedgerLanguage.PLUTUS_V3 else "1.0.0"
    enough = DriverUnits(10**11, 10**9)
    trials = (
        ("bytes that are no program", "ff00", enough, (Refused,)),
        ("a program cut in half", _flat(LOOP.format(rounds=5), version)[:24], enough, (Refused,)),
        ("an error", _flat("(error)", version), enough, (Failed,)),
        ("a type error", _flat("[(con integer 1) (con integer 2)]", version), enough, (Failed,)),
    )
    wrong: list[str] = []
    late: list[str] = []
    for what, flat, budget, expected in trials:
        load = Load(
            request=0,
            program=0,
            flat=flat,
            language=language,
            protocol_version=can.protocol_versions[-1],
            budget=budget,
        )
        answer = tried.running().ask(load)
        if isinstance(answer, Loaded):
            answer = tried.running().ask(Time(request=0, work="evaluate", programs=(0,), warm_up=0, iterations=1))
        if not isinstance(answer, (*expected, Refused)):
            told = wrong if not isinstance(answer, Failed) else late
            told.append(f"{what} is answered by {type(answer).__name__.lower()}")
    if wrong:
        return TrustVerdict.BAD, "; ".join(wrong)
    if late:  # it decodes when it evaluates
        return TrustVerdict.WARN, "; ".join(late)
    return TrustVerdict.OK, f"{len(trials)} programs that must not succeed were refused or failed"


def _budget(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    """A program without an end is stopped by its budget; a driver that lets it run loses one cell to it."""
    can = tried.hello.capabilities
    language = can.languages[-1]
    version = "1.1.0" if language is LedgerLanguage.PLUTUS_V3 else "1.0.0"
    load = Load(
        request=0,
        program=0,
        flat=_flat(_ENDLESS, version),
        language=language,
        protocol_version=can.protocol_versions[-1],
        budget=DriverUnits(10**9, 10**6),
    )
    try:
        answer = tried.running().ask(load)
        if isinstance(answer, Loaded):
            answer = tried.running().ask(Time(request=0, work="evaluate", programs=(0,), warm_up=0, iterations=1))
    except CheckFailed as error:
        tried.close()
        return TrustVerdict.WARN, f"a program without an end is not stopped by its budget: {error}"
    if isinstance(answer, OutOfBudget):
        return TrustVerdict.OK, "a program without an end runs out of budget"
    if isinstance(answer, Failed | Refused):
        return TrustVerdict.WARN, f"a program without an end fails, without a word of the budget: {answer.reason[:80]}"
    return TrustVerdict.BAD, f"a program without an end is answered by {type(answer).__name__.lower()}"


def _results(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    can = tried.hello.capabilities
    programs = [
        one for language in can.languages for version in can.protocol_versions for one in samples(language, version)
    ]
    wrong: dict[str, str] = {}
    refused: dict[str, str] = {}
    for one in programs:
        try:
            tried.prepare(one)
        except CellLost as error:
            (refused if str(error).startswith("refused") else wrong)[one.id] = str(error)
            if len(wrong) == _ENOUGH_WRONG:  # a driver that does not answer takes half a minute for each
                break
    other = {name: difference for name, difference in tried.differences.items() if name not in wrong}
    if wrong:
        name, reason = next(iter(wrong.items()))
        count = f"{len(wrong)} of {len(programs)}" if len(wrong) < _ENOUGH_WRONG else f"{len(wrong)} or more"
        return TrustVerdict.BAD, f"{count} programs fail, first {name}: {reason}"
    if refused:
        name, reason = next(iter(refused.items()))
        return TrustVerdict.WARN, f"{len(refused)} of {len(programs)} programs are {reason} (first {name})"
    known = "results and ExUnits" if can.ex_units else "results"
    if can.results != "flat":
        known = "ExUnits, results are not compared," if can.ex_units else "nothing compared:"
    if other:
        name, difference = next(iter(other.items()))
        return TrustVerdict.WARN, f"{len(other)} of {len(programs)} have other ExUnits, first {name}: {difference}"
    return TrustVerdict.OK, f"{known} of {len(programs)} programs are the native machine's"


def _work(tried: DriverEvaluator, text: str, name: str) -> DriverWork:
    language = tried.hello.capabilities.languages[-1]
    version = "1.1.0" if language is LedgerLanguage.PLUTUS_V3 else "1.0.0"
    return tried.prepare(sample(name, text, language, tried.hello.capabilities.protocol_versions[-1], version))


def _ns(tried: DriverEvaluator, work: DriverWork, iterations: int, warm_up: int = 1) -> float:
    """Nanoseconds of a batch that nothing disturbed, or else of the shortest of several."""
    found = math.inf
    for _ in range(_TRIES):
        (reading,) = tried.time([Order(work, iterations, warm_up)])
        if reading.fault:
            raise CheckFailed(reading.fault)
        found = min(found, float(reading.ticks))
        if not reading.disturbance:
            return float(reading.ticks)
    return found


def _batch(tried: DriverEvaluator, work: DriverWork, wanted_ns: float = _BATCH_NS) -> int:
    """Iterations that take so long, and a thousand steps of its clock. A driver that tells less than it takes gets no
    batches that are longer than that many times over: its check is to end, and to say so."""
    target = max(wanted_ns, 1000 * tried.hello.resolution_ns)
    iterations = 1
    while (ns := _taken_ns(tried, work, iterations)) < target and iterations < 10**7:
        iterations = max(iterations + 1, min(16 * iterations, math.ceil(1.1 * iterations * target / max(ns, 1.0))))
    return iterations


def _taken_ns(tried: DriverEvaluator, work: DriverWork, iterations: int) -> float:
    """What a batch takes by the driver's clock, or a share of what its request takes by ours where that is more."""
    begun = time.monotonic_ns()
    ns = _ns(tried, work, iterations)
    return max(ns, (time.monotonic_ns() - begun) / _MOST_UNTOLD)


def _clock(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    """Its readings are as fine as it says: what they have in common divides the step."""
    work = _work(tried, "(con unit ())", "nothing")
    readings = {round(_ns(tried, work, 1 + at % 7, 0)) for at in range(_READINGS)}
    step = reduce(math.gcd, readings)
    stated = tried.hello.resolution_ns
    if len(readings) < 3 or step > 1.5 * stated:
        return TrustVerdict.BAD, f"its readings move in steps of {step} ns, it says {stated:g} ns"
    return TrustVerdict.OK, f"{tried.hello.clock}, steps of {step} ns"


def _warm_up(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    work = _work(tried, LOOP.format(rounds=100), "loop of 100")
    first = _ns(tried, work, 1, 0)
    iterations = _batch(tried, work)
    logs: list[float] = []
    spent = 0.0
    while len(logs) < _ROUNDS and (spent < _WARM_SECONDS * 1e9 or len(logs) < _STEADY):
        ns = _ns(tried, work, iterations, 0)
        spent += ns
        logs.append(math.log(ns / iterations))
        start = steady_from(logs, _STEADY)
        if start is not None:
            slower = first / math.exp(statistics.fmean(logs[start:]))
            return TrustVerdict.OK, f"steady after {start} batches; the first run took {slower:.1f} times as long"
    return TrustVerdict.WARN, f"no steady state in {len(logs)} batches: times keep changing by over 1 %"


class _TimeRatio(NamedTuple):
    """Of the times of two batches, and whether it was found on a quiet core."""

    value: float
    quiet: bool

    def judged(self, low: float, high: float) -> TrustVerdict:
        """Whether it lies within the bounds; on a busy core only what is far outside can be told."""
        if low < self.value < high:
            return TrustVerdict.OK if self.quiet else TrustVerdict.WARN
        far = self.value < low / _BUSY or self.value > high * _BUSY
        return TrustVerdict.BAD if self.quiet or far else TrustVerdict.WARN


def _ratio(tried: DriverEvaluator, slow: tuple[DriverWork, int], fast: tuple[DriverWork, int]) -> _TimeRatio:
    """The median ratio of the times of two batches that are timed in turn. Where too few pairs are undisturbed, the
    ratio of their shortest times: what disturbs a batch only makes it longer."""
    logs = []
    shortest = [math.inf, math.inf]
    for number in range(_PAIRS):
        orders = [Order(work, iterations, 1) for work, iterations in (slow, fast)]
        readings = tried.time(orders if number % 2 else orders[::-1])
        if any(reading.fault for reading in readings):
            raise CheckFailed(next(reading.fault for reading in readings if reading.fault))
        pair = [float(max(reading.ticks, 1)) for reading in (readings if number % 2 else readings[::-1])]
        shortest = [min(both) for both in zip(shortest, pair, strict=True)]
        if not any(reading.disturbance for reading in readings):
            logs.append(math.log(pair[0] / pair[1]))
    if len(logs) >= _CLEAN_PAIRS:
        return _TimeRatio(math.exp(statistics.median(logs)), quiet=True)
    return _TimeRatio(shortest[0] / shortest[1], quiet=False)


def _twice(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    """Twice the iterations, and twice the rounds of a loop, take twice the time."""
    short, long = (_work(tried, LOOP.format(rounds=rounds), f"loop of {rounds}") for rounds in (400, 800))
    iterations = _batch(tried, short)
    more = _ratio(tried, (short, 2 * iterations), (short, iterations))
    longer = _ratio(tried, (long, iterations), (short, iterations))
    # What a run takes beside its steps makes the second less than two.
    verdicts = {more.judged(2 * (1 - _TWICE), 2 * (1 + _TWICE)), longer.judged(1.5, 2 * (1 + _TWICE))}
    found = f"twice the iterations take {more.value:.2f} times as long, twice the rounds {longer.value:.2f} times"
    if TrustVerdict.BAD in verdicts:
        return TrustVerdict.BAD, found
    if TrustVerdict.WARN in verdicts:
        return (
            TrustVerdict.WARN,
            f"{found}, on core {tried.core}, too disturbed to tell; try another, or a quieter moment",
        )
    return TrustVerdict.OK, found


def _kept_results(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    """Programs that were never run take as long as one that is run again and again."""
    kept: dict[str, float] = {}
    for builtin in OPERAND_BUILTINS:
        with suppress(CellLost):
            share = _repeated_share(tried, builtin)
            if share < _FASTER:
                kept[builtin] = share
    told = ", ".join(f"{builtin} ({share:.0%})" for builtin, share in kept.items())
    if set(kept) - set(_VARIED):
        return TrustVerdict.BAD, f"repeated operands take a share of the time of distinct ones: {told}"
    if kept:
        return TrustVerdict.WARN, f"repeated operands take less time: {told}; measured with distinct ones"
    return TrustVerdict.OK, f"repeated operands take as long as distinct ones, for {len(OPERAND_BUILTINS)} builtins"


def _repeated_share(tried: DriverEvaluator, builtin: str) -> float:
    """The time of one program run over and over, as a share of that of programs which are run for the first time."""
    texts = operand_texts(builtin, 2 * _DISTINCT + 1)
    works = [_loaded(tried, _sample(tried, text, f"{builtin} {number}")) for number, text in enumerate(texts)]
    again, fresh = works[0], works[1:]
    # The first ones warm up code and processor, and are not counted.
    pairs = [(_once(tried, work), _once(tried, again)) for work in fresh][_DISTINCT:]
    first, repeated = (statistics.median(times) for times in zip(*pairs, strict=True))
    return float(repeated / max(first, 1.0))


def _once(tried: DriverEvaluator, work: DriverWork) -> float:
    """Of one run, which cannot be repeated where it was disturbed; the median of many does without it."""
    (reading,) = tried.time([Order(work, 1, 0)])
    if reading.fault:
        raise CellLost(reading.fault)  # such as a builtin that it does not have: then there is nothing to compare
    return float(reading.ticks)


def _sample(tried: DriverEvaluator, text: str, name: str) -> SampleProgram:
    can = tried.hello.capabilities
    return sample(name, text, can.languages[-1], can.protocol_versions[-1])


def _loaded(tried: DriverEvaluator, one: SampleProgram) -> DriverWork:
    """Ready to run for the first time."""
    return tried.prepare(one, untried=True)


def _threads(tried: DriverEvaluator) -> tuple[TrustVerdict, str]:
    process = tried.running()
    threads = process.threads()
    astray = [thread for thread in threads if _cores(thread) not in ({tried.core}, set())]
    children = _children(process.pid)
    if astray:
        return TrustVerdict.BAD, f"{len(astray)} of its {len(threads)} threads may leave core {tried.core}"
    if children:
        return TrustVerdict.WARN, f"it has started {len(children)} further processes, whose time is not counted"
    return TrustVerdict.OK, f"all of its threads ({len(threads)}) are on core {tried.core}"


def _cores(thread: int) -> set[int]:
    with suppress(OSError):
        return os.sched_getaffinity(thread)
    return set()


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found
