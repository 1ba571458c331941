"""A driver's processes."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from costmodel.errors import CheckFailed
from costmodel.machine import driver_process
from costmodel.machine.driver import BUDGET
from costmodel.machine.driver_process import DriverCommand, DriverProcess
from costmodel.machine.driver_protocol import DriverUnits, Load, Loaded
from costmodel.plutus import LedgerLanguage
from tests.evaluators.drivers import command
from tests.evaluators.fake_driver import HELLO

LONG = Load(
    request=1,
    program=0,
    flat=bytes(1 << 20).hex(),
    language=LedgerLanguage.PLUTUS_V3,
    protocol_version=11,
    budget=DriverUnits(cpu=BUDGET.cpu, mem=BUDGET.mem),
)
"""More than a pipe holds."""


@contextmanager
def driver_that(source: str) -> Iterator[DriverProcess]:
    """A driver that says hello and then runs some Python."""
    said = f"import sys, time\nprint({json.dumps(HELLO)!r}, flush=True)\n{source}"
    process = DriverProcess(DriverCommand("fake", (sys.executable, "-c", said), "0" * 64))
    try:
        yield process
    finally:
        process.close()


def test_a_driver_that_reads_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_process, "_REPLY_SECONDS", 1.0)
    with driver_that("time.sleep(600)") as process, pytest.raises(CheckFailed, match="it did not read a request"):
        process.ask(LONG)


def test_a_driver_may_complain_before_it_reads() -> None:
    """More than a pipe holds, in both directions."""
    complains = "sys.stderr.write('slow ' * 100_000)\nsys.stdin.readline()\n"
    with driver_that(complains + """print('{"type": "loaded", "request": 1}', flush=True)""") as process:
        assert isinstance(process.ask(LONG), Loaded)


def test_what_a_wrapper_starts_belongs_to_the_driver() -> None:
    """A driver around another driver is pinned with it, and the time of both counts."""
    core = max(os.sched_getaffinity(0))
    driver = DriverProcess(DriverCommand("wrapper", ("sh", "-c", f"{command()}; true"), "0" * 64))
    try:
        driver.pin(core)
        assert driver.pid in driver.threads()
        others = set(driver.threads()) - {driver.pid}
        assert others
        assert all(os.sched_getaffinity(thread) == {core} for thread in others)
        assert driver.ran_ns() > 0
    finally:
        driver.close()
