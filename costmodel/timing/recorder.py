"""What a session writes down: samples, messages, calibrations, and how it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from costmodel.errors import CalibrateError
from costmodel.records.run import Calibration, RunStatus, SessionOutcome
from costmodel.runs.store import Run, RunWriter
from costmodel.runs.tables import Sample
from costmodel.timing.plan import Cell
from costmodel.timing.protocol import Begin, Block, End
from costmodel.timing.tally import Tally
from costmodel.trace import JsonLines, Route, Severity, Trace

LOST: Final = "lost: "
"""How the reason of a cell begins that the evaluator cannot do."""

_NAMESPACE: Final = "timing.session"
_FLUSH_SECONDS: Final = 1.0  # of samples are what a kill of the manager can cost
_DRIFT_LIMIT: Final = 1e-4  # of the clock against CLOCK_MONOTONIC_RAW within a process, relative


class Recorder:
    """Turns what workers report into rows of a run, messages, and the manifest's account of the session."""

    def __init__(self, writer: RunWriter, trace: Trace) -> None:
        self.writer = writer
        self.blocks = self.parts = 0
        self.warnings: list[str] = []
        self._log = JsonLines(writer.messages_path)
        self._trace = Trace(*trace.routes, Route(self._log))
        self._calibrations = dict(writer.manifest.clock.ns_per_tick)
        self._ex_units = dict(writer.manifest.ex_units)
        self._pending: list[Sample] = []
        self._flushed = time.monotonic()
        self._timed_seconds = self._yardstick_seconds = 0.0
        self._unended_seconds = 0.0  # inside the clock, of a process that has not ended and told its own sum

    def say(self, kind: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        self._trace.emit(_NAMESPACE, kind, severity, **fields)

    def warn(self, kind: str, text: str) -> None:
        """What the user is to know of the session as a whole."""
        self.warnings.append(text)
        self.say(kind, Severity.WARNING, text=text)

    def start(self, first_process: int) -> None:
        if self._log.torn:
            self.say("torn_line", Severity.WARNING, bytes=self._log.torn)
        clock, core = self.writer.manifest.clock.name, self.writer.design.core
        self.say("start", first_process=first_process, clock=clock, core=core)

    def begin(self, begin: Begin, cells: Sequence[Cell]) -> None:
        self._calibrations[str(begin.process)] = Calibration(first=begin.ns_per_tick, worker=begin.worker)
        self.say(
            "process_begin",
            process=begin.process,
            worker=begin.worker,
            ns_per_tick=begin.ns_per_tick,
            setup_seconds=begin.setup_seconds,
            cells=len(cells),
            warm_up=begin.steady,
        )
        for index, difference in begin.ex_units:
            self._ex_units[cells[index].id] = difference

    def lose(self, cell: str, reason: str, process: int) -> None:
        self.say("cell_lost", Severity.WARNING, cell=cell, process=process, reason=reason)

    def block(self, block: Block, cells: Sequence[Cell]) -> list[Sample]:
        """The rows of a block, which are written before long."""
        scale = self._calibrations[str(block.process)].first
        samples = [
            Sample(
                cell=cells[batch.cell].id,
                process=block.process,
                block=block.block,
                order=batch.order,
                iterations=batch.iterations,
                ticks=batch.ticks,
                ns=batch.ticks * scale,
                disturbance=batch.disturbance,
                yardstick_hash_ns=block.yardstick_hash_ns,
                yardstick_machine_ns=block.yardstick_machine_ns,
                cpu=batch.cpu,
            )
            for batch in block.batches
        ]
        self.blocks += 1
        self._unended_seconds += sum(sample.ns for sample in samples) / 1e9
        self._pending += samples
        self.say(
            "block",
            process=block.process,
            block=block.block,
            gap_share=round(block.gap_share, 6),
        )
        return samples

    def end(self, end: End) -> None:
        calibration = self._calibrations[str(end.process)]
        self._calibrations[str(end.process)] = msgspec.structs.replace(calibration, last=end.ns_per_tick)
        drift = end.ns_per_tick / calibration.first - 1
        self.say(
            "process_end",
            Severity.WARNING if abs(drift) > _DRIFT_LIMIT else Severity.INFO,
            clock_drift=drift,
            **msgspec.structs.asdict(end),
        )
        self._timed_seconds += end.timed_seconds
        self._yardstick_seconds += end.yardstick_seconds
        self._unended_seconds = 0.0

    def flush(self, *, due: bool = False) -> None:
        """Write the rows that wait; where it is `due`, only if they have waited long enough."""
        if due and time.monotonic() - self._flushed <= _FLUSH_SECONDS:
            return
        samples, self._pending = self._pending, []
        self._flushed = time.monotonic()
        self.parts += bool(samples)
        self.writer.append(samples)

    def finish(self, status: RunStatus, reason: str, tally: Tally, lost: Mapping[str, str], seconds: float) -> Run:
        """Leave the run as `status` says. After a failure the disk may refuse this too; the run then stays `running`,
        which is read as killed."""
        clock = self.writer.manifest.clock
        if clock.unit == "ns":
            self._timed_seconds += self._unended_seconds
        gone = {cell: f"{LOST}{why}" for cell, why in lost.items()}
        finite = tally.half_widths[np.isfinite(tally.half_widths)]
        self.writer.update(
            clock=msgspec.structs.replace(clock, ns_per_tick=self._calibrations),
            uncertain=tally.uncertain(reason) | gone,
            ex_units=self._ex_units,
            outcome=SessionOutcome(
                processes=tally.processes,
                batches=tally.batches,
                disturbed=tally.disturbed,
                discard_rate=tally.discard_rate,
                cells=len(self.writer.design.cells),
                cells_done=tally.cells_done,
                median_half_width=float(finite.median()) if len(finite) else None,
                worst_half_width=float(finite.max()) if len(finite) else None,
                seconds=seconds,
                timed_share=self._timed_seconds / seconds,
                yardstick_share=self._yardstick_seconds / seconds,
                warnings=tuple(self.warnings),
            ),
        )
        try:
            try:
                self.say("end", status=status.value, reason=reason)
            finally:
                self._log.close()
            return self.writer.finish(status, reason, self._log.summary)
        except CalibrateError:
            self.writer.close()
            if status is RunStatus.COMPLETE:
                raise
            return self.writer.run()
