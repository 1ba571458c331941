"""A cluster's run: its nodes validate the chain, and each block's time on each node becomes a row of a run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from costmodel.cluster.manager import replies
from costmodel.cluster.node import NodeEnd, NodeJob, NodeReady, NodeReply, Validated
from costmodel.cluster.profiles import ChainBlock, ScriptLoad
from costmodel.cluster.summary import FILE, block_table, summarise
from costmodel.errors import CheckFailed, EnvironmentFault, InputError, Interrupted
from costmodel.records.cluster import ObservedChain
from costmodel.records.run import NATIVE, ClusterOutcome, ClusterParameters, RunStatus, UnitLimits
from costmodel.runs.design import Cell, Plan
from costmodel.runs.store import RunWriter, file_fact
from costmodel.runs.tables import Sample, as_parquet
from costmodel.timing.clock import choose_clock
from costmodel.timing.session import here
from costmodel.trace import SILENT, JsonLines, Route, Severity, Trace
from costmodel.workloads import WorkloadProgram

EXPERIMENT: Final = "cluster"
_PART_SECONDS: Final = 5.0  # of validating, which is what a kill may cost

Nodes = Callable[[Sequence[NodeJob]], Generator[NodeReply]]
"""Runs nodes somewhere, and tells what they say: `manager.replies`, or on workers elsewhere."""

Observer = Callable[[int, int], None]
"""Told of the blocks validated so far, and of all there are, over all nodes and repeats."""


def run_cluster(
    load: ScriptLoad,
    blocks: Sequence[ChainBlock],
    predicted_tx_ns: float,
    *,
    measurements: Path,
    seed: int = 0,
    repeats: int = 1,
    inputs: Sequence[Path] = (),
    command_line: Sequence[str] = (),
    observer: Observer | None = None,
    nodes: Nodes = replies,
    measured: str = NATIVE,
    trace: Trace = SILENT,
) -> ObservedChain:
    """Every node validates every block, `repeats` times over in fresh processes, and all of it becomes a run.

    A row of the run is a block on a node: `process` is repeat · nodes + node, `block` the block's number, `order` its
    slot, `iterations` its transactions. `predicted_tx_ns` is for one transaction, of whatever model. Beside these the
    run has the table of blocks (see `block_table`), and a log of what the nodes said, which `trace` hears too.
    `inputs` are the files that the load and the prediction came from.

    InputError for a load without a script. CheckFailed where nodes do not agree on ExUnits, EnvironmentFault where none
    validated anything. Interrupted leaves a run that can be read.
    """
    if load.program is None:
        raise InputError(f"profile {load.profile.name} has no scripts, so there is nothing to validate")
    cell = _cell(load.program)
    jobs = _jobs(load, cell, blocks, repeats, measured)
    core = jobs[0].core
    place = here(core, jobs[0].clock, measured)
    writer = RunWriter.create(
        measurements,
        EXPERIMENT,
        Plan(cells=(cell,), core=core, seed=seed, evaluator=measured),
        machine=place.machine,
        versions=place.versions,
        evaluator=place.evaluator,
        command_line=command_line,
        inputs={str(path): file_fact(path) for path in inputs},
        clock=place.clock,
    )
    log = JsonLines(writer.messages_path)
    recorder = _ClusterRecorder(writer, cell, blocks, predicted_tx_ns, Trace(*trace.routes, Route(log)))
    # How a session of timing would be planned says nothing of a cluster; its load does.
    writer.update(parameters=_parameters(load, seed, repeats))
    total = len(jobs) * sum(block.transactions > 0 for block in blocks)
    recorder.say("start", profile=load.profile.name, nodes=load.profile.nodes, repeats=repeats, rows=total)
    status, reason = RunStatus.INTERRUPTED, "stopped by the user"
    try:
        with closing(nodes(jobs)) as said:
            for reply in said:
                recorder.take(reply)
                if observer is not None:
                    observer(recorder.rows, total)
        status, reason = RunStatus.COMPLETE, ""
        if recorder.faults:
            status, reason = RunStatus.INTERRUPTED, "; ".join(recorder.faults.values())
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {writer.path} has what was validated until then") from None
    except BaseException as error:
        reason = str(error)
        raise
    finally:
        recorder.flush()
        writer.update(
            outcome=ClusterOutcome(profile=load.profile.name, nodes=load.profile.nodes, predicted_tx_ns=predicted_tx_ns)
        )
        rows = writer.run().samples()
        writer.add(FILE, as_parquet(block_table(rows, blocks, load.profile.nodes, predicted_tx_ns)))
        recorder.say("end", status=status.value, reason=reason)
        log.close()
        run = writer.finish(status, reason, log.summary)
    _agree(load.program, recorder.ready)
    if not recorder.rows:
        raise EnvironmentFault(f"no node validated a block: {reason or 'the chain has none with a transaction'}")
    hosts = {node: ready.host for node, ready in recorder.ready.items()}
    return summarise(run, load, blocks, predicted_tx_ns, repeats, recorder.faults, hosts)


def _parameters(load: ScriptLoad, seed: int, repeats: int) -> ClusterParameters:
    """What the cluster ran under: its profile, and the chain's parameters that bound and price its transactions."""
    chain = load.parameters
    limits = {"tx": chain.max_tx_execution_units, "block": chain.max_block_execution_units}
    return ClusterParameters(
        profile=load.profile,
        seed=seed,
        repeats=repeats,
        protocol_version=chain.protocol_version,
        most_ex_units={
            name: UnitLimits(cpu=units.cpu, mem=units.mem) if units else None for name, units in limits.items()
        },
        max_tx_size=chain.max_tx_size,
        max_block_body_size=chain.max_block_body_size,
        cost_model=tuple((load.program and load.program.ledger_parameters) or ()),
    )


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


