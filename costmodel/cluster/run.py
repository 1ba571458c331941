"""A cluster's run: its nodes validate the chain, and each block's time on each node becomes a row of a run."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from costmodel import __version__
from costmodel.cluster.manager import replies
from costmodel.cluster.node import NodeEnd, NodeJob, NodeReady, NodeReply, Validated
from costmodel.cluster.profiles import Load
from costmodel.cluster.schedule import Block
from costmodel.cluster.summary import Summary, summarise
from costmodel.errors import CheckFailed, EnvironmentFault, InputError, Interrupted
from costmodel.machine import build_info
from costmodel.runs.design import Cell, Plan
from costmodel.runs.provenance import file_fact
from costmodel.runs.schema import Sample, Status
from costmodel.runs.store import RunWriter
from costmodel.timing.clock import choose_clock, clock_facts
from costmodel.timing.fingerprint import fingerprint, versions
from costmodel.workloads import WorkloadProgram

EXPERIMENT: Final = "cluster"
_ROWS_A_PART: Final = 2000

Nodes = Callable[[Sequence[NodeJob]], Generator[NodeReply]]
"""Runs nodes somewhere, and tells what they say: `manager.replies`, or on workers elsewhere."""

Observer = Callable[[int, int], None]
"""Told of the blocks validated so far, and of all there are, over all nodes and repeats."""


def run_cluster(
    load: Load,
    blocks: Sequence[Block],
    predicted_tx_ns: float,
    *,
    measurements: Path,
    seed: int = 0,
    repeats: int = 1,
    overlays: Sequence[Path] = (),
    command_line: Sequence[str] = (),
    observer: Observer | None = None,
    nodes: Nodes = replies,
) -> Summary:
    """Every node validates every block, `repeats` times over in fresh processes, and all of it becomes a run.

    A row of the run is a block on a node: `process` is repeat · nodes + node, `block` the block's number, `order` its
    slot, `iterations` its transactions. `predicted_tx_ns` is for one transaction, of whatever model.

    InputError for a load without a script. CheckFailed where nodes do not agree on ExUnits, EnvironmentFault where none
    validated anything. Interrupted leaves a run that can be read.
    """
    if load.program is None:
        raise InputError(f"profile {load.profile.name} has no scripts, so there is nothing to validate")
    cell = _cell(load.program)
    jobs = _jobs(load, cell, blocks, repeats)
    core = jobs[0].core
    writer = RunWriter.create(
        measurements,
        EXPERIMENT,
        Plan(cells=(cell,), core=core, seed=seed),
        machine=fingerprint(core),
        versions=versions(__version__),
        evaluator={"name": "native", "sha256": build_info().source_sha256},
        command_line=command_line,
        inputs={str(path): file_fact(path) for path in overlays},
        clock=clock_facts(jobs[0].clock),
    )
    recorder = _Recorder(writer, cell, blocks)
    total = len(jobs) * sum(block.transactions > 0 for block in blocks)
    status, reason = Status.INTERRUPTED, "stopped by the user"
    try:
        with closing(nodes(jobs)) as said:
            for reply in said:
                recorder.take(reply)
                if observer is not None:
                    observer(recorder.rows, total)
        status, reason = Status.COMPLETE, ""
        if recorder.faults:
            status, reason = Status.INTERRUPTED, "; ".join(recorder.faults.values())
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {writer.path} has what was validated until then") from None
    except BaseException as error:
        reason = str(error)
        raise
    finally:
        recorder.flush()
        writer.manifest.outcome = {"profile": load.profile.name, "predicted_tx_ns": predicted_tx_ns}
        run = writer.finish(status, reason)
    _agree(load.program, recorder.ready)
    if not recorder.rows:
        raise EnvironmentFault(f"no node validated a block: {reason or 'the chain has none with a transaction'}")
    return summarise(run, load, blocks, predicted_tx_ns, repeats, recorder.faults)


def _cell(program: WorkloadProgram) -> Cell:
    return Cell(
        id=program.label,
        experiment="replay",
        operation=program.name,
        sizes=(program.loop_count or 1,),
        work="call",
        flat=program.flat,
        arguments=program.arguments,
        language=program.language.value,
        protocol_version=program.protocol_version,
    )


def _jobs(load: Load, cell: Cell, blocks: Sequence[Block], repeats: int) -> list[NodeJob]:
    cores, clock = sorted(os.sched_getaffinity(0)), choose_clock()
    parameters = load.program.ledger_parameters if load.program else None
    return [
        NodeJob(
            node=process,
            core=cores[process % len(cores)],
            clock=clock,
            cell=cell,
            parameters=parameters or (),
            blocks=tuple(block.transactions for block in blocks),
        )
        for process in range(repeats * load.profile.nodes)
    ]


class _Recorder:
    """Turns what nodes say into rows of the run."""

    def __init__(self, writer: RunWriter, cell: Cell, blocks: Sequence[Block]) -> None:
        self.ready: dict[int, NodeReady] = {}
        self.faults: dict[int, str] = {}
        self.rows = 0
        self._writer, self._cell, self._blocks = writer, cell, blocks
        self._waiting: list[Sample] = []

    def take(self, reply: NodeReady | Validated | NodeEnd) -> None:
        if isinstance(reply, NodeReady):
            self.ready[reply.node] = reply
        elif isinstance(reply, NodeEnd):
            if reply.fault:
                self.faults[reply.node] = f"node process {reply.node}: {reply.fault}"
        else:
            self.rows += 1
            self._waiting.append(self._sample(reply))
            if len(self._waiting) >= _ROWS_A_PART:
                self.flush()

    def flush(self) -> None:
        self._writer.append(self._waiting)
        self._waiting = []

    def _sample(self, reply: Validated) -> Sample:
        block = self._blocks[reply.block]
        yardstick_ns = self.ready[reply.node].yardstick_ns
        return Sample(
            cell=self._cell.id,
            process=reply.node,
            block=block.number,
            order=block.slot,
            iterations=block.transactions,
            ticks=reply.ticks,
            ns=reply.ns,
            gate=reply.gate,
            yardstick_hash_ns=yardstick_ns,
            yardstick_machine_ns=yardstick_ns,
            cpu=reply.core,
        )


def _agree(program: WorkloadProgram, ready: dict[int, NodeReady]) -> None:
    """CheckFailed, naming the node, where ExUnits are not those that the loop was fitted with."""
    for node, found in sorted(ready.items()):
        if program.expected is not None and (found.cpu, found.mem) != (program.expected.cpu, program.expected.mem):
            raise CheckFailed(
                f"node process {node} spends {found.cpu} ps and {found.mem} words on {program.label}, "
                f"not {program.expected.cpu} and {program.expected.mem}"
            )
