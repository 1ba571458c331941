"""Evaluators in processes of their own, which speak the driver protocol (`driver_protocol.py`).

A driver runs on the caller's core. Whatever it does wrong costs the one cell that it was asked about: its process is
ended, the next request starts another, and programs are loaded again when they are needed again.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Final

import msgspec

from costmodel.errors import CheckFailed, EnvironmentFault
from costmodel.machine import driver_protocol as protocol
from costmodel.machine.driver_process import DriverCommand, DriverProcess
from costmodel.machine.driver_protocol import DriverUnits, Failed, Hello, Load, Loaded, OutOfBudget, Time, Timed
from costmodel.machine.interface import CellLost, Order, Reading, Subject
from costmodel.machine.native import NativeMachine, decoded, exact_outcome, language_of, machine_for
from costmodel.model import ExUnits, ledger_model, to_array, variant_for
from costmodel.plutus import (
    DATA,
    Apply,
    Const,
    Constant,
    LedgerLanguage,
    Program,
    decode_data,
    decode_flat,
    encode_flat,
)

BUDGET: Final = ExUnits(10**12, 10**10)
"""Of a timed run: far above any block's limit, and yet no reason to spend a second on a program that does not end."""

_LOST_NS: Final = 50_000  # of a request, and this share of it, may pass while nobody runs
_LOST_SHARE: Final = 0.02
# A request leaves the caches of a driver's process cold, and a collection its memory: what runs next is to warm them.
_BATCH_US, _WARM_UP_NS = 1_000.0, 250e3
_COLLECTED_BATCH_US, _COLLECTED_WARM_UP_NS = 5_000.0, 5e6
_STEPS_OF_CLOCK: Final = 1_000
_DECODINGS: Final = ("decode", "apply")
_FRESH: Final = 512  # programs at most that are changed and loaded for one batch
_FRESH_NUMBERS: Final = 1 << 40  # and where their numbers begin


@dataclass
class DriverWork:
    """A subject that a driver has loaded: under which number, and in which of its processes. The times of its `parts`
    are added up."""

    name: str
    evaluator: DriverEvaluator
    load: Load
    parts: tuple[protocol.TimedWork, ...]
    vary: tuple[int, ...] = ()
    process: int = 0
    seconds: float = 0.0  # of one iteration, as it was found last
    expected: tuple[protocol.Result, ...] = ()
    fault: str = ""

    @property
    def spent(self) -> ExUnits | None:
        """What one run spends, as the driver says."""
        cpu, mem = (self.expected[0].cpu, self.expected[0].mem) if self.expected else (None, None)
        return None if cpu is None or mem is None else ExUnits(cpu, mem)


