"""The A/A trial with real workers, and what is concluded from figures."""

from collections.abc import Callable, Iterable, Iterator

import msgspec
import pytest

from costmodel.doctor.checks import diagnose
from costmodel.doctor.settings import Host
from costmodel.doctor.trial import PROCESSES, run_trial, trial_checks
from costmodel.records.doctor import CheckVerdict, MachineCheck, Trial
from costmodel.timing.backend import LocalBackend
from costmodel.timing.plan import choose_core
from costmodel.timing.protocol import Block, Event, Job, TimedBatch

QUIET = Trial(
    seconds=9.0,
    processes=PROCESSES,
    noise=0.001,
    precision=0.004,
    worst_precision=0.01,
    gap=0.0,
    discards=0.01,
    steal=0.0,
)


class Altered:
    """The local backend, with something done to every batch."""

    def __init__(self, alter: Callable[[Job, TimedBatch], TimedBatch]) -> None:
        self.alter = alter

    def run(self, jobs: Iterable[Job], halt: Callable[[], bool]) -> Iterator[Event]:
        for job in jobs:
            short = msgspec.structs.replace(job, blocks=6, rounds=(), target_batch_us=20.0)
            for event in LocalBackend().run([short], halt):
                if isinstance(event, Block):
                    batches = tuple(self.alter(job, batch) for batch in event.batches)
                    yield msgspec.structs.replace(event, batches=batches)
                else:
                    yield event


def slow_b(job: Job, batch: TimedBatch) -> TimedBatch:
    """Every B takes half as long again as it does."""
    slow = job.cells[batch.cell].id.endswith("B")
    return msgspec.structs.replace(batch, disturbance="", ticks=batch.ticks * 3 // 2 if slow else batch.ticks)


def disturbed(_: Job, batch: TimedBatch) -> TimedBatch:
    return msgspec.structs.replace(batch, disturbance="preempted")


def checks(trial: Trial) -> dict[str, MachineCheck]:
    return {check.name: check for check in trial_checks(trial, 1)}


def test_a_difference_between_equals_is_noise() -> None:
    trial = run_trial(Host(), choose_core(), 0, backend=Altered(slow_b))
    assert trial.processes == PROCESSES
    assert trial.noise is not None
    assert 0.3 < trial.noise < 0.6  # ln 1.5 is 0.41
    assert trial.precision is not None
    assert trial.worst_precision is not None
    assert 0 < trial.precision <= trial.worst_precision
    assert checks(trial)["noise"].verdict is CheckVerdict.BAD


def test_a_machine_that_is_always_disturbed_is_unfit() -> None:
    found = diagnose(Host(), choose_core(), 0, backend=Altered(disturbed))
    assert (found.fitness, found.trial.discards, found.trial.noise) == ("unfit", 1.0, None)
    assert {check.name: check.verdict for check in found.checks}["precision"] is CheckVerdict.UNSEEN


def test_a_quiet_trial_passes() -> None:
    assert {check.verdict for check in checks(QUIET).values()} == {CheckVerdict.OK}


@pytest.mark.parametrize(
    ("field", "name", "warned", "bad"),
    [
        ("steal", "steal", 0.05, 0.2),
        ("gap", "gaps", 0.05, 0.2),
        ("discards", "discards", 0.3, 0.6),
        ("noise", "noise", 0.01, 0.03),
        ("precision", "precision", 0.03, 0.06),
    ],
)
def test_each_figure_has_its_limits(field: str, name: str, warned: float, bad: float) -> None:
    verdicts = [checks(msgspec.structs.replace(QUIET, **{field: value}))[name].verdict for value in (warned, bad)]
    assert verdicts == [CheckVerdict.WARN, CheckVerdict.BAD]


def test_what_is_bad_comes_with_advice() -> None:
    assert "core 1" in checks(msgspec.structs.replace(QUIET, discards=0.9))["discards"].advice
