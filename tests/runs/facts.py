"""What runs of tests say of where they were made."""

from typing import Final

from costmodel.records.run import ClockRecord, Machine

CLOCK: Final = ClockRecord(name="tsc", unit="ns")
MACHINE: Final = Machine(id="m")
