"""What the commands write is what the schemas say, down to the last key."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from costmodel.records import Document, parse
from costmodel.timing.surroundings import fingerprint
from docs.write_schemas import documents, files
from tests.batches.simulated import Truth, write_batch
from tests.cli.command import calibrate
from tests.fit.synthetic import Machine, all_cells, make_run
from tests.timing.counting import needs_counts
from tests.workloads.rows import row
from tests.workloads.rows import write as write_rows

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "docs" / "schemas"
NAMES = sorted(path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir())
PROGRAM = "(program 1.1.0 [(builtin addInteger) (con integer 40) (con integer 2)])"


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")))


def check(document: Any, kind: str) -> None:
    """That a document is of this kind: to the struct, and to the schema that is made from it."""
    assert document["kind"] == kind
    name = kind.replace(" ", "-")
    struct = documents()[name]
    assert issubclass(struct, Document)
    parse(json.dumps(document).encode(), kind, struct)
    errors = [f"{error.json_path}: {error.message[:200]}" for error in schema(name).iter_errors(document)]
    assert errors == []


def printed(*arguments: str | Path) -> Any:
    """What a command prints with --json, whatever its verdict."""
    result = calibrate(*arguments, "--json")
    assert result.returncode in (0, 1, 3), result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What measuring printed."""
    options = ("--experiment", "builtins", "--builtins", "ifThenElse", "--time-budget", "4s")
    return printed("measure", *options, "--measurements", tmp_path_factory.mktemp("measurements"))


