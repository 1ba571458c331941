import json
import os
from pathlib import Path

import pytest

from costmodel.errors import DecodeError, InputError
from costmodel.machine import EvaluationStatus, NativeMachine
from costmodel.model import ExUnits, ledger_model, variant_for
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program, wrap_script
from costmodel.workloads import find_workload, secp
from costmodel.workloads.corpus import from_corpus

ENVELOPE = {
    "type": "PlutusScriptV3",
    "description": "",
    "cborHex": wrap_script(encode_flat(parse_program("(program 1.1.0 (lam x x))"))).hex(),
}
TEXT = "(program 1.1.0 [ (lam x x) (con integer 42) ])"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two programs that have their arguments, one flat and one text, and what one of them must cost."""
    (tmp_path / "one.flat").write_bytes(encode_flat(parse_program(TEXT)))
    (tmp_path / "two.uplc").write_text(TEXT)
    (tmp_path / "budgets.json").write_text('{"one": {"cpu": 64100, "mem": 500}}')
    return tmp_path


def test_a_folder_of_applied_programs_is_a_workload(folder: Path) -> None:
    workload = find_workload(str(folder), language=LedgerLanguage.PLUTUS_V3)
    assert [(one.name, one.expected, one.arguments) for one in workload.programs] == [
        ("one", ExUnits(64100, 500), ()),
        ("two", None, ()),
    ]
    assert [path.name for path in workload.files] == ["one.flat", "two.uplc", "budgets.json"]
    assert not workload.loops


def test_applied_programs_are_of_the_language_asked_for(folder: Path) -> None:
    # UPLC 1.1.0 came to PlutusV2 with protocol version 11.
    assert find_workload(str(folder), language=LedgerLanguage.PLUTUS_V2).programs[0].language.value == "PlutusV2"
    with pytest.raises(DecodeError, match=r"one\.flat: "):
        find_workload(str(folder), language=LedgerLanguage.PLUTUS_V2, protocol_version=10)


def test_folders_below_belong_to_it_and_links_are_not_followed(folder: Path) -> None:
    below = folder / "more" / "deep"
    below.mkdir(parents=True)
    (below / "one.uplc").write_text(TEXT)
    (below / "budgets.json").write_text('{"one": {"cpu": 64100, "mem": 501}}')
    (below / "round").symlink_to(folder)
    (below / "loop.plutus").write_text(json.dumps(ENVELOPE))
    (below / "loop.redeemer.json").write_text('{"int": 7}')
    workload = find_workload(str(folder))
    assert [(one.name, one.expected) for one in workload.programs] == [
        ("more/deep/loop", None),
        ("more/deep/one", ExUnits(64100, 501)),
        ("one", ExUnits(64100, 500)),
        ("two", None),
    ]
    assert below / "budgets.json" in workload.files


def test_programs_of_one_name_are_told_apart(folder: Path) -> None:
    (folder / "two.flat").write_bytes(encode_flat(parse_program(TEXT)))
    (folder / "two (2).uplc").write_text(TEXT)
    labels = [program.label for program in find_workload(str(folder)).programs]
    assert labels == ["one", "two (2)", "two", "two (3)"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="unknown workload"):
        find_workload(str(tmp_path / "pipe"))


def test_one_file_is_a_workload(folder: Path) -> None:
    (program,) = find_workload(str(folder / "two.uplc")).programs
    assert program.name == "two"


def test_the_published_contracts_are_a_workload(shared_data: Path) -> None:
    workload = find_workload(str(shared_data / "scripts" / "validation"))
    assert len(workload.programs) == 43
    assert all(program.expected is not None for program in workload.programs)


@pytest.mark.parametrize("content", ["{", "[]", '{"one": {"cpu": -1, "mem": 1}}', '{"one": {"cpu": 1}}'])
def test_a_broken_table_of_budgets_is_named_in_one_line(folder: Path, content: str) -> None:
    (folder / "budgets.json").write_text(content)
    with pytest.raises(DecodeError, match=r"budgets\.json") as caught:
        find_workload(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no such thing", "absent.flat", "sec"])
def test_what_is_no_workload_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"unknown workload '{name}'"):
        find_workload(name)


def test_the_package_s_own_is_found_by_its_name() -> None:
    assert find_workload("secp", loop_counts=[2]) == secp([2])


def test_a_corpus_is_a_workload_with_its_own_cost_models(shared_data: Path) -> None:
    workload = find_workload(str(shared_data / "scripts" / "mainnet" / "corpus.json"))
    assert len(workload.programs) == 2
    for program in workload.programs:
        variant = variant_for(program.language, program.protocol_version)
        outcome = NativeMachine(ledger_model(variant), variant).evaluate(program.script(), ExUnits(10**12, 10**9))
        assert (outcome.status, outcome.spent) == (EvaluationStatus.SUCCESS, program.expected)
        assert program.ledger_parameters is not None


def test_cases_of_a_corpus_that_fail_are_left_out_and_counted(shared_data: Path, tmp_path: Path) -> None:
    corpus = json.loads((shared_data / "scripts" / "mainnet" / "corpus.json").read_text())
    corpus["cases"][0]["expected"] = {"success": False}
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(corpus))
    workload = from_corpus(path)
    assert [program.name for program in workload.programs] == [corpus["cases"][1]["id"]]
    assert workload.notes == ("1 of 2 cases fail, which is not timed",)


def test_cases_of_one_id_are_told_apart(shared_data: Path, tmp_path: Path) -> None:
    corpus = json.loads((shared_data / "scripts" / "mainnet" / "corpus.json").read_text())
    corpus["cases"] = [corpus["cases"][0]] * 3
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(corpus))
    name = corpus["cases"][0]["id"]
    assert [program.name for program in from_corpus(path).programs] == [name, f"{name} (2)", f"{name} (3)"]
