"""The reference run that the repository has: still of what is measured today, and still fitted to the same model."""

from pathlib import Path

import pytest

from costmodel.fit import fit_runs
from costmodel.machine import build_info
from costmodel.model import Variant, load
from costmodel.records.model import FittedModel, parse_section
from costmodel.runs.design import Cell, Plan, design_of
from costmodel.runs.store import Run

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER, MODEL = REPOSITORY / "measurements" / "reference", REPOSITORY / "models" / "reference.json"
RENEW = "run `make reference` on an idle machine, and commit what it writes"

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"there is no reference run: {RENEW}")


@pytest.fixture(scope="module")
def run() -> Run:
    return Run.open(FOLDER)


def committed() -> FittedModel:
    section = parse_section(load([MODEL]).extras, str(MODEL))
    assert isinstance(section, FittedModel)
    return section


def charged(section: FittedModel) -> dict[str, int]:
    """Every integer of a model, by a dotted name."""
    groups = {"steps": section.steps.coefficients} | {name: fit.coefficients for name, fit in section.builtins.items()}
    return {
        f"{group}.{name}": each.charged_ps
        for group, coefficients in groups.items()
        for name, each in coefficients.items()
        if each.charged_ps is not None
    }


def test_it_is_whole_and_has_its_programs(run: Run) -> None:
    run.verify()
    assert run.plan().cells
    assert not (FOLDER / "parts").exists()


def test_it_is_of_the_native_code_and_the_designs_of_today(run: Run, whole_design: tuple[Cell, ...]) -> None:
    assert run.manifest.evaluator["sha256"] == build_info().source_sha256, f"native code has changed: {RENEW}"
    assert run.manifest.seed == 0
    designed, _ = design_of(Plan(cells=whole_design, core=0))
    assert run.design.cells == designed.cells, f"designs have changed: {RENEW}"


def test_refitting_it_gives_the_same_model(run: Run) -> None:
    """The same integers, give or take one: kernels of linear algebra differ by processor."""
    again, before = fit_runs([run], variant=Variant.E).section, committed()
    new, old = charged(again), charged(before)
    assert new.keys() == old.keys()
    assert {name: (old[name], new[name]) for name in old if abs(new[name] - old[name]) > 1} == {}
    assert again.flagged.keys() == before.flagged.keys()


def test_its_model_can_be_used() -> None:
    verdict = committed().verdict
    assert verdict is not None
    assert verdict.status == "usable"