@pytest.fixture(scope="module")
def run(measured: Any) -> Path:
    """A short run."""
    return Path(measured["run"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all parts, whose times are made up."""
    folder = tmp_path_factory.mktemp("models")
    return make_run(folder, all_cells(), machine=Machine(fingerprint=fingerprint(0))).path


@pytest.fixture(scope="module")
def fit(made: Path) -> Any:
    """What its fit printed."""
    return printed("fit", made, "--coverage", "0.9", "--shape", "free", "--out", made.parent / "model.json")


@pytest.fixture(scope="module")
def model(fit: Any) -> Any:
    """The model that it wrote."""
    return json.loads(Path(fit["model"]).read_text("utf-8"))


def test_schemas_are_those_of_the_structs() -> None:
    assert {path.name: path.read_text("utf-8") for path in SCHEMAS.iterdir()} == files(), "run `make schemas`"


def test_import(tmp_path: Path) -> None:
    times = tmp_path / "times.csv"
    times.write_text("builtin,sizes,ns\naddInteger,1/1,100\nfibonacci,20,100\n")
    check(printed("import", times, "--evaluator", "x", "--measurements", tmp_path / "runs"), "import")


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema(name).schema)


@pytest.mark.parametrize("name", NAMES)
def test_schema_leaves_no_object_open_by_accident(name: str) -> None:
    def open_objects(node: Any, path: str) -> list[str]:
        if isinstance(node, list):
            return [found for number, each in enumerate(node) for found in open_objects(each, f"{path}/{number}")]
        if not isinstance(node, dict):
            return []
        closed = node.keys() & {"additionalProperties", "unevaluatedProperties"}
        found = [path] if node.get("type") == "object" and not closed else []
        return found + [each for key, value in node.items() for each in open_objects(value, f"{path}/{key}")]

    assert open_objects(schema(name).schema, name) == []


@pytest.mark.parametrize(("name", "file"), [("manifest", "manifest.json"), ("design", "design.json")])
def test_files_of_a_run(run: Path, name: str, file: str) -> None:
    check(json.loads((run / file).read_text("utf-8")), name)


def test_messages_of_a_run(run: Path) -> None:
    lines = (run / "messages.jsonl").read_text("utf-8").splitlines()
    assert lines
    for line in lines:
        errors = list(schema("message").iter_errors(json.loads(line)))
        assert errors == []


def test_measurement(measured: Any) -> None:
    check(measured, "measurement")
    check({"kind": "fleet measurement", "schema_version": 2, "runs": [measured]}, "fleet measurement")


def test_model(model: Any) -> None:
    check(model["calibrate"], "fitted model")


def test_fit(fit: Any) -> None:
    check(fit, "fit")
    assert list(schema("fit").iter_errors(fit | {"new": 1}))


def test_fit_in_the_picoseconds_of_another_machine(model: Any, made: Path, tmp_path: Path) -> None:
    reference = tmp_path / "reference.json"
    reference.write_text(json.dumps(model))
    told = printed("fit", made, "--reference", reference, "--out", tmp_path / "model.json")
    check(told, "expressed fit")
    check(json.loads((tmp_path / "model.json").read_text("utf-8"))["calibrate"], "expressed model")


def test_official_fit(shared_data: Path, tmp_path: Path) -> None:
    criterion = shared_data / "official" / "benching-conway.csv"
    options = ("--method", "official", "--criterion", criterion, "--out", tmp_path / "model.json")
    check(printed("fit", *options), "official fit")


def test_parameters(tmp_path: Path) -> None:
    for options in ((), ("--epoch", "530", "--language", "PlutusV2"), ("--model", "epoch:400")):
        check(printed("params", "show", *options), "parameters")
    check(printed("params", "show", "--model", "C"), "costing functions")
    emit = ("--model", "D", "--language", "PlutusV2", "--format", "cost-model-file", "--out", tmp_path / "model")
    check(printed("params", "emit", *emit), "emitted model")
    check(printed("params", "diff", "A", "E"), "model difference")


def test_report(model: Any, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(model))
    told = printed("report", tmp_path / "model.json")
    assert told["plots"]
    check(told, "report")


def test_cost_of_tracing() -> None:
    check(printed("trace", "cost", "--backends", "local", "--loops", "1", "--time-budget", "2s"), "tracing cost")


@needs_counts
def test_renewed_counts(tmp_path: Path) -> None:
    check(printed("drift", tmp_path / "counts.json", "--renew"), "renewed counts")


def test_a_key_that_nobody_described_is_refused(model: Any) -> None:
    changed = model["calibrate"] | {"new": 1}
    assert [error.json_path for error in schema("fitted-model").iter_errors(changed)] == ["$"]


@pytest.mark.parametrize("machines", [1, 3])
def test_comparison(tmp_path: Path, machines: int) -> None:
    for number in range(machines):
        for seed, name in enumerate(("new", "old")):
            write_batch(tmp_path / name, 2 * number + seed, 2, Truth(), machine=str(number))
    result = calibrate("compare", tmp_path / "new", "--against", tmp_path / "old", "--json")
    assert result.returncode in (0, 1, 3), result.stderr
    check(json.loads(result.stdout), "comparison")


def test_verdict(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    options = ("--model", "D", "--format", "upstream", "--language", "PlutusV2", "--out", ledger)
    assert calibrate("params", "emit", *options).returncode == 0
    options = ("--loops", "1", "--tolerance", "1%", "--time-budget", "5s", "--measurements", tmp_path / "runs")
    result = calibrate("validate", ledger, "--json", *options)
    assert result.returncode in (0, 1, 3), result.stderr
    verdict = json.loads(result.stdout)
    assert verdict["scores"]
    check(verdict, "verdict")


def test_doctor() -> None:
    result = calibrate("doctor", "--json")
    assert result.returncode in (0, 1, 3), result.stderr
    check(json.loads(result.stdout), "diagnosis")


def test_memory() -> None:
    check(json.loads(calibrate("memory", "--builtins", "*Integer", "--json").stdout), "memory")


def test_budget() -> None:
    check(json.loads(calibrate("budget", "ecdsa", "--scales", "--json").stdout), "budget")


@pytest.mark.parametrize("profile", ["plutuscall-secp-ecdsa", "model-value"])
def test_cluster(profile: str, tmp_path: Path) -> None:
    result = calibrate("cluster", profile, "--nodes", "2", "--epochs", "1", "--measurements", tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    check(json.loads(result.stdout), "cluster")


def test_rows(tmp_path: Path) -> None:
    corpus = write_rows(tmp_path / "corpus.parquet", [row(), row(cpu=1), row(program=b"\xff", cpu=None)])
    result = calibrate("eval", corpus, "--out", tmp_path / "results.parquet", "--json")
    document = json.loads(result.stdout)
    assert len(document["misses"]) == 2
    check(document, "rows replay")


def test_verification(run: Path, tmp_path: Path) -> None:
    changed = copytree(run, tmp_path / run.name)
    (changed / "design.json").write_text("{}")
    document = json.loads(calibrate("report", "--verify", tmp_path, "--json").stdout)
    assert document["findings"]
    check(document, "verification")


def test_stored_baselines() -> None:
    for path in (ROOT / "baselines").glob("*.json"):
        check(json.loads(path.read_text("utf-8")), "instruction counts")


def test_evaluation(tmp_path: Path) -> None:
    (tmp_path / "sum.uplc").write_text(PROGRAM)
    check(json.loads(calibrate("eval", tmp_path / "sum.uplc", "--json").stdout), "evaluation")


def test_evaluation_that_fails(tmp_path: Path) -> None:
    (tmp_path / "error.uplc").write_text("(program 1.1.0 (error))")
    check(json.loads(calibrate("eval", tmp_path / "error.uplc", "--json").stdout), "evaluation")


def test_conformance(tmp_path: Path) -> None:
    case = tmp_path / "sum"
    case.mkdir()
    (case / "sum.uplc").write_text(PROGRAM)
    (case / "sum.uplc.expected").write_text("(program 1.1.0 (con integer 43))")
    (case / "sum.budget.expected").write_text("({cpu: 1\n| mem: 1})")
    result = calibrate("conformance", tmp_path, "--format", "text", "--json")
    report = json.loads(result.stdout)
    assert report["reports"][0]["misses"]
    check(report, "conformance")


def test_corpus(shared_data: Path) -> None:
    check(json.loads(calibrate("eval", shared_data / "scripts/mainnet/corpus.json", "--json").stdout), "corpus replay")
