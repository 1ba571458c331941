"""Searches for worst inputs as evidence of a proposal, and witnesses that its prices cover."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from costmodel.fit.margin import parse_margins
from costmodel.fit.witnesses import read_search
from costmodel.proposals.verify import verify
from costmodel.records import read
from costmodel.records.fit import Witness
from costmodel.records.proposal import Proposal
from costmodel.workloads.rows import here
from tests.proposals.made import a_model, a_proposal, a_run, a_search, sums_renewed

SIZES, TIME_PS = (400,), 9e7


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    run = a_run(root / "measurements")
    search = a_search(root / "search", "sha2_256", SIZES, TIME_PS)
    witness = Witness(price="sha2_256", sizes=SIZES, ps=TIME_PS, search="search")
    model = a_model(run, root / "model.json", parse_margins(["worst"]), (witness,))
    return a_proposal(run, model, root / "p", searches=(search,))


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "p")


def test_a_search_is_evidence_and_verified(made: Path) -> None:
    proposal = read(made / "proposal.json", Proposal)
    (fact,) = proposal.searches
    assert (fact.worst, fact.worst_ratio, fact.above) == ("sha2_256", 3.0, 1)
    assert fact.left_ratio is not None
    assert 0.99 < fact.left_ratio <= 1
    assert any("worst inputs on native" in line for line in proposal.guardrails[0].evidence)
    assert "Worst inputs of worst-1.json" in (made / "index.html").read_text()
    assert proposal.policies[0].policy == "worst witnesses"
    checked = verify(made, (), here)
    assert (checked.found, checked.unchecked) == ((), ())
    assert "model.json from 1 run" in checked.recomputed


def test_a_changed_witness_is_named(copy: Path) -> None:
    (witness,) = (copy / "worst-1").iterdir()
    witness.write_bytes(b"another")
    sums_renewed(copy)
    checked = verify(copy, (), here)
    assert [each.where for each in checked.found] == [f"worst-1/{witness.name}"]


def test_a_witness_that_the_search_has_not_is_named(copy: Path) -> None:
    path = copy / "worst-1.json"
    path.write_bytes(path.read_bytes().replace(b"9e7", b"8e7").replace(b"90000000.0", b"80000000.0"))
    assert read_search(path).finds[0].time_ps == 8e7
    sums_renewed(copy)
    found = "\n".join(each.text for each in verify(copy, (), here).found)
    assert "has no witness of sha2_256 at 400 that takes what the model charges for" in found


def test_without_its_search_a_charged_witness_is_unchecked(copy: Path) -> None:
    shutil.rmtree(copy / "worst-1")
    (copy / "worst-1.json").unlink()
    sums_renewed(copy)
    checked = verify(copy, (), here)
    assert any("witnesses of the search search, which is not in the folder" in text for text in checked.unchecked)
