"""The command: table, JSON, Markdown and plot."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from costmodel.cli.app import run as calibrate
from costmodel.records import read
from costmodel.records.evaluator import Parity
from tests.parity.models import write_model


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    return [
        str(write_model(tmp_path / "a.json", "amaru <1>", pace=0.1)),
        str(write_model(tmp_path / "b.json", "plutigo", pace=0.3, slow={"sha2_256": 5.0})),
    ]


def test_json_is_the_document(models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate(["parity", *models, "--json"]) == 0
    path = tmp_path / "parity.json"
    path.write_text(capsys.readouterr().out)
    found = read(path, Parity)
    assert found.prices[0].name == "sha2_256"


def test_markdown_is_escaped_and_plot_is_a_picture(models: list[str], tmp_path: Path) -> None:
    text, plot = tmp_path / "p.md", tmp_path / "p.svg"
    assert calibrate(["parity", *models, "--markdown", str(text), "--plot", str(plot), "--top", "3"]) == 0
    assert "amaru \\<1\\>" in text.read_text()
    assert ET.parse(plot).getroot().tag.endswith("svg")  # noqa: S314 - written just now


def test_table_names_the_worst(models: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate(["parity", *models, "--top", "5"]) == 0
    shown = capsys.readouterr().out
    assert "sha2_256" in shown.split("over 2 times its own pace")[1].splitlines()[2]
    assert "5.000" in shown


def test_table_of_four_evaluators_has_a_column_for_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("native", "amaru-uplc", "plutigo", "harmoniclabs-plutus-machine")
    files = [str(write_model(tmp_path / f"{name}.json", name, pace=0.1 + n)) for n, name in enumerate(names)]
    assert calibrate(["parity", *files]) == 0
    shown = capsys.readouterr().out
    table = shown[shown.index("Prices that") : shown.index("charged by")]
    assert max(map(len, table.splitlines())) <= 80
    assert all(f"{name.partition('-')[0]}:" in table for name in names)


def test_an_evaluator_may_have_a_name_without_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(write_model(tmp_path / f"{n}.json", name, pace=0.1 + n)) for n, name in enumerate(("--", "native"))]
    assert calibrate(["parity", *files]) == 0
    assert "--:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--speed", "light"], "unknown speed 'light'; use yardstick or pace"),
        (["--threshold", "0.5"], "must be above 1"),
        (["--threshold", "inf"], "must be above 1 and finite"),
        (["--allowed-pace", "0"], "must be above 0"),
        (["--allowed-pace", "1e-308"], "time over charge such as 0.5"),
        (["--against", "absent.json"], "absent.json"),
    ],
)
def test_wrong_use_is_one_line(
    models: list[str], options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(["parity", *models, *options]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


def test_model_that_is_damaged_is_one_line(
    models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(Path(models[0]).read_text())
    document["calibrate"]["errors"] = 1
    damaged = tmp_path / "damaged.json"
    damaged.write_text(json.dumps(document))
    assert calibrate(["parity", str(damaged)]) == 2
    assert "write it again with calibrate fit" in capsys.readouterr().err
