from pathlib import Path

import msgspec
import pytest

from costmodel.errors import InputError
from costmodel.fit import FlagKind, fit_runs
from costmodel.records.model import Call
from costmodel.runs.design import Cell
from tests.fit.synthetic import CALLS_PS, VARIANT, call_cells, make_run, planned, step_cells


def fit(folder: Path, cells: list[Cell]) -> dict[str, Call]:
    run = make_run(folder, [*step_cells(), *cells], processes=3, blocks=4)
    return fit_runs([run], variant=VARIANT, replicates=100).section.calls


@pytest.mark.parametrize("operation", sorted(CALLS_PS))
def test_costs_are_recovered_from_a_machine_without_noise(tmp_path: Path, operation: str) -> None:
    fitted = fit(tmp_path, list(call_cells()))[operation]
    found = {name: each.ps for name, each in fitted.coefficients.items()}
    assert found == pytest.approx(CALLS_PS[operation], rel=1e-6)
    assert not any(each.flags for each in fitted.coefficients.values())


def test_bytes_and_nodes_in_proportion_are_not_told_apart(tmp_path: Path) -> None:
    cells = [
        planned(f"decode-{n}", experiment="calls", operation="decode", work="decode", sizes=(10 * n, n))
        for n in (1, 10, 100, 1000)
    ]
    _, per_byte, *others = fit(tmp_path, cells)["decode"].coefficients.values()
    for other in others:
        assert [flag.flag for flag in other.flags] == [FlagKind.UNIDENTIFIED]
        assert other.ps == 0
    decode = CALLS_PS["decode"]
    assert per_byte.ps == pytest.approx(decode["bytes"] + decode["nodes"] / 10)


def test_parts_without_cells_are_absent(tmp_path: Path) -> None:
    assert fit(tmp_path, []) == {}


def test_applying_is_not_fitted_without_the_decoding_of_its_script(tmp_path: Path) -> None:
    fitted = fit(tmp_path, [cell for cell in call_cells() if cell.id != "decode-tiny"])
    assert "apply" not in fitted
    assert {"decode", "first", "start"} <= fitted.keys()


def test_a_first_run_whose_decoding_is_not_known_is_left_out(tmp_path: Path) -> None:
    fitted = fit(tmp_path, [cell for cell in call_cells() if cell.id != "decode-100-40"])["first"]
    assert fitted.cells == 3
    assert {name: each.ps for name, each in fitted.coefficients.items()} == pytest.approx(CALLS_PS["first"], rel=1e-6)


def test_runs_of_different_programs_are_fitted_together(tmp_path: Path) -> None:
    """As those of two seeds are: what is subtracted from a first run are the times of its own program."""
    every = list(call_cells())
    others = [msgspec.structs.replace(cell, flat=cell.flat + b"of another seed") for cell in reversed(every)]
    runs = [
        make_run(folder, [*step_cells(), *cells], processes=3, blocks=4)
        for folder, cells in ((tmp_path / "one", every[: len(every) // 2]), (tmp_path / "other", others))
    ]
    first = fit_runs(runs, variant=VARIANT, replicates=100).section.calls["first"]
    assert {name: each.ps for name, each in first.coefficients.items()} == pytest.approx(CALLS_PS["first"], rel=1e-6)


def test_first_runs_are_not_fitted_without_warm_ones(tmp_path: Path) -> None:
    fitted = fit(tmp_path, [cell for cell in call_cells() if cell.operation != "warm"])
    assert "first" not in fitted
    assert {"decode", "apply", "start"} <= fitted.keys()


def test_decode_cell_needs_bytes_and_nodes(tmp_path: Path) -> None:
    # Timed as a start, since the imaginary machine cannot decode what has no size.
    cell = planned("bad", experiment="calls", operation="decode", work="start")
    with pytest.raises(InputError, match="gives 0 sizes; it needs bytes and nodes"):
        fit(tmp_path, [cell])
