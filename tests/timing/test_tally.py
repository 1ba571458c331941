"""When cells are done, against samples whose truth is known."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from costmodel.runs.tables import Sample
from costmodel.timing.plan import Plan
from costmodel.timing.tally import Tally
from tests.timing.programs import ADD, FORCE, QUICK, cell

PAIR = tuple(
    cell(f"f/x{repeats}", "(con unit ())", experiment="builtins", operation="f", repeats=repeats) for repeats in (1, 2)
)


def plan_of(*cells: object, **changes: object) -> Plan:
    fields = {"cells": cells, "min_processes": 5, "max_processes": 40, "target_half_width": 0.02} | changes
    return msgspec.structs.replace(QUICK, **fields)


def process_of(number: int, log_ns: dict[str, float], *, disturbance: str = "", batches: int = 6) -> list[Sample]:
    """A process in which every batch of a cell takes exp(log_ns) ns."""
    return [
        Sample(
            cell=name,
            process=number,
            block=block,
            order=0,
            iterations=1,
            ticks=1,
            ns=float(np.exp(log)),
            disturbance=disturbance,
            yardstick_hash_ns=1.0,
            yardstick_machine_ns=1.0,
            cpu=0,
        )
        for name, log in log_ns.items()
        for block in range(batches)
    ]


def empty() -> pd.DataFrame:
    return pd.DataFrame(columns=list(Sample.__struct_fields__))


def tally_after(plan: Plan, processes: list[dict[str, float]]) -> Tally:
    tally = Tally(plan, empty())
    for number, log_ns in enumerate(processes):
        tally.add(process_of(number, log_ns))
        tally.end_process()
    return tally


def scattered(seed: int, sd: float, count: int) -> list[float]:
    return list(np.random.default_rng(seed).normal(5.0, sd, count))


def test_a_precise_cell_is_done_at_its_first_look_and_stays_done() -> None:
    plan = plan_of(ADD, FORCE)
    wild = scattered(0, 0.2, 7)
    processes = [{"add": 5.0 + 1e-4 * number, "force": wild[number]} for number in range(5)]
    assert list(tally_after(plan, processes[:4]).active) == [True, True]
    assert list(tally_after(plan, processes).active) == [False, True]
    processes += [{"force": wild[number]} for number in (5, 6)]
    tally = tally_after(plan, processes)
    assert list(tally.active) == [False, True]
    assert set(tally.uncertain("time budget spent")) == {"force"}
    assert tally.cells_done == 1


def test_nothing_is_decided_between_looks() -> None:
    plan = plan_of(ADD)
    wild = [4.9, 5.1, 4.9, 5.1, 5.0]
    still = [{"add": value} for value in [*wild, *[5.0] * 200]]
    looked = [count for count in range(5, 13) if list(tally_after(plan, still[:count]).active) == [False]]
    assert looked in ([], [8, 9, 10, 11, 12], [12])


def test_two_programs_of_a_point_go_on_until_both_are_precise() -> None:
    wild = scattered(1, 0.2, 5)
    tally = tally_after(plan_of(*PAIR), [{"f/x1": 5.0 + 1e-4 * n, "f/x2": wild[n]} for n in range(5)])
    assert list(tally.active) == [True, True]
    assert set(tally.uncertain("")) == {"f/x2"}


def test_a_disturbed_cell_says_so() -> None:
    tally = Tally(plan_of(ADD, FORCE), empty())
    for number in range(5):
        tally.add(process_of(number, {"add": 5.0 + 1e-4 * number}))
        tally.add(process_of(number, {"force": 5.0}, disturbance="preempted" if number % 2 else ""))
        tally.end_process()
    assert list(tally.active) == [False, True]
    assert (
        "after 3 processes, target ±2.0%: too few clean batches (40% disturbed), over"
        in tally.uncertain("over")["force"]
    )


def test_a_resumed_session_knows_what_the_first_knew() -> None:
    processes = [{"add": value, "force": value / 2} for value in scattered(2, 0.01, 6)]
    first = tally_after(plan_of(ADD, FORCE), processes)
    rows = [row for number, log_ns in enumerate(processes) for row in process_of(number, log_ns)]
    again = Tally(plan_of(ADD, FORCE), pd.DataFrame.from_records([msgspec.structs.asdict(row) for row in rows]))
    assert (again.processes, again.next_process, again.batches) == (6, 6, first.batches)
    pd.testing.assert_series_equal(again.half_widths, first.half_widths)


def test_to_resume_is_no_look() -> None:
    """Five processes miss the target and six meet it, but the next look is after eight."""
    processes = [{"add": 5.0 + 0.018 * off} for off in (-1, 1, -1, 1, 0, 0)]
    first = tally_after(plan_of(ADD), processes)
    rows = [row for number, log_ns in enumerate(processes) for row in process_of(number, log_ns)]
    again = Tally(plan_of(ADD), pd.DataFrame.from_records([msgspec.structs.asdict(row) for row in rows]))
    assert again.half_widths["add"] < 0.02
    assert list(again.active) == list(first.active) == [True]


def test_processes_cut_short_together_are_taken_one_by_one() -> None:
    plan = plan_of(ADD, min_processes=2, max_processes=2)
    tally = Tally(plan, empty())
    tally.add(process_of(0, {"add": 1.0}) + process_of(1, {"add": 1.001}))
    tally.end_process()
    assert tally.processes == 2
    assert tally.cells_done == 1


def test_blocks_follow_the_variances() -> None:
    """Processes alike and batches scattered ask for more blocks than the reverse."""
    rng = np.random.default_rng(3)
    tally = Tally(plan_of(ADD, FORCE), empty())
    for number in range(5):
        quiet, wild = 5.0 + 1e-4 * rng.normal(), 5.0 + 0.2 * rng.normal()
        scatter = {"add": 0.05, "force": 0.001}
        for name, centre in (("add", quiet), ("force", wild)):
            for block in range(20):
                (row,) = process_of(number, {name: centre + scatter[name] * rng.normal()}, batches=1)
                tally.add([msgspec.structs.replace(row, block=block)])
        tally.end_process()
    add, force = tally.rounds(process_seconds=0.01, round_seconds=0.01)
    assert add > force
    assert add <= 4 * QUICK.blocks_per_process


def width_by_machine_yardstick(evaluator: str, *, following: float) -> float:
    """The half-width of a cell that follows what the machine yardstick is off by, or does not, as a share."""
    tally = Tally(plan_of(ADD, evaluator=evaluator), empty())
    for number, log in enumerate([0.0, 0.2, -0.2, 0.1, -0.1]):
        rows = process_of(number, {"add": 5.0 + 1e-4 * number + following * log})
        tally.add([msgspec.structs.replace(row, yardstick_machine_ns=float(np.exp(log))) for row in rows])
        tally.end_process()
    return float(tally.half_widths["add"])


def test_yardsticks_are_chosen_by_what_they_leave() -> None:
    """A process in which the machine yardstick alone ran slowly says nothing about its cells."""
    assert [width_by_machine_yardstick("native", following=share) < 0.01 for share in (0.0, 0.5, 1.0)] == [True] * 3


def test_a_driver_is_not_held_to_the_machine_yardstick() -> None:
    """It lies in the measuring process, whose layout is not the driver's."""
    assert width_by_machine_yardstick("python3 driver.py", following=0.0) < 0.01
    assert width_by_machine_yardstick("python3 driver.py", following=1.0) > 0.05