def _jobs(load: ScriptLoad, cell: Cell, blocks: Sequence[ChainBlock], repeats: int, measured: str) -> list[NodeJob]:
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
            evaluator=measured,
        )
        for process in range(repeats * load.profile.nodes)
    ]


class _ClusterRecorder:
    """Turns what nodes say into rows of the run, and into messages."""

    def __init__(
        self, writer: RunWriter, cell: Cell, blocks: Sequence[ChainBlock], predicted_tx_ns: float, trace: Trace
    ) -> None:
        self.ready: dict[int, NodeReady] = {}
        self.faults: dict[int, str] = {}
        self.rows = 0
        self._writer, self._cell, self._blocks = writer, cell, blocks
        self._predicted_tx_ns, self._trace = predicted_tx_ns, trace
        self._waiting: list[Sample] = []
        self._flushed = time.monotonic()

    def say(self, kind: str, severity: Severity = Severity.INFO, **fields: object) -> None:
        self._trace.emit(EXPERIMENT, kind, severity, **fields)

    def take(self, reply: NodeReady | Validated | NodeEnd) -> None:
        if isinstance(reply, NodeReady):
            self.ready[reply.node] = reply
            self.say("node_ready", **msgspec.structs.asdict(reply))
        elif isinstance(reply, NodeEnd):
            if reply.fault:
                self.faults[reply.node] = f"node process {reply.node}: {reply.fault}"
            self.say("node_end", Severity.ERROR if reply.fault else Severity.INFO, **msgspec.structs.asdict(reply))
        else:
            self.rows += 1
            block = self._blocks[reply.block]
            self._waiting.append(self._sample(reply, block))
            self.say(
                "block",
                Severity.DEBUG,
                node=reply.node,
                slot=block.slot,
                leader=block.leader,
                transactions=block.transactions,
                predicted_ns=self._predicted_tx_ns * block.transactions,
                observed_ns=reply.ns,
                disturbed=reply.disturbance,
            )
            if time.monotonic() - self._flushed > _PART_SECONDS:
                self.flush()

    def flush(self) -> None:
        self._flushed = time.monotonic()
        self._writer.append(self._waiting)
        self._waiting = []

    def _sample(self, reply: Validated, block: ChainBlock) -> Sample:
        yardstick_ns = self.ready[reply.node].yardstick_ns
        return Sample(
            cell=self._cell.id,
            process=reply.node,
            block=block.number,
            order=block.slot,
            iterations=block.transactions,
            ticks=reply.ticks,
            ns=reply.ns,
            disturbance=reply.disturbance,
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
