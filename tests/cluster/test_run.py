import os
import platform
import signal
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from msgspec import structs

from costmodel.cluster.manager import replies
from costmodel.cluster.node import NodeEnd, NodeJob, NodeReady, Validated
from costmodel.cluster.profiles import ChainBlock, ScriptLoad, find_profile, make_blocks, make_load
from costmodel.cluster.remote import remote_replies
from costmodel.cluster.run import run_cluster
from costmodel.errors import CheckFailed, EnvironmentFault, InputError, Interrupted
from costmodel.fleet.cluster import connected
from costmodel.model import ExUnits
from costmodel.records.run import ClusterParameters, RunStatus, UnitLimits
from costmodel.runs.anomalies import run_findings
from costmodel.runs.design import Cell
from costmodel.runs.store import Run
from costmodel.timing.clock import choose_clock
from costmodel.timing.session import evaluator
from tests.fleet.cluster import fleet, wait_for_workers


@pytest.fixture(scope="module")
def load() -> ScriptLoad:
    return make_load(structs.replace(find_profile("plutuscall-secp-ecdsa"), nodes=2, epochs=1, slots=200))


@pytest.fixture(scope="module")
def blocks(load: ScriptLoad) -> tuple[ChainBlock, ...]:
    return make_blocks(load.profile, load.most_transactions, 3)


def test_every_node_validates_every_block(load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path) -> None:
    summary = run_cluster(load, blocks, 2.5e6, measurements=tmp_path, repeats=2)
    run = Run.open(Path(summary.run))
    run.verify()
    assert run.manifest.status is RunStatus.COMPLETE
    rows = run.samples()
    expected = {(block.number, block.slot, block.transactions) for block in blocks if block.transactions}
    for process in range(4):
        mine = rows[rows["process"] == process]
        assert set(zip(mine["block"], mine["order"], mine["iterations"], strict=True)) == expected
    assert (rows["ns"] > 0).all()
    assert [(node.repeat, node.node) for node in summary.nodes] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert {node.host for node in summary.nodes} == {platform.node()}
    assert not summary.faults


