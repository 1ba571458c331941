"""`calibrate fit` on runs of an imaginary machine: what it shows, and what it refuses to write."""

import json
from pathlib import Path

import pytest

from tests.cli.command import calibrate, one_line
from tests.fit.synthetic import BUILTINS, builtin_cells, call_cells, make_run, pair, step_cells

V2 = ("--language", "V2")
SOUND = {name: sizes for name, (_, sizes) in BUILTINS.items()}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = [*step_cells(), *builtin_cells(SOUND), *call_cells()]
    return make_run(tmp_path_factory.mktemp("measurements"), cells, processes=3, blocks=4).path


@pytest.fixture(scope="module")
def flawed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which sha2_256 is measured at one size."""
    cells = [*step_cells(), *builtin_cells(SOUND | {"sha2_256": [(20,)]})]
    return make_run(tmp_path_factory.mktemp("measurements"), cells, processes=3, blocks=4).path


def test_tables_show_costs_and_the_ledgers_convention(sound: Path, tmp_path: Path) -> None:
    result = calibrate("fit", sound, *V2, "--out", tmp_path / "m.json")
    assert result.returncode == 0, result.stderr
    assert "sha2_256" in result.stdout
    assert "verdict: usable" in result.stdout
    assert "one price for all, the ledger's convention" in result.stdout
    assert "0 of 15 prices have material flags" in result.stdout


def test_strict_writes_a_sound_model(sound: Path, tmp_path: Path) -> None:
    result = calibrate("fit", sound, *V2, "--strict", "--out", tmp_path / "m.json")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "m.json").exists()


def test_strict_refuses_flagged_prices_and_names_them(flawed: Path, tmp_path: Path) -> None:
    result = calibrate("fit", flawed, *V2, "--strict", "--out", tmp_path / "m.json")
    assert result.returncode == 1
    assert "sha2_256" in result.stderr.splitlines()[-1]
    assert "unidentified" in result.stderr
    assert not list(tmp_path.iterdir())


def test_flags_are_in_the_table_and_the_model(flawed: Path, tmp_path: Path) -> None:
    result = calibrate("fit", flawed, *V2, "--out", tmp_path / "m.json")
    assert result.returncode == 0, result.stderr
    assert "flagged: sha2_256: few cells: 1 different sizes for 2 coefficients" in result.stdout
    flagged = json.loads((tmp_path / "m.json").read_text())["calibrate"]["flagged"]
    assert flagged == {"sha2_256": ["few cells", "unidentified"]}


def test_coverage_charges_an_envelope(sound: Path, tmp_path: Path) -> None:
    result = calibrate("fit", sound, *V2, "--coverage", "99%", "--json", "--out", tmp_path / "m.json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["builtins"]["addInteger"]["envelope"]["coverage"] == 0.99
    assert "upper envelope of 0.99" in document["method"]["builtins"]


def test_free_shapes_are_compared_and_the_ledgers_kept(sound: Path, tmp_path: Path) -> None:
    result = calibrate("fit", sound, *V2, "--shape", "free", "--out", tmp_path / "m.json")
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "m.json").read_text())
    assert document["calibrate"]["shapes"]["addInteger"]["present"] == "max_size"
    assert document["addInteger"]["cpu"]["type"] == "max_size"


def test_points_of_a_builtin_have_costs_predictions_and_residuals(sound: Path, tmp_path: Path) -> None:
    assert calibrate("fit", sound, *V2, "--out", tmp_path / "m.json").returncode == 0
    builtin = json.loads((tmp_path / "m.json").read_text())["calibrate"]["builtins"]["sha2_256"]
    assert [point["sizes"] for point in builtin["points"]] == [[1], [20], [400], [9800]]
    assert builtin["points"][2]["measured"]["ps"] == pytest.approx(260_000 + 400 * 30_000, rel=1e-4)
    assert builtin["points"][2]["residual"] == pytest.approx(0, abs=1e-4)
    assert [corner["sizes"] for corner in builtin["corners"]] == [[1], [9800]]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (("--rounding", "up"), "--rounding 'up' is unknown; use joint or ceiling"),
        (("--shape", "any"), "--shape 'any' is unknown; use chain or free"),
        (("--coverage", "0.2"), "a coverage of 0.2 is no upper envelope"),
        (("--coverage", "2"), "invalid --coverage '2'; use a share between 0 and 1"),
    ],
)
def test_unknown_choice_is_one_line(sound: Path, tmp_path: Path, option: tuple[str, str], message: str) -> None:
    result = calibrate("fit", sound, *V2, *option, "--out", tmp_path / "m.json")
    assert message in one_line(result)
    assert not list(tmp_path.iterdir())


def test_run_of_one_process_is_too_little_to_tell(tmp_path: Path) -> None:
    cells = [*step_cells(), *pair("nop2_0", (1, 1), 2, 0)]
    run = make_run(tmp_path / "measurements", cells, processes=1, blocks=4).path
    result = calibrate("fit", run, "--out", tmp_path / "m.json")
    assert result.returncode == 3
    assert result.stderr.endswith("has one process, and its spread cannot be told from one; measure longer\n")
