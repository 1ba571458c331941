import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from costmodel.cli.cluster import stoppable
from costmodel.model import Variant, dump, ledger_model
from costmodel.records.run import RunStatus
from costmodel.runs.store import Run
from tests.cli.command import ENVIRONMENT, MAIN, calibrate, one_line


def test_a_profile_ends_in_one_json_document(tmp_path: Path) -> None:
    result = calibrate(
        "cluster", "plutuscall-secp-schnorr", "--nodes", "2", "--epochs", "1", "--measurements", tmp_path, "--json"
    )
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)["observed"]
    assert len(summary["nodes"]) == 2
    assert summary["ex_units"]["cpu"] <= 2_500_000_000
    assert Run.open(Path(summary["run"])).manifest.status is RunStatus.COMPLETE
    assert Path(summary["table"]).parent == Path(summary["run"])


def test_a_model_of_the_ledgers_prices_predicts_the_ledgers_time(tmp_path: Path) -> None:
    model = tmp_path / "ledger.json"
    model.write_bytes(dump(ledger_model(Variant.B)))
    arguments = ("cluster", "plutuscall-secp-ecdsa", "--nodes", "1", "--epochs", "1", "--json")
    result = calibrate(*arguments, "--model", model, "--measurements", tmp_path / "runs")
    assert result.returncode == 0, result.stderr
    summary = json.loads(result.stdout)["observed"]
    assert summary["predicted_tx_ns"] == pytest.approx(summary["ex_units"]["cpu"] / 1000)


def test_value_transfers_have_no_script_to_predict_or_observe(tmp_path: Path) -> None:
    result = calibrate("cluster", "model-value", "--measurements", tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["transactions"] > 0
    assert (document["budget"], document["observed"]) == (None, None)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_profile_is_one_line() -> None:
    assert "unknown profile" in one_line(calibrate("cluster", "nothing"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_was_dropped_comes_again(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stoppable() as check:
        check()
        with suppress(KeyboardInterrupt):  # as Python does in places
            signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            check()
    assert signal.getsignal(number) == before


def test_ctrl_c_ends_with_130_and_leaves_a_run(tmp_path: Path) -> None:
    command = [*MAIN, "cluster", "model-secp-ecdsa", "--measurements", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("validating: ")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert Run.open(next(tmp_path.iterdir())).manifest.status is RunStatus.INTERRUPTED