def test_the_run_has_every_block_on_every_node_predicted_and_observed(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    summary = run_cluster(load, blocks, 2.5e6, measurements=tmp_path, repeats=2)
    table = pd.read_parquet(summary.table)
    run = Run.open(Path(summary.run))
    rows = run.samples().sort_values(["process", "order"])
    assert table["observed_ns"].tolist() == rows["ns"].tolist()
    assert (table["predicted_ns"] == 2.5e6 * table["transactions"]).all()
    assert (table["share_of_slot"] == table["observed_ns"] / 1e9).all()
    assert table["done_ns"].tolist() == pytest.approx(table["observed_ns"].tolist())  # no two blocks are so near
    filled = [block for block in blocks if block.transactions]
    expected = [
        (repeat, node, block.number, block.slot, block.leader, block.transactions)
        for repeat in range(2)
        for node in range(2)
        for block in filled
    ]
    named = table[["repeat", "node", "block", "slot", "leader", "transactions"]]
    assert list(named.itertuples(index=False, name=None)) == expected
    assert run.manifest.files.keys() == {
        "design.json",
        "programs.parquet",
        "samples.parquet",
        "messages.jsonl",
        "blocks.parquet",
    }


def test_the_log_says_what_the_nodes_said(load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path) -> None:
    summary = run_cluster(load, blocks, 2.5e6, measurements=tmp_path)
    run = Run.open(Path(summary.run))
    filled = sum(block.transactions > 0 for block in blocks)
    counts = {"start": 1, "node_ready": 2, "block": 2 * filled, "node_end": 2, "end": 1}
    assert run.manifest.messages.counts == {f"cluster/{kind}": count for kind, count in counts.items()}
    assert run_findings(run.path) == ()


def test_a_run_says_under_which_parameters_and_by_what_build_it_was_made(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    summary = run_cluster(load, blocks, 2.5e6, measurements=tmp_path, repeats=2)
    manifest = Run.open(Path(summary.run)).manifest
    assert manifest.evaluator == evaluator(manifest.versions)
    parameters = manifest.parameters
    assert isinstance(parameters, ClusterParameters)
    assert (parameters.profile.name, parameters.repeats) == ("plutuscall-secp-ecdsa", 2)
    assert parameters.most_ex_units["tx"] == UnitLimits(cpu=10_000_000_000, mem=14_000_000)
    assert len(parameters.cost_model) > 100


def test_percentiles_rise_and_the_prediction_is_of_the_fullest_block(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    summary = run_cluster(load, blocks, 2.5e6, measurements=tmp_path)
    for node in summary.nodes:
        values = list(node.percentiles_ns.values())
        assert values == sorted(values)
        assert node.observed_over_predicted == pytest.approx(node.tx_ns / 2.5e6)
    assert summary.predicted_block_ns == 2.5e6 * max(block.transactions for block in blocks)


def test_nodes_that_spend_other_units_are_told(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    assert load.program
    other = replace(load, program=replace(load.program, expected=ExUnits(1, 1)))
    with pytest.raises(CheckFailed, match="node process 0 spends"):
        run_cluster(other, blocks[:3], 1.0, measurements=tmp_path)


def test_an_interrupt_leaves_a_run_that_can_be_read(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        run_cluster(load, blocks, 1.0, measurements=tmp_path, observer=interrupt)
    run = Run.open(next(tmp_path.iterdir()))
    assert run.manifest.status is RunStatus.INTERRUPTED
    assert len(run.samples()) == 3


def test_value_transfers_leave_nothing_to_validate(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no scripts"):
        run_cluster(make_load(find_profile("model-value")), (), 0.0, measurements=tmp_path)


def test_a_chain_without_transactions_is_no_measurement(load: ScriptLoad, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="no node validated a block"):
        run_cluster(load, (ChainBlock(0, 0, 0, 0),), 1.0, measurements=tmp_path)


def job(load: ScriptLoad, node: int, core: int, blocks: tuple[int, ...]) -> NodeJob:
    assert load.program
    program = load.program
    cell = Cell(
        id="tx",
        experiment="replay",
        operation="tx",
        work="call",
        flat=program.flat,
        arguments=program.arguments,
        language=program.language.value,
        protocol_version=program.protocol_version,
    )
    parameters = program.ledger_parameters or ()
    return NodeJob(node=node, core=core, clock=choose_clock(), cell=cell, parameters=parameters, blocks=blocks)


def test_a_node_finds_the_same_units_as_the_budget_search(load: ScriptLoad) -> None:
    core = min(os.sched_getaffinity(0))
    ready, validated, end = replies([job(load, 7, core, (0, 2))])
    assert load.fit
    assert isinstance(ready, NodeReady)
    assert ExUnits(ready.cpu, ready.mem) == load.fit.used
    assert isinstance(validated, Validated)
    assert (validated.node, validated.block) == (7, 1)
    assert end == NodeEnd(7)


def test_a_node_that_dies_is_told_and_the_next_goes_on(load: ScriptLoad) -> None:
    core = min(os.sched_getaffinity(0))
    ends = {}
    killed = False
    for reply in replies([job(load, 0, core, (2,) * 5000), job(load, 1, core, (2,))]):
        if isinstance(reply, Validated) and not killed:
            killed = True
            for child in children():
                os.kill(child, signal.SIGKILL)
        if isinstance(reply, NodeEnd):
            ends[reply.node] = reply.fault
    assert "killed by signal 9" in ends[0]
    assert ends[1] == ""


def children() -> list[int]:
    """The node processes that this process has started."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"costmodel.cluster.node" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def test_a_core_that_does_not_exist_is_a_fault_of_that_node(load: ScriptLoad) -> None:
    (end,) = replies([job(load, 0, 4095, (1,))])
    assert isinstance(end, NodeEnd)
    assert "core 4095 cannot be used" in end.fault


def jobs_of(load: ScriptLoad, blocks: tuple[ChainBlock, ...]) -> list[NodeJob]:
    core = min(os.sched_getaffinity(0))
    return [job(load, node, core, tuple(block.transactions for block in blocks)) for node in range(2)]


def test_nodes_on_dask_workers_spend_the_same_units(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("a fleet on one machine needs two cores")
    local = replies(jobs_of(load, blocks))
    here = {reply.node: (reply.cpu, reply.mem) for reply in local if isinstance(reply, NodeReady)}
    with fleet(tmp_path / "fleet") as started:
        started.worker(cores[0])
        started.worker(cores[-1])
        wait_for_workers(started, 2)
        with connected(started.address) as client:
            said = list(remote_replies(client, jobs_of(load, blocks)))
            there = {reply.node: (reply.cpu, reply.mem) for reply in said if isinstance(reply, NodeReady)}
            summary = run_cluster(
                load, blocks, 2.5e6, measurements=tmp_path, nodes=lambda jobs: remote_replies(client, jobs)
            )
    assert there == here
    assert not [reply for reply in said if isinstance(reply, NodeEnd) and reply.fault]
    assert len(Run.open(Path(summary.run)).samples()) == 2 * sum(block.transactions > 0 for block in blocks)


def test_a_node_whose_worker_is_killed_runs_again(
    load: ScriptLoad, blocks: tuple[ChainBlock, ...], tmp_path: Path
) -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("a fleet on one machine needs two cores")
    with fleet(tmp_path / "fleet") as started:
        killed = started.worker(cores[0])
        started.worker(cores[-1])
        wait_for_workers(started, 2)
        with connected(started.address) as client:
            said = []
            source = remote_replies(client, jobs_of(load, blocks))
            said.append(next(source))
            killed.kill()
            said += source
    ends = [reply for reply in said if isinstance(reply, NodeEnd)]
    assert sorted((end.node, end.fault) for end in ends) == [(0, ""), (1, "")]