def test_a_driver_that_starts_slowly_gets_no_more_blocks_before_its_processes_can_be_compared() -> None:
    native, driver = (Tally(plan_of(ADD, evaluator=name), empty()) for name in ("native", "python3 driver.py"))
    assert native.rounds(process_seconds=30.0, round_seconds=10.0)[0] > QUICK.blocks_per_process
    assert driver.rounds(process_seconds=30.0, round_seconds=10.0)[0] == QUICK.blocks_per_process


ALIKE, HALF, DRAWN = "alike", "half of them six times as much", "drawn"


def spreads(kind: str, sd: float, rng: np.random.Generator) -> np.ndarray:
    """The true standard deviations of 600 cells."""
    if kind == ALIKE:
        return np.full(600, sd)
    return np.where(rng.random(600) < 0.5, sd, 6 * sd) if kind == HALF else sd * np.sqrt(3 / rng.chisquare(3, 600))


@pytest.mark.parametrize(("kind", "sd"), [(ALIKE, 0.01), (ALIKE, 0.02), (ALIKE, 0.06), (HALF, 0.005), (DRAWN, 0.012)])
@pytest.mark.parametrize("target", [0.01, 0.02])
def test_intervals_hold_though_cells_stop_at_good_news(kind: str, sd: float, target: float) -> None:
    """Cells of known truth, stopped by the session's own rule: the coverage that the module's text promises, less two
    standard errors, of all cells and of those that stopped at the first look."""
    rng = np.random.default_rng(4)
    cells = tuple(msgspec.structs.replace(FORCE, id=f"c{number}") for number in range(600))
    logs = rng.normal(0.0, 1.0, (40, 600)) * spreads(kind, sd, rng)
    tally = Tally(plan_of(*cells, target_half_width=target), empty())
    taken = np.full((40, 600), np.nan)
    for number in range(40):
        active = tally.active.copy()
        if not active.any():
            break
        taken[number, active] = logs[number, active]
        row = {one.id: float(log) for one, log, on in zip(cells, logs[number], active, strict=True) if on}
        tally.add(process_of(number, row, batches=4))
        tally.end_process()
    held = np.expm1(np.abs(np.nanmean(taken, axis=0))) <= tally.half_widths.to_numpy()
    assert held.mean() >= 0.94 - 2 * 0.01
    first = np.isfinite(taken).sum(axis=0) == 5
    if first.sum() > 20:
        assert held[first].mean() >= 0.94 - 2 * np.sqrt(0.06 * 0.94 / first.sum())
