"""Every command beside what it cannot take: exit code 2 and one line, whatever the command."""

import os
from pathlib import Path

import pytest

from costmodel.cli.app import ENTRIES
from costmodel.model import Variant, dump, ledger_model
from tests.cli.command import calibrate, one_line
from tests.workloads.rows import row, write

FILE = "FILE"  # stands for a file that is absent, or of another kind
TAKES: dict[str, tuple[tuple[str, ...], ...]] = {
    "doctor": (),  # it takes no file
    "measure": tuple(("measure", option, FILE) for option in ("--resume", "--extend", "--flagged", "--inputs")),
    "import": (("import", FILE, "--evaluator", "x"),),
    "fit": (("fit", FILE), ("fit", "--method", "official", "--criterion", FILE)),
    "evaluators": (("evaluators", "check", FILE),),
    "report": (("report", FILE),),
    "validate": (("validate", FILE),),
    "drift": (("drift", FILE), ("drift", "model.json", FILE), ("drift", "model.json", "model.json", "--limits", FILE)),
    "compare": (("compare", FILE, "--against", FILE),),
    "parity": (("parity", FILE),),
    "worst": (
        ("worst", FILE),
        ("worst", "--resume", FILE),
        ("worst", "--again", FILE),
        ("worst", "--compare", FILE, "--compare", FILE),
    ),
    "memory": (("memory", FILE),),
    "params": (("params", "show", "--model", FILE), ("params", "diff", "D", FILE)),
    "impact": (("impact", "D", FILE, "--corpus", "corpus.parquet"), ("impact", "D", "E", "--corpus", FILE)),
    "propose": (
        ("propose", FILE),
        ("propose", "--verify", FILE),
        *(("propose", "model.json", option, FILE) for option in ("--run", "--verdict", "--worst", "--edits", "--live")),
    ),
    "budget": (("budget", FILE),),
    "eval": (("eval", FILE),),
    "conformance": (("conformance", FILE),),
    "cluster": (("cluster", FILE),),
    "trace": (("trace", "cost", "--workload", FILE),),
}
"""Each command by its name, with every option that takes a file of a certain kind."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.json").write_bytes(dump(ledger_model(Variant.E)))
    (tmp_path / "other.json").write_text('{"kind": "something else", "schema_version": 1}')
    write(tmp_path / "corpus.parquet", [row()])
    return tmp_path


def test_every_command_is_here() -> None:
    assert TAKES.keys() == ENTRIES.keys()


@pytest.mark.parametrize("name", ENTRIES)
def test_an_unknown_option_is_wrong_usage(name: str) -> None:
    words = {"evaluators": ("evaluators", "check"), "params": ("params", "show"), "trace": ("trace", "cost")}
    assert "No such option: --nonsense" in one_line(calibrate(*words.get(name, (name,)), "--nonsense"))


@pytest.mark.parametrize("kind", ["absent.json", "other.json"])
@pytest.mark.parametrize("words", [each for takes in TAKES.values() for each in takes], ids=" ".join)
def test_what_is_absent_or_of_another_kind_is_bad_input(words: tuple[str, ...], kind: str, folder: Path) -> None:
    before = sorted(folder.iterdir())
    one_line(calibrate(*(kind if word is FILE else word for word in words)))
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "words",
    [
        ("parity", "model.json", "--markdown", "model.json"),
        ("parity", "model.json", "--markdown", "same", "--plot", "same"),
        ("impact", "D", "model.json", "--corpus", "corpus.parquet", "--out", "corpus.parquet"),
        ("impact", "D", "model.json", "--corpus", "corpus.parquet", "--record", "model.json"),
        ("impact", "D", "E", "--corpus", "corpus.parquet", "--out", "same", "--record", "./same"),
        ("drift", "model.json", "other.json", "--junit", "model.json"),
        ("drift", "model.json", "model.json", "--junit", "same", "--outputs", "same"),
    ],
    ids=" ".join,
)
def test_results_never_replace_what_was_read_or_one_another(words: tuple[str, ...], folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "another file" in (said := one_line(calibrate(*words))) or "name two files" in said
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("version", ["0", "-1", "256", "1" + 30 * "0"])
def test_a_protocol_version_that_never_was_is_wrong_usage(version: str) -> None:
    assert "--protocol-version" in one_line(calibrate("parity", os.devnull, "--protocol-version", version))