class DriverEvaluator:
    """`Evaluator` for a driver. Times are told in ticks of the session's clock, `ns_per_tick` each."""

    def __init__(self, driver: DriverCommand, core: int, ns_per_tick: float = 1.0) -> None:
        self.driver, self.core, self._ns_per_tick = driver, core, ns_per_tick
        self._process: DriverProcess | None = None
        self._number = 0
        self._fresh = 0
        self._works = 0
        self._exact: dict[object, NativeMachine] = {}
        self.differences: dict[str, str] = {}
        self.hello = self.running().hello
        self.facts = facts(driver, self.hello)

    @property
    def batch_us(self) -> float:
        """How long a batch has to be for its clock and its memory, in microseconds."""
        wanted = _COLLECTED_BATCH_US if self.collects else _BATCH_US
        return max(wanted, _STEPS_OF_CLOCK * self.hello.resolution_ns / 1e3)

    @property
    def collects(self) -> bool:
        return self.hello.capabilities.collector

    @property
    def warm_up_ns(self) -> float:
        return _COLLECTED_WARM_UP_NS if self.collects else _WARM_UP_NS

    def close(self) -> None:
        if self._process is not None:
            self._process.close()
            self._process = None

    def running(self) -> DriverProcess:
        """The process, started anew where the last one was ended."""
        if self._process is None:
            self._process = DriverProcess(self.driver)
            self._number += 1
            self._process.pin(self.core)
            if self._number > 1 and self._process.hello != self.hello:
                raise EnvironmentFault(f"the driver {self.driver.name!r} says another hello when it is started again")
        return self._process

    def prepare(
        self,
        subject: Subject,
        *,
        checked: bool = False,
        parameters: Sequence[int] | None = None,
        untried: bool = False,
    ) -> DriverWork:
        """As `Evaluator.prepare`; a work that is `untried` was not run yet, and so not checked."""
        language = language_of(subject)
        self._require(subject, language)
        flat, arguments = subject.flat, subject.arguments
        if arguments and not self.hello.capabilities.arguments:
            flat, arguments = applied(flat, arguments), ()
        given = self.hello.capabilities.cost_model == "given"
        array = parameters if parameters is not None else _ledger_array(language, subject.protocol_version)
        self._works += 1
        work = DriverWork(
            subject.id,
            self,
            Load(
                request=0,
                program=self._works,
                flat=flat.hex(),
                arguments=tuple(argument.hex() for argument in arguments),
                language=language,
                protocol_version=subject.protocol_version,
                cost_model=tuple(array) if given else None,
                budget=DriverUnits(BUDGET.cpu, BUDGET.mem),
            ),
            self._parts(subject),
            subject.vary,
        )
        try:
            if untried:
                self._load(work)
                return work
            *_, answer = self._timed(work, Order(work, 1, 0))
        except _CellFault as fault:
            raise CellLost(str(fault)) from None
        work.expected = answer.results
        if work.expected and not checked:
            self._compare(subject, work, parameters)
        return work

    def _parts(self, subject: Subject) -> tuple[protocol.TimedWork, ...]:
        if subject.work in _DECODINGS:
            return ("decode",)
        decodes = subject.work == "call" and not self.hello.capabilities.evaluate_decodes
        return ("decode", "evaluate") if decodes else ("evaluate",)

    def _require(self, subject: Subject, language: LedgerLanguage) -> None:
        """CellLost where the driver has said that it cannot do this."""
        can = self.hello.capabilities
        decoding = subject.work in _DECODINGS or (subject.work == "call" and not can.evaluate_decodes)
        if subject.nops and any(name.startswith("nop") for name in subject.builtins):
            raise CellLost("it has no-op builtins, which only the native machine has")
        if language not in can.languages or subject.protocol_version not in can.protocol_versions:
            raise CellLost(f"the evaluator has no {language.value} at protocol version {subject.protocol_version}")
        if subject.work not in ("evaluate", "call", *_DECODINGS):
            raise CellLost(f"a driver cannot time the work {subject.work!r}")
        if decoding and not (can.decode and (can.arguments or not subject.arguments)):
            raise CellLost("the evaluator cannot decode apart from evaluating")

    def _compare(self, subject: Subject, work: DriverWork, parameters: Sequence[int] | None) -> None:
        """Hold the first answer to the native machine. CellLost for a wrong result; other ExUnits are noted."""
        key = (subject.language, subject.protocol_version, parameters and tuple(parameters))
        if key not in self._exact:
            self._exact[key] = machine_for(subject, parameters)
        exact = exact_outcome(subject, self._exact[key], decoded(subject), BUDGET, result=True)
        (found,) = work.expected
        can = self.hello.capabilities
        if can.results == "flat" and exact.result is not None:
            digest = hashlib.sha256(exact.result).hexdigest()
            if found.digest not in (None, digest):
                raise CellLost(f"its result is another: digest {str(found.digest)[:12]} instead of {digest[:12]}")
        if can.ex_units and (found.cpu, found.mem) != (exact.spent.cpu, exact.spent.mem):
            self.differences[subject.id] = (
                f"{found.cpu} ps and {found.mem} words, exact {exact.spent.cpu} and {exact.spent.mem}"
            )

    def time(self, orders: Sequence[Order]) -> list[Reading]:
        return [self._reading(order) for order in orders]

    def _reading(self, order: Order) -> Reading:
        work = order.work
        if not isinstance(work, DriverWork):
            raise TypeError(f"{work.name} is not a driver's")
        if work.fault:
            return Reading(0, "", self.core, work.fault)
        try:
            process = self.running()
            self._load(work)
            if work.vary and order.warm_up:
                self._timed(work, Order(work, order.warm_up, 0))
                order = Order(work, order.iterations, 0)
            programs = self._programs(work, order.iterations)
            own, ran, begun = time.thread_time_ns(), process.ran_ns(), time.monotonic_ns()
            ns = sum(answer.ns for answer in self._answers(work, order, programs))
            elapsed = time.monotonic_ns() - begun
            busy = process.ran_ns() - ran + time.thread_time_ns() - own
            if ns > elapsed + self.hello.resolution_ns:
                raise self._fault(f"its clock counted {ns} ns in a request that took {elapsed} ns")
        except _CellFault as fault:
            work.fault = str(fault)
            return Reading(0, "", self.core, work.fault)
        lost = ran > 0 and elapsed - busy > _LOST_NS + _LOST_SHARE * elapsed
        return Reading(round(ns / self._ns_per_tick), "delayed" if lost else "", self.core)

    def _timed(self, work: DriverWork, order: Order) -> list[Timed]:
        self._load(work)
        return self._answers(work, order, self._programs(work, order.iterations))

    def _load(self, work: DriverWork) -> None:
        self.running()
        if work.process != self._number and not work.vary:
            self._ask(work.load)
            work.process = self._number

    def _programs(self, work: DriverWork, iterations: int) -> tuple[int, ...]:
        """The numbers of the programs to run: the one of the work, or new ones that no run has seen."""
        if not work.vary:
            return (work.load.program,)
        count = min(iterations, _FRESH)
        for number in range(count):
            self._fresh += 1
            flat = bytearray.fromhex(work.load.flat)
            for at, place in enumerate(work.vary):
                # Unlike for every process, program and place.
                seed = f"{os.getpid()} {self._number} {self._fresh} {at}".encode()
                flat[place : place + 4] = hashlib.blake2b(seed, digest_size=4).digest()
            self._ask(msgspec.structs.replace(work.load, program=_FRESH_NUMBERS + number, flat=flat.hex()))
        return tuple(range(_FRESH_NUMBERS, _FRESH_NUMBERS + count))

    def _answers(self, work: DriverWork, order: Order, programs: tuple[int, ...]) -> list[Timed]:
        """What each part of a batch comes to."""
        answers = [self._answer(part, work, order, programs) for part in work.parts]
        work.seconds = max(work.seconds / 2, sum(answer.ns for answer in answers) / 1e9 / order.iterations)
        return answers

    def _answer(self, part: protocol.TimedWork, work: DriverWork, order: Order, programs: tuple[int, ...]) -> Timed:
        """_Fault unless it is a timing with the results that are expected."""
        request = Time(request=0, work=part, programs=programs, warm_up=order.warm_up, iterations=order.iterations)
        answer = self._ask(request, work.seconds * (order.iterations + order.warm_up))
        if not isinstance(answer, Timed):
            raise self._fault("it answered that a program is loaded where a time was asked")
        if answer.ns < 0:
            raise self._fault(f"its clock ran backwards: {answer.ns} ns")
        if part == "evaluate" and len(answer.results) != min(len(programs), order.iterations):
            raise self._fault(f"it answered {len(answer.results)} results for {len(programs)} programs")
        if work.expected and any(result != work.expected[0] for result in answer.results):
            raise self._fault("it came to another result or other ExUnits than in the run before")
        return answer

    def _ask(self, message: Load | Time, seconds: float = 0.0) -> Loaded | Timed:
        process = self.running()
        try:
            answer = process.ask(message, seconds)
        except CheckFailed as error:
            raise self._fault(str(error)) from None
        match answer:
            case Loaded() | Timed():
                return answer
            case OutOfBudget():
                raise _CellFault(f"out of budget: {_short(answer.reason)}")
            case Failed():
                raise _CellFault(f"evaluation failure: {_short(answer.reason)}")
        raise _CellFault(f"refused: {_short(answer.reason)}")

    def _fault(self, reason: str) -> _CellFault:
        """After which nothing that the process says can be believed."""
        self.close()
        return _CellFault(reason)


