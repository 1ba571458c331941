"""What a search found, measured, charged, and searched again: with simulated times, and with real processes."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from benches.worst_plants import PLANTS
from benches.worst_study import SimulatedBackend, SimulatedTimer
from costmodel.errors import InputError
from costmodel.experiments.steps import mixture
from costmodel.fit import fit_runs
from costmodel.fit.margin import parse_margins
from costmodel.fit.witnesses import read_search, witnesses_of
from costmodel.model import CostModel, Variant, ledger_model, parameters_at
from costmodel.records.fit import Witness
from costmodel.records.worst import SearchSettings, Worst
from costmodel.runs.design import Plan
from costmodel.runs.store import Run
from costmodel.timing import session
from costmodel.timing.plan import choose_core
from costmodel.worst.folder import SearchFolder
from costmodel.worst.inputs import witness_cells
from costmodel.worst.run import WorstSearch
from costmodel.worst.settings import asked_for
from costmodel.worst.target import ChargedPrices

PLANT = PLANTS[0]
"""Integers of ones only, of which an addition takes half as long again."""

TWO_PROCESSES: dict[str, Any] = {
    "blocks_per_process": 4,
    "min_processes": 2,
    "max_processes": 2,
    "target_batch_us": 50.0,
}


@contextmanager
def simulated_timer(_: SearchSettings) -> Iterator[SimulatedTimer]:
    yield SimulatedTimer((PLANT,), 0)


def searched(root: Path, model: CostModel, seconds: float, *, simulated: bool) -> Worst:
    settings, _ = asked_for(
        "ledger", patterns=PLANT.price, evaluator="native", core=None, seed=0, seconds=20.0, scale=1.0
    )
    folder = SearchFolder.create(root, msgspec.structs.replace(settings, seconds=seconds), model)
    if simulated:
        backend = SimulatedBackend((PLANT,), 0)
        return WorstSearch(folder, timer=simulated_timer, backend=backend, clock=time.process_time).run()
    return WorstSearch(folder).run()


def planned(found: Worst) -> Plan:
    """The witness, a few ordinary points of its builtin, and a few programs of steps, without which nothing is
    fitted."""
    cells = witness_cells(Path(found.run), 0)
    assert {cell.operation for cell in cells if cell.witness} == {PLANT.price}
    ordinary = [cell.sizes for cell in cells if not cell.witness]
    chosen = set(list(dict.fromkeys(ordinary))[::5])
    few = [cell for cell in cells if cell.witness or cell.sizes in chosen]
    prices = ChargedPrices(ledger_model(Variant.E), parameters_at(645))
    programs = [mixture(idioms, random.Random(idioms)) for idioms in range(10, 34, 2)]
    steps = [prices.cell(f"steps/{i}", "steps", "ordinary", each)[0] for i, each in enumerate(programs)]
    return Plan(cells=(*few, *steps), core=choose_core(None), **TWO_PROCESSES)


def charged(runs: list[Run], witnesses: tuple[Witness, ...]) -> CostModel:
    """The ledger's model with the price of the searched builtin as the runs and the witnesses give it."""
    fit = fit_runs(
        runs, variant=Variant.E, replicates=100, margins=parse_margins(["worst"]), witnesses=witnesses, allowed=["*"]
    )
    ledger = ledger_model(Variant.E)
    price = fit.cost_model.builtins[PLANT.price]
    for each in fit.section.builtins[PLANT.price].witnesses:
        assert price.cpu.evaluate(each.sizes) >= each.ps
    return replace(ledger, builtins={**ledger.builtins, PLANT.price: price})


def test_a_witness_that_is_charged_is_not_found_again(tmp_path: Path) -> None:
    first = searched(tmp_path, ledger_model(Variant.E), 1.5, simulated=True)
    assert (first.finds[0].ratio.interval[0] or 0) > 1.3
    run = session.measure(planned(first), tmp_path, "inputs", backend=SimulatedBackend((PLANT,), 0))
    model = charged([run], ())
    second = searched(tmp_path, model, 1.5, simulated=True)
    assert (second.finds[0].ratio.value or 0) < (first.finds[0].ratio.value or 0) / 1.2


def test_the_loop_runs_in_real_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two processes end sooner or later, on any machine.
    monkeypatch.setattr("costmodel.worst.run._PROOF_SETTINGS", TWO_PROCESSES)
    monkeypatch.setattr("costmodel.worst.run._LEAST_PROOF_SECONDS", 3600.0)
    found = searched(tmp_path, ledger_model(Variant.E), 2.0, simulated=False)
    assert found.finds[0].processes >= 2
    run = session.measure(planned(found), tmp_path, "inputs")
    given = witnesses_of(read_search(Path(found.run)), run.manifest, found.run)
    assert [each.search for each in given] == [Path(found.run).name]
    charged([run], given)


def test_witnesses_of_others_are_refused(tmp_path: Path) -> None:
    found = searched(tmp_path, ledger_model(Variant.E), 0.5, simulated=True)
    with pytest.raises(InputError, match="searched simulated"):
        witnesses_of(found, None, "search")
    with pytest.raises(InputError, match="no complete search"):
        read_search(tmp_path)
