"""measure, fit and validate as their user meets them: one small chain, and what goes wrong along it."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from costmodel.model import Variant, dump, ledger_model
from tests.cli.command import ENVIRONMENT, MAIN, calibrate, one_line

ALONE = ("--experiment", "builtins", "--builtins", "ifThenElse")
SMALL = ("--experiment", "builtins,steps", "--builtins", "ifThenElse")  # the programs of steps take seconds to make


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run, as precise as the time allows; two processes must fit into it on a loaded machine too."""
    folder = tmp_path_factory.mktemp("measurements")
    result = calibrate("measure", *SMALL, "--time-budget", "15s", "--json", "--measurements", folder)
    assert result.returncode == 0, result.stderr
    return Path(json.loads(result.stdout)["run"])


@pytest.fixture(scope="module")
def model(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "small.json"
    result = calibrate("fit", measured, "--out", path)
    assert result.returncode == 0, result.stderr
    assert "ifThenElse" in result.stdout
    return path


def test_model_is_in_the_upstream_layout(model: Path) -> None:
    content = json.loads(model.read_text())
    assert content["ifThenElse"]["cpu"]["type"] == "constant_cost"
    assert isinstance(content["ifThenElse"]["cpu"]["arguments"], int)
    assert set(content["cekVarCost"]) == {"exBudgetCPU", "exBudgetMemory"}
    assert content["calibrate"]["inputs"][0]["files"]["samples.parquet"]["sha256"]


def test_fitting_again_gives_the_same_bytes(measured: Path, model: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    assert calibrate("fit", measured, "--out", again).returncode == 0
    assert again.read_bytes() == model.read_bytes()


def test_model_prices_a_program_of_what_was_measured(model: Path, tmp_path: Path) -> None:
    program = tmp_path / "choice.uplc"
    program.write_text("(program 1.0.0 [(force (builtin ifThenElse)) (con bool True) (con integer 1) (con integer 2)])")
    result = calibrate("eval", "--json", program, "--cost-model", model)
    prices = json.loads(model.read_text())
    steps = {"cekApplyCost": 3, "cekForceCost": 1, "cekBuiltinCost": 1, "cekConstCost": 3, "cekStartupCost": 1}
    expected = sum(prices[step]["exBudgetCPU"] * count for step, count in steps.items())
    assert json.loads(result.stdout)["ex_units"]["cpu"] == expected + prices["ifThenElse"]["cpu"]["arguments"]


def test_model_without_a_needed_entry_is_refused_before_anything_is_timed(model: Path, tmp_path: Path) -> None:
    refused = one_line(calibrate("validate", model, "--workload", "secp", "--measurements", tmp_path / "runs"))
    assert "small.json" in refused
    assert not (tmp_path / "runs").exists()


def test_validate_judges_the_ledgers_model(tmp_path: Path) -> None:
    # No machine of today is within a millionth of the chain's prices, so this fails or cannot tell.
    path = tmp_path / "ledger.json"
    path.write_bytes(dump(ledger_model(Variant.D)))
    folder = tmp_path / "runs"
    options = ("--loops", "1", "--tolerance", "0.000001", "--time-budget", "5s", "--measurements", folder)
    result = calibrate("validate", path, "--json", *options)
    assert result.returncode in (1, 3), result.stderr
    verdict = json.loads(result.stdout)
    assert verdict["exit_code"] == result.returncode
    assert {score["program"] for score in verdict["scores"]} == {
        *("ecdsa", "schnorr-32", "schnorr-64", "schnorr-512", "ecdsa-refused", "schnorr-32-refused")
    }


def test_a_core_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    assert "core 4095" in one_line(calibrate("measure", *ALONE, "--core", "4095", "--measurements", folder))
    assert not folder.exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert "file" in one_line(calibrate("measure", *ALONE, "--measurements", blocked / "runs"))


def test_a_model_that_cannot_be_written_is_refused(measured: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    assert "file" in one_line(calibrate("fit", measured, "--out", tmp_path / "file" / "model.json"))


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    assert str(tmp_path) in one_line(calibrate("fit", tmp_path))


@pytest.mark.parametrize(
    ("option", "value", "complaint"),
    [
        ("--time-budget", "soon", "invalid duration 'soon'; use 90s, 3m or 1h"),
        ("--precision", "200%", "invalid --precision '200%'; use a share between 0 and 1"),
        ("--experiment", "walks", "unknown experiment 'walks'"),
        ("--builtins", "nothing*", "no builtin matches 'nothing*'; known are addInteger"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, option: str, value: str, complaint: str) -> None:
    assert complaint in one_line(calibrate("measure", option, value, "--measurements", tmp_path / "runs"))


def test_a_run_stopped_by_ctrl_c_can_be_resumed(tmp_path: Path) -> None:
    command = [*MAIN, "measure", *ALONE, "--measurements", str(tmp_path), "--precision", "0.01%"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        deadline = time.monotonic() + 240
        while not list(tmp_path.glob("*/parts/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=120)
    assert process.returncode == 130
    progress = "measuring: "  # a line of it now and then
    (told,) = [line for line in complaint.splitlines() if not line.startswith(progress)]
    assert told.startswith("calibrate: stopped")
    (run,) = tmp_path.iterdir()
    assert f"`calibrate measure --resume {run}` goes on" in told
    assert json.loads((run / "manifest.json").read_text())["status"] == "interrupted"
    result = calibrate("measure", "--resume", run, "--time-budget", "8s", "--json")
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["status"] == "complete"


def test_help_names_every_command() -> None:
    shown = calibrate("--help").stdout
    assert all(name in shown for name in ("conformance", "eval", "fit", "measure", "validate"))


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    assert "--seed" in one_line(calibrate("fit", tmp_path, "--seed=-1"))
