"""Proposals written, verified elsewhere, and tampered with."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import msgspec
import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.model import load
from costmodel.proposals.folder import MOST_FILES, opened
from costmodel.proposals.verify import verify
from costmodel.records import encode, read
from costmodel.records.proposal import EditedPrice, PriceEdits, Proposal, ProposalCheck, ProposedArray
from costmodel.runs.store import Run
from costmodel.workloads.rows import here
from tests.cli.command import calibrate, one_line
from tests.proposals.made import a_model, a_proposal, a_run, sums_renewed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return a_run(tmp_path_factory.mktemp("measurements"))


@pytest.fixture(scope="module")
def model(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_model(run, tmp_path_factory.mktemp("model") / "model.json")


@pytest.fixture(scope="module")
def made(run: Run, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_proposal(run, model, tmp_path_factory.mktemp("proposal") / "p")


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "elsewhere")


def check(folder: Path) -> ProposalCheck:
    return verify(folder, (), here)


def said(checked: ProposalCheck) -> str:
    return "\n".join(f"{each.where}: {each.text}" for each in checked.found)


def test_the_same_proposal_has_the_same_bytes(run: Run, model: Path, made: Path, tmp_path: Path) -> None:
    again = a_proposal(run, model, tmp_path / "p")
    assert (tmp_path / "p.zip").read_bytes() == made.with_name("p.zip").read_bytes()
    assert (again / "SHA256SUMS").read_bytes() == (made / "SHA256SUMS").read_bytes()


def test_everything_is_computed_again_in_another_place(copy: Path) -> None:
    checked = check(copy)
    assert said(checked) == ""
    assert checked.exit_code == 0
    assert "model.json from 1 run" in checked.recomputed
    assert {"impact.json", "proposal.json", "index.html", "arrays/PlutusV3.json"} <= set(checked.recomputed)


def test_a_zip_is_verified_as_its_folder(made: Path) -> None:
    assert check(made.with_name("p.zip")).exit_code == 0


@pytest.mark.parametrize("name", ["model.json", "index.html", "usages.parquet", "live.json"])
def test_one_changed_byte_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    checked = check(copy)
    assert checked.exit_code == 1
    assert any(each.where == name and "was changed" in each.text for each in checked.found)


def test_a_changed_sample_of_a_run_is_named(copy: Path) -> None:
    path = next((copy / "runs").glob("*/samples.parquet"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    sums_renewed(copy)
    assert "samples.parquet: is not the file that the run wrote" in said(check(copy))


def test_a_moved_parameter_is_named_though_checksums_were_renewed(copy: Path) -> None:
    path = copy / "arrays" / "PlutusV3.json"
    document = json.loads(path.read_text())
    values = document["values"]
    values[10], values[11] = values[11], values[10]
    path.write_text(json.dumps(document))
    sums_renewed(copy)
    name = values[11]["name"]
    assert f"index 11: {name} was moved: it belongs at index 10" in said(check(copy))


def test_a_moved_value_is_named_though_checksums_were_renewed(copy: Path) -> None:
    array = read(copy / "arrays" / "PlutusV3.json", ProposedArray)
    document = json.loads(encode(array))
    values = {each["new"]: each["index"] for each in document["values"]}
    first, second = sorted(values)[-2:]
    a, b = values[first], values[second]
    for place, price in ((a, second), (b, first)):
        document["values"][place]["new"] = price
    (copy / "arrays" / "PlutusV3.json").write_text(json.dumps(document))
    sums_renewed(copy)
    assert f"index {a}: has the value of {document['values'][b]['name']}, which belongs at index {b}" in said(
        check(copy)
    )


def test_a_model_of_another_evaluator_is_named(copy: Path) -> None:
    path = copy / "model.json"
    document = json.loads(path.read_text())
    document["calibrate"]["picoseconds_of"]["evaluator"] = "plutigo"
    path.write_text(json.dumps(document))
    sums_renewed(copy)
    found = said(check(copy))
    assert "model.json: is a model of the evaluator plutigo, and run" in found


def test_a_price_that_the_runs_do_not_give_is_named(copy: Path) -> None:
    path = copy / "model.json"
    document = json.loads(path.read_text())
    document["cekVarCost"]["exBudgetCPU"] += 1000
    path.write_text(json.dumps(document))
    sums_renewed(copy)
    assert "cekVarCost is not priced as the runs give it" in said(check(copy))


def test_a_decision_that_was_edited_is_named(copy: Path) -> None:
    path = copy / "proposal.json"
    document = json.loads(path.read_text())
    document["basis"]["reference"] = True
    path.write_text(json.dumps(document))
    sums_renewed(copy)
    assert "proposal.json: basis" in said(check(copy))


def test_without_runs_the_model_is_not_called_verified(copy: Path) -> None:
    shutil.rmtree(copy / "runs")
    sums_renewed(copy)
    checked = check(copy)
    assert any("neither contained nor given" in each for each in checked.unchecked)


def test_a_model_of_another_machine_is_not_usable(run: Run, model: Path, tmp_path: Path) -> None:
    folder = a_proposal(run, model, tmp_path / "p", allowed=())
    proposal = read(folder / "proposal.json", Proposal)
    assert proposal.status == "not usable"
    assert not (folder / "cost-models.json").exists()
    assert next(each for each in proposal.guardrails if each.id == "PCM-01").status == "against"
    page = (folder / "index.html").read_text()
    assert page.index("Not usable") < page.index("What changes against") < page.index("Who breaks")


def test_an_allowed_proposal_has_the_chains_format(made: Path) -> None:
    arrays = json.loads((made / "cost-models.json").read_text())
    values = read(made / "arrays" / "PlutusV3.json", ProposedArray).values
    assert arrays["PlutusV3"] == [each.new for each in values]
    assert read(made / "proposal.json", Proposal).status == "usable"


def test_edits_of_a_page_are_applied_recorded_and_verified(run: Run, model: Path, tmp_path: Path) -> None:
    name = sorted(load([model]).builtins)[0]
    edits = PriceEdits(
        model="model.json",
        model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(),
        picoseconds_of="nobody",
        builtins={name: EditedPrice(cpu={"arguments": 123_456, "type": "constant_cost"})},
    )
    (tmp_path / "edits.json").write_bytes(encode(edits))
    folder = a_proposal(run, model, tmp_path / "p", edits=tmp_path / "edits.json")
    proposal = read(folder / "proposal.json", Proposal)
    assert proposal.edits == (name,)
    assert next(each for each in proposal.doubts if each.objection == "edited").names == (name,)
    assert proposal.status == "not usable"
    assert said(check(folder)) == ""
    (tmp_path / "edits.json").write_bytes(encode(msgspec.structs.replace(edits, model_sha256="0" * 64)))
    with pytest.raises(InputError, match="this model has"):
        a_proposal(run, model, tmp_path / "q", edits=tmp_path / "edits.json")


def hostile(path: Path, name: str, mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        archive.writestr(entry, "content")
    return path


@pytest.mark.parametrize("name", ["../outside", "/absolute", "a/../../b", "a\\b", "folder/", "./a"])
def test_a_zip_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no file of a proposal"), opened(hostile(tmp_path / "p.zip", name)):
        pass


def test_links_are_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError), opened(hostile(tmp_path / "p.zip", "link", 0o120777)):
        pass
    (copy / "arrays" / "link").symlink_to("/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        check(copy)


def test_too_many_files_and_broken_zips_are_refused(tmp_path: Path) -> None:
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(MOST_FILES + 1):
            archive.writestr(str(number), "")
    (tmp_path / "broken.zip").write_bytes(many.read_bytes()[:-40])
    for path in (many, tmp_path / "broken.zip", tmp_path / "absent"):
        with pytest.raises(InputError), opened(path):
            pass


def test_a_run_of_another_model_is_refused(model: Path, tmp_path: Path) -> None:
    other = a_run(tmp_path / "measurements")
    with pytest.raises(InputError, match="is not a run that"):
        a_proposal(other, model, tmp_path / "p")
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_no_zip(device: str) -> None:
    with pytest.raises(InputError, match="not a regular file"), opened(Path(device)):
        pytest.fail("it was opened")


def test_a_run_that_is_none_is_not_the_proposals_fault(copy: Path) -> None:
    with pytest.raises(InputError, match="is not a run"):
        verify(copy, (copy / "arrays",), here)


def test_what_stands_at_the_zips_place_is_kept(run: Run, model: Path, tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(b"of an earlier proposal")
    with pytest.raises(InputError, match=r"p\.zip exists already"):
        a_proposal(run, model, tmp_path / "p")
    assert (tmp_path / "p.zip").read_bytes() == b"of an earlier proposal"
    assert not (tmp_path / "p").exists()


def test_where_the_zip_cannot_be_written_there_is_no_folder(
    run: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise EnvironmentFault("no space left")

    monkeypatch.setattr("costmodel.proposals.propose.write_zip", full)
    with pytest.raises(EnvironmentFault):
        a_proposal(run, model, tmp_path / "p")
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.parquet"]


def test_options_of_a_proposal_are_refused_beside_verify(copy: Path, tmp_path: Path) -> None:
    for option, value in {"--out": str(tmp_path / "other"), "--epoch": "600", "--live": "D"}.items():
        assert "--verify takes a folder" in one_line(calibrate("propose", "--verify", copy, option, value))
    assert "name it with --corpus" in one_line(calibrate("propose", copy / "model.json", "--blocks", "1:2"))


def test_a_run_is_given_once(run: Run, model: Path, tmp_path: Path) -> None:
    twice = ("--run", run.path, "--run", run.path, "--out", tmp_path / "p")
    assert "was given twice with --run" in one_line(calibrate("propose", model, *twice))
    assert list(tmp_path.iterdir()) == []
