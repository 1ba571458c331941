"""Files that version 0.1 wrote (commit 7b7a562) can still be read."""

import shutil
from pathlib import Path

import pytest

from costmodel.errors import InputError
from costmodel.records import Document, read
from costmodel.records.cluster import Cluster
from costmodel.records.comparison import ComparisonDocument
from costmodel.records.drift import Drift
from costmodel.records.run import ClusterOutcome, ClusterParameters, SessionOutcome, SessionParameters
from costmodel.records.validation import ValidationDocument
from costmodel.runs.anomalies import run_findings
from costmodel.runs.store import Run
from tests.cli.command import calibrate

OLD = Path(__file__).parent / "version_0"
KINDS: tuple[type[Document], ...] = (ValidationDocument, ComparisonDocument, Drift, Cluster)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("verdict", ValidationDocument),
        ("comparison", ComparisonDocument),
        ("drift", Drift),
        ("cluster", Cluster),
        ("cluster-without-scripts", Cluster),
    ],
)
def test_a_document_is_recognised_and_upgraded(name: str, kind: type[Document]) -> None:
    assert type(read(OLD / f"{name}.json", *KINDS)) is kind


def test_a_cluster_without_scripts_has_nothing_observed() -> None:
    assert read(OLD / "cluster-without-scripts.json", Cluster).observed is None
    observed = read(OLD / "cluster.json", Cluster).observed
    assert observed is not None
    assert observed.nodes[0].percentiles_ns.keys() >= {"50", "100"}


def test_a_run_reads() -> None:
    run = Run.open(OLD / "run")
    assert len(run.samples()) > 100
    assert isinstance(run.manifest.outcome, SessionOutcome)
    assert isinstance(run.manifest.parameters, SessionParameters)
    assert run.manifest.outcome.disturbed == int((run.samples()["disturbance"] != "").sum())
    assert run.manifest.machine.threads_per_core == 1
    assert len(run.manifest.machine.id) == 16
    assert {cell.operation for cell in run.design.cells} >= {"ifThenElse"}
    assert not [finding for finding in run_findings(run.path) if finding.severity == "error"]


def test_a_cluster_run_reads() -> None:
    manifest = Run.open(OLD / "cluster-run").manifest
    assert isinstance(manifest.outcome, ClusterOutcome)
    assert isinstance(manifest.parameters, ClusterParameters)
    assert manifest.outcome.profile == manifest.parameters.profile.name


def test_a_run_without_its_programs_cannot_be_resumed() -> None:
    with pytest.raises(InputError, match=r"programs\.parquet does not exist, so the run cannot be resumed"):
        Run.open(OLD / "run").plan()


def test_commands_take_them(tmp_path: Path) -> None:
    shutil.copytree(OLD / "run", tmp_path / "old")
    result = calibrate("compare", tmp_path / "old", "--against", OLD / "run", "--json")
    assert "is in" in result.stderr
    page = tmp_path / "page.html"
    assert calibrate("report", OLD / "run", OLD / "cluster-run", "--out", page).returncode == 0
    assert "ifThenElse" in page.read_text("utf-8")