class _CellFault(Exception):  # noqa: N818 - it never leaves this module
    """Why a cell is lost."""


def _short(text: str) -> str:
    return " ".join(text.split())[:200] or "no reason given"


def facts(driver: DriverCommand, hello: Hello) -> dict[str, str]:
    """An evaluator as a manifest names it."""
    can = hello.capabilities
    return {
        "name": hello.evaluator,
        "version": hello.version,
        "build": hello.build,
        "runtime": hello.runtime,
        "protocol": str(hello.protocol),
        "driver": driver.identity,
        "cost_model": can.cost_model,
        "clock": hello.clock,
        "resolution_ns": f"{hello.resolution_ns:g}",
        "results": can.results,
        "collector": "yes" if can.collector else "no",
        "evaluate_decodes": "yes" if can.evaluate_decodes else "no",
    }


@contextmanager
def started(driver: DriverCommand, core: int) -> Iterator[DriverEvaluator]:
    """A driver on a core, on which this process runs too meanwhile. EnvironmentFault where it does not start."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        evaluator = DriverEvaluator(driver, core)
        try:
            yield evaluator
        finally:
            evaluator.close()
    finally:
        os.sched_setaffinity(0, allowed)


@cache
def _ledger_array(language: LedgerLanguage, protocol_version: int) -> tuple[int, ...]:
    return tuple(to_array(ledger_model(variant_for(language, protocol_version)), language, protocol_version))


def applied(flat: bytes, arguments: Sequence[bytes]) -> bytes:
    """A program with its arguments written into it, for evaluators that apply none."""
    program = decode_flat(flat)
    term = program.term
    for argument in arguments:
        term = Apply(term, Const(Constant(DATA, decode_data(argument))))
    return encode_flat(Program(program.version, term))
