"""A driver's processes."""

import os

from costmodel.machine.driver import DriverCommand, DriverProcess
from tests.evaluators.drivers import command


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
