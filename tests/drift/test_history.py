"""The history of drift checks: its file, and the gate on its change points."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from costmodel.drift.check import DriftCheck, check_drift
from costmodel.drift.history import add_entry, compare_history, entry_of, is_history, read_history
from costmodel.drift.limits import NO_LIMITS, with_defaults
from costmodel.drift.verdict import DriftVerdict, exact_drift
from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.judging.estimate import Change
from costmodel.records.drift import DriftEntry, Metric


def entries(metric: Metric, machine: str = "m", **series: Sequence[float]) -> list[DriftEntry]:
    """An entry a value, at commits c0, c1 and so on."""
    return [
        DriftEntry(
            time=f"2026-01-{number + 1:02}T00:00:00Z",
            revision=f"c{number}",
            evaluator="sample",
            workload="contracts",
            machine=machine,
            figures={name: {metric: value} for name, value in zip(series, values, strict=True)},
        )
        for number, values in enumerate(zip(*series.values(), strict=True))
    ]


def gate(found: list[DriftEntry], fail: str | None = None, operations: str = "*") -> DriftVerdict:
    return compare_history(found, "history.jsonl", operations, (), with_defaults(NO_LIMITS, fail, None))


def noisy(*levels: tuple[float, int], spread: float = 0.01) -> list[float]:
    chance = np.random.default_rng(3)
    return [float(level * np.exp(chance.normal(0, spread))) for level, count in levels for _ in range(count)]


def test_exact_step_up_fails_from_its_first_entry_until_it_is_undone() -> None:
    assert gate(entries("cpu", a=[10, 10, 10, 11])).exit_code == 1
    assert gate(entries("cpu", a=[10, 10, 11, 11, 11])).exit_code == 1
    undone = gate(entries("cpu", a=[10, 10, 11, 11, 10]))
    assert (undone.exit_code, undone.status) == (0, Change.IMPROVED)


def test_several_change_points_are_told_with_their_commits() -> None:
    (drift,) = gate(entries("cpu", a=[10, 10, 11, 11, 9, 9, 12])).drifts
    assert [(change.entry, change.revision) for change in drift.changes] == [(2, "c2"), (4, "c4"), (6, "c6")]
    assert [round(change.ratio, 3) for change in drift.changes] == [1.1, 0.818, 1.333]
    assert drift.note == "+10.00 % from c2 on, −18.18 % from c4 on, +33.33 % from c6 on".replace("−", "-")
    assert (drift.baseline, drift.candidate) == pytest.approx((9, 12))


def test_many_small_steps_are_a_change_at_last() -> None:
    creeping = [100 * 1.004**number for number in range(6)]
    assert gate(entries("instructions", a=creeping[:3]), fail="1%").status is Change.UNCHANGED
    assert gate(entries("instructions", a=creeping), fail="1%").status is Change.REGRESSED


def test_times_step_beyond_their_noise() -> None:
    found = gate(entries("time", a=noisy((100, 20), (110, 8)), b=noisy((50, 28))))
    assert {drift.operation: drift.status for drift in found.drifts} == {
        "a": Change.REGRESSED,
        "b": Change.UNCHANGED,
    }
    (change,) = found.drifts[0].changes
    assert change.entry == 20
    assert change.ratio == pytest.approx(1.1, abs=0.02)


def test_two_steps_of_times_are_both_found() -> None:
    (drift,) = gate(entries("time", a=noisy((100, 15), (110, 15), (95, 15)))).drifts
    assert [change.entry for change in drift.changes] == [15, 30]
    assert drift.status is Change.IMPROVED


def test_step_within_the_limit_is_no_failure() -> None:
    (drift,) = gate(entries("time", a=noisy((100, 20), (103, 20), spread=0.002)), fail="5%").drifts
    assert drift.status is Change.UNCHANGED
    assert len(drift.changes) == 1


def test_few_times_cannot_tell() -> None:
    (drift,) = gate(entries("time", a=[1, 1, 1, 2])).drifts
    assert (drift.status, drift.note) == (Change.INCONCLUSIVE, "4 of the 8 checks that are needed")


def test_times_of_another_machine_are_left_out() -> None:
    elsewhere = entries("time", machine="other", a=noisy((200, 20)))
    found = gate([*elsewhere, *entries("time", a=noisy((100, 20)))])
    assert found.status is Change.UNCHANGED
    assert "2 machines" in found.notes[0]


def test_other_workloads_are_other_series() -> None:
    other = [msgspec.structs.replace(each, workload="others") for each in entries("cpu", a=[5, 5])]
    assert gate([*other, *entries("cpu", a=[10, 10])]).status is Change.UNCHANGED


def test_part_of_the_operations_is_judged() -> None:
    found = entries("cpu", a=[10, 11], b=[10, 10])
    assert gate(found, operations="b").exit_code == 0
    with pytest.raises(InputError, match="'x'"):
        gate(found, operations="x")


def verdict(now: float) -> DriftVerdict:
    drift = exact_drift("a", "", "cpu", 10.0, now, 0.0)
    return DriftVerdict("deterministic", "main", (drift,), evaluator="sample 1.0", workload="contracts")


def test_file_grows_by_a_line_a_check_and_is_a_baseline(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for now in (10.0, 10.0, 12.0):
        add_entry(path, entry_of(verdict(now), "abc", "m"))
    assert path.read_bytes().count(b"\n") == 3
    assert [entry.figures["a"]["cpu"] for entry in read_history(path)] == [10, 10, 12]
    found = check_drift(DriftCheck(), path)
    assert (found.mode, found.evaluator, found.workload, found.exit_code) == ("history", "sample", "contracts", 1)


def test_lines_of_merged_branches_are_read_in_the_order_of_time(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for entry in reversed(entries("cpu", a=[10, 11, 12])):
        add_entry(path, entry)
    assert [entry.revision for entry in read_history(path)] == ["c0", "c1", "c2"]


def test_what_is_no_history_is_not_added_to(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text('{\n"kind": "fitted model"}')
    with pytest.raises(InputError, match="other than drift checks"):
        add_entry(path, entry_of(verdict(10), "", "m"))
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentFault):
        add_entry(link, entry_of(verdict(10), "", "m"))
    assert not os.path.lexists(tmp_path / "elsewhere")


@pytest.mark.parametrize("line", ["{}", "[", '{"kind": "drift history entry"}', "\udcff"])
def test_line_that_is_no_entry_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "history.jsonl"
    add_entry(path, entry_of(verdict(10), "", "m"))
    with path.open("a", errors="surrogateescape") as file:
        file.write(line + "\n")
    assert is_history(path)
    with pytest.raises(DecodeError, match=r"history\.jsonl, line 2"):
        read_history(path)


def test_figures_that_there_are_not_are_left_out() -> None:
    nothing = exact_drift("b", "", "memory", 0.0, 0.0, 0.0)
    both = DriftVerdict("deterministic", "main", (*verdict(10).drifts, nothing))
    assert entry_of(both, "", "m").figures == {"a": {"cpu": 10.0}}


def test_a_last_line_without_its_end_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    add_entry(path, entry_of(verdict(10), "", "m"))
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))  # as some editors leave it
    add_entry(path, entry_of(verdict(11), "", "m"))
    assert len(read_history(path)) == 2
