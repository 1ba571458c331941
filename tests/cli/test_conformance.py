"""`calibrate conformance` and corpora, from the command line."""

import json
from pathlib import Path

import pytest

from tests.cli.command import calibrate, one_line


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two cases, one of a result and one of a failure; budgets by hand from the ledger's model E."""
    sums, errors = tmp_path / "sum", tmp_path / "error"
    sums.mkdir()
    errors.mkdir()
    (sums / "sum.uplc").write_text("(program 1.0.0 [(builtin addInteger) (con integer 1) (con integer 2)])")
    (sums / "sum.uplc.expected").write_text("(program 1.0.0 (con integer 3))")
    (sums / "sum.budget.expected").write_text("({cpu: 181308\n| mem: 602})")
    (errors / "error.uplc").write_text("(program 1.0.0 (error))")
    (errors / "error.uplc.expected").write_text("evaluation failure")
    return tmp_path


def test_cases_that_agree_end_with_0(tree: Path) -> None:
    result = calibrate("conformance", tree, "--format", "text")
    assert (result.returncode, result.stdout) == (0, "text: 2 of 2 cases agree\n")


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        ("sum/sum.uplc.expected", "(program 1.0.0 (con integer 4))", "result"),
        ("sum/sum.uplc.expected", "evaluation failure", "result"),
        ("sum/sum.budget.expected", "({cpu: 181309\n| mem: 602})", "budget"),
        ("error/error.uplc.expected", "parse/decode error", "result"),
    ],
)
def test_a_miss_ends_with_1_and_is_named(tree: Path, file: str, content: str, what: str) -> None:
    (tree / file).write_text(content)
    result = calibrate("conformance", tree, "--format", "text", "--json")
    assert result.returncode == 1
    (report,) = json.loads(result.stdout)["reports"]
    (miss,) = report["misses"]
    assert (miss["case"], miss["what"]) == (file.rsplit(".", 2)[0], what)


def test_jobs_change_nothing_but_the_time(tree: Path) -> None:
    (tree / "error" / "error.uplc.expected").write_text("parse/decode error")
    alone, together = (calibrate("conformance", tree, "--format", "text", "--jobs", jobs) for jobs in "12")
    assert alone.stdout == together.stdout


def test_a_folder_without_cases_is_refused(tmp_path: Path) -> None:
    assert "has no cases" in one_line(calibrate("conformance", tmp_path, "--format", "text"))


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("sum/sum.budget.expected", b"\xff\xfe"),
        ("sum/sum.budget.expected", b"cheap"),
        ("sum/sum.budget.expected", None),
        ("sum/sum.uplc", None),
        ("sum/sum.uplc.expected", b"7"),
        ("sum/sum.uplc.expected", b"\xff"),
    ],
)
def test_a_case_that_cannot_be_read_is_reported_and_the_others_are_checked(
    tree: Path, file: str, content: bytes | None
) -> None:
    (tree / file).unlink()
    if content is None and file.endswith(".uplc"):
        (tree / file).mkdir()
    elif content is None:
        (tree / file).write_bytes(b"({cpu: " + b"9" * 20 + b"| mem: 602})")
    else:
        (tree / file).write_bytes(content)
    result = calibrate("conformance", tree, "--format", "text")
    assert result.returncode == 2
    assert "text sum/sum: not checked\n" in result.stdout
    assert file.split("/")[1] in result.stdout
    assert result.stdout.endswith("text: 1 of 2 cases agree; 1 not checked\n")
    # A miss beside it is still a miss.
    (tree / "error" / "error.uplc.expected").write_text("parse error")
    assert calibrate("conformance", tree, "--format", "text").returncode == 1


@pytest.mark.parametrize("name", ["sum.budget.expected", "sum.uplc.budget.expected"])
def test_a_budget_of_either_layout_is_compared(tree: Path, name: str) -> None:
    (tree / "sum" / "sum.budget.expected").unlink()
    for amount, code in ((181308, 0), (181309, 1)):
        (tree / "sum" / name).write_text(f"({{cpu: {amount}\n| mem: 602}})")
        assert calibrate("conformance", tree, "--format", "text").returncode == code
    (tree / "sum" / name).write_text("evaluation failure")
    result = calibrate("conformance", tree, "--format", "text")
    assert (result.returncode, "expected a failure\n" in result.stdout) == (1, True)


