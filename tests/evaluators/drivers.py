"""Drivers for tests, as commands."""

import shlex
import sys
from pathlib import Path

from costmodel.machine.driver_process import DriverCommand

FAKE = Path(__file__).with_name("fake_driver.py")


def command(fault: str = "", operation: str = "multiplyInteger") -> str:
    """A driver with a fault, as users would name it."""
    return shlex.join([sys.executable, str(FAKE), fault, operation])


def fake(fault: str = "", operation: str = "multiplyInteger") -> DriverCommand:
    return DriverCommand("fake", tuple(shlex.split(command(fault, operation))), "0" * 64)