def test_a_budget_that_is_not_there_does_not_agree(tree: Path) -> None:
    (tree / "sum" / "sum.budget.expected").unlink()
    result = calibrate("conformance", tree, "--format", "text")
    assert result.returncode == 0
    assert result.stdout == ("text: 1 of 2 cases agree; 1 agree in their result, and have no budget to compare with\n")
    (report,) = json.loads(calibrate("conformance", tree, "--format", "text", "--json").stdout)["reports"]
    assert report["without_budget"] == ["sum/sum"]


@pytest.mark.parametrize("word", ["parse error", "parse/decode error", "decode error", " parse error\n"])
def test_all_words_for_a_program_that_is_none(tree: Path, word: str) -> None:
    (tree / "error" / "error.uplc").write_text("(program 1.0.0 (errr))")
    (tree / "error" / "error.uplc.expected").write_text(word)
    assert calibrate("conformance", tree, "--format", "text").returncode == 0


@pytest.mark.parametrize(
    ("folder", "code", "said"),
    [("tree", 1, "addInteger: budget"), ("tree2", 0, "text: 1 of 1 cases agree\n")],
)
def test_trees_of_the_old_layout(shared_data: Path, folder: str, code: int, said: str) -> None:
    result = calibrate("conformance", "--format", "text", shared_data / "field" / "conformance-old-layout" / folder)
    assert (result.returncode, said in result.stdout) == (code, True)


def test_mainnet_corpus_is_exact(shared_data: Path) -> None:
    result = calibrate("eval", "--json", shared_data / "scripts" / "mainnet" / "corpus.json")
    assert result.returncode == 0
    document = json.loads(result.stdout)
    assert document["exact"] == len(document["cases"]) > 0


def test_a_corpus_that_is_not_exact_ends_with_1(shared_data: Path, tmp_path: Path) -> None:
    corpus = json.loads((shared_data / "scripts" / "mainnet" / "corpus.json").read_text())
    corpus["cases"][0]["expected"]["ex_units"]["steps"] += 1
    path = tmp_path / "corpus.json"
    path.write_text(json.dumps(corpus))
    result = calibrate("eval", path)
    assert result.returncode == 1
    assert f"miss: {corpus['cases'][0]['id']}" in result.stdout


def test_a_corpus_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corpus.json"
    path.write_text('{"schema_version": 9, "cases": []}')
    assert "version 9" in one_line(calibrate("eval", path))


def _corpus(path: Path, limit: int) -> Path:
    """One evaluation of `(error)`, whose name would clear the screen, wrongly expected to succeed."""
    case = {
        "id": "case\x1b[2J",
        "language": "PlutusV2",
        "protocol_version": {"major": 10},
        "flat_program_hex": "01000061",
        "arguments_cbor_hex": [],
        "cost_model": {"parameters": []},
        "budget_limit": {"steps": limit, "memory": limit},
        "expected": {"success": True},
    }
    path.write_text(json.dumps({"schema_version": 1, "cases": [case]}))
    return path


def test_a_budget_beyond_64_bits_is_no_limit(tmp_path: Path) -> None:
    result = calibrate("eval", _corpus(tmp_path / "corpus.json", 2**70))
    assert result.returncode == 1
    assert "evaluation failure (the program evaluated to error)" in result.stdout


def test_a_negative_budget_is_refused(tmp_path: Path) -> None:
    assert "budget_limit.steps" in one_line(calibrate("eval", _corpus(tmp_path / "corpus.json", -1)))


def test_a_corpus_cannot_steer_the_terminal(tmp_path: Path) -> None:
    result = calibrate("eval", _corpus(tmp_path / "corpus.json", 10**9))
    assert result.stdout.startswith("miss: case\\x1b[2J\n")
