"""Imported runs: what they hold, and that fit, compare and report take them as they take the engine's own."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from costmodel.batches.comparison import compare
from costmodel.batches.select import select
from costmodel.cli.app import run as calibrate
from costmodel.errors import InputError
from costmodel.fit import fit_runs
from costmodel.imports.run import ImportOrigin, import_runs
from costmodel.model import Variant, load
from costmodel.plutus import LedgerLanguage
from costmodel.records.run import ImportOutcome, RunStatus
from costmodel.runs.anomalies import run_findings
from costmodel.runs.bounds import DRAWS, drawn
from costmodel.runs.store import Run

ORIGIN = ImportOrigin("plutus-core", "1.68", "a machine", LedgerLanguage.PLUTUS_V3, 11)
HEADER = "builtin,sizes,ns,low_ns,high_ns"
SIZES = (1, 10, 50, 200, 900)


def rows(scale: float = 1.0, bounds: float = 0.01) -> list[str]:
    """Times of an imaginary evaluator: 500 ns around every builtin, addInteger 100 ns + 1 ns a word, sha2_256."""
    times = {"nop1": 500.0, "nop2": 500.0}
    times |= {f"addInteger,{n}/{n}": 500 + scale * (100 + n) for n in SIZES}
    times |= {f"sha2_256,{n}": 500 + 200 + 30.0 * n for n in SIZES}
    return [
        f"{name if ',' in name else name + ','},{ns},{ns * (1 - bounds)},{ns * (1 + bounds)}"
        for name, ns in times.items()
    ]


def imported(folder: Path, lines: list[str], names: Mapping[str, str] | None = None) -> Run:
    folder.mkdir(exist_ok=True)
    path = folder / "times.csv"
    path.write_text("\n".join((HEADER, *lines)) + "\n")
    return import_runs([path], folder / "runs", ORIGIN, names=names or {})


def test_run_is_complete_and_says_where_it_came_from(tmp_path: Path) -> None:
    run = imported(tmp_path, rows())
    manifest = Run.open(run.path).manifest
    assert manifest.status is RunStatus.COMPLETE
    assert manifest.evaluator == {"name": "plutus-core", "version": "1.68"}
    assert manifest.machine.name == "a machine"
    assert list(manifest.inputs) == [str(tmp_path / "times.csv")]
    assert isinstance(manifest.outcome, ImportOutcome)
    assert manifest.outcome.measurements == 12
    assert run_findings(run.path) == ()


def test_draws_have_the_mean_and_the_interval_that_were_imported(tmp_path: Path) -> None:
    cells, logs = drawn(imported(tmp_path, rows()))
    assert logs.shape == (12, DRAWS)
    times = dict(zip(cells, logs, strict=True))
    draws = times["addInteger/50/50#1"]
    assert np.exp(draws.mean()) == pytest.approx(650)
    # Student's t of 19 degrees of freedom.
    assert 2.093024 * draws.std(ddof=1) / DRAWS**0.5 == pytest.approx(0.01, rel=1e-3)


def test_fit_takes_the_no_op_off_and_prices_builtins_alone(tmp_path: Path) -> None:
    model = fit_runs([imported(tmp_path, rows(bounds=1e-5))], variant=Variant.E)
    prices = model.cost_model
    assert not prices.steps
    assert prices.startup is None
    add = prices.builtins["addInteger"].cpu
    assert dict(zip(add.names, add.values, strict=True)) == pytest.approx(
        {"intercept": 100_000, "slope": 1000}, rel=1e-3
    )
    assert prices.builtins["sha2_256"].cpu.evaluate((100,)) == pytest.approx(3_200_000, rel=1e-3)


def test_bounds_are_the_interval_of_a_point(tmp_path: Path) -> None:
    exact = [line if line.startswith("sha2") else f"{line.rsplit(',', 2)[0]},," for line in rows()]
    model = fit_runs([imported(tmp_path, exact)], variant=Variant.E)
    sha = model.section.builtins["sha2_256"]
    at = {point.sizes: point.measured for point in sha.points}[50,]
    assert at is not None
    assert at.interval_ps == pytest.approx((1_700_000 - 22_000, 1_700_000 + 22_000), rel=2e-3)


def test_measurement_without_interval_is_flagged(tmp_path: Path) -> None:
    lines = [line.replace("addInteger,50/50,650.0,643.5,656.5", "addInteger,50/50,650.0,,") for line in rows()]
    model = fit_runs([imported(tmp_path, lines)], variant=Variant.E)
    builtins = model.section.builtins
    assert [flag.reason for flag in builtins["addInteger"].flags if flag.flag == "uncertain"] == [
        "1 cells missed their precision: the source gives no interval"
    ]
    assert "uncertain" not in [flag.flag for flag in builtins["sha2_256"].flags]


def test_without_no_ops_nothing_is_taken_off_and_the_fit_says_so(tmp_path: Path) -> None:
    model = fit_runs([imported(tmp_path, rows()[2:])], variant=Variant.E)
    assert model.cost_model.builtins["addInteger"].cpu.evaluate((1, 1)) == pytest.approx(601_000, rel=1e-2)
    assert any("no benchmark of a no-op with 1, 2 arguments" in oddity for oddity in model.section.warnings)


def test_builtin_faster_than_its_no_op_is_not_priced(tmp_path: Path) -> None:
    lines = [line.replace("nop1,,500.0", "nop1,,900000.0").replace("495.0,505.0", "1,900000") for line in rows()]
    model = fit_runs([imported(tmp_path, lines)], variant=Variant.E)
    assert "takes no longer than the no-op" in model.section.unfitted["sha2_256"]


def test_sizes_that_the_cost_does_not_read_may_be_left_out(tmp_path: Path) -> None:
    lines = [*rows(), "nop3,,500,495,505", "ifThenElse,100/100,560,550,570", "mkCons,1,570,560,580"]
    model = fit_runs([imported(tmp_path, lines)], variant=Variant.E)
    assert {"ifThenElse", "mkCons"} <= model.cost_model.builtins.keys()


def test_wrong_number_of_sizes_is_not_fitted(tmp_path: Path) -> None:
    model = fit_runs([imported(tmp_path, [*rows(), "appendByteString,5,570,560,580"])], variant=Variant.E)
    assert model.section.unfitted["appendByteString"] == "its benchmarks have 1 sizes, and it has 2 arguments"


def test_other_names_come_by_a_mapping(tmp_path: Path) -> None:
    lines = [*rows()[:2], *(f"job-{n},,{600 + n},{590 + n},{610 + n}" for n in SIZES)]
    names = {f"job-{n}": f"addInteger/{n}/{n}" for n in SIZES}
    assert fit_runs([imported(tmp_path, lines, names)], variant=Variant.E).cost_model.builtins.keys() == {"addInteger"}


def test_file_without_any_builtin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no benchmark of a builtin, but e.g. 'fibonacci/20'"):
        imported(tmp_path, ["fibonacci,20,5,4,6"])


def test_two_imports_are_compared_without_yardsticks(tmp_path: Path) -> None:
    was, now = (imported(tmp_path / name, rows(scale)) for name, scale in (("was", 1.0), ("now", 2.0)))
    comparison = compare(select([str(now.path)]), select([str(was.path)]))
    ratios = {verdict.row.operation: 1 + verdict.change for verdict in comparison.pairs[0].verdicts}
    assert ratios["sha2_256"] == pytest.approx(1)
    assert ratios["addInteger"] > 1.2


def test_command_imports_fits_and_reports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "times.csv"
    path.write_text("\n".join((HEADER, *rows())) + "\n")
    arguments = ["import", str(path), "--evaluator", "x", "--measurements", str(tmp_path / "runs"), "--json"]
    assert calibrate(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["formats"] == ["plain CSV"]
    model = tmp_path / "model.json"
    assert calibrate(["fit", document["run"], "--out", str(model)]) == 0
    assert load([model]).builtins.keys() == {"addInteger", "sha2_256"}
    assert calibrate(["report", document["run"], str(model), "--out", str(tmp_path / "page.html")]) == 0


def test_command_refuses_a_malformed_file_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "times.csv"
    path.write_text(f"{HEADER}\naddInteger,1/1,quick,,\n")
    assert calibrate(["import", str(path), "--evaluator", "x", "--measurements", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err == f"calibrate: {path}, line 2: 'quick' is no number\n"
    assert not (tmp_path / "runs").exists()


def test_upstreams_file_is_fitted_in_full(shared_data: Path, tmp_path: Path) -> None:
    run = import_runs([shared_data / "official" / "benching-conway.csv"], tmp_path, ORIGIN, names={})
    model = fit_runs([run], variant=Variant.E, replicates=100)
    assert len(model.section.builtins) == 96
    assert not model.section.unfitted


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[31m", "x" * 300])
def test_an_evaluator_has_a_name_that_can_be_printed(tmp_path: Path, name: str) -> None:
    times = tmp_path / "times.csv"
    times.write_text("\n".join([HEADER, *rows()]))
    with pytest.raises(InputError, match="no name of evaluator"):
        import_runs([times], tmp_path / "runs", replace(ORIGIN, evaluator=name), names={})


def test_a_file_is_no_repetition_of_itself(tmp_path: Path) -> None:
    times, link = tmp_path / "times.csv", tmp_path / "link.csv"
    times.write_text("\n".join([HEADER, *rows()]))
    link.symlink_to(times)
    with pytest.raises(InputError, match="named twice"):
        import_runs([times, link], tmp_path / "runs", ORIGIN, names={})
    assert not (tmp_path / "runs").exists()


def test_a_time_below_a_picosecond_is_of_another_unit(tmp_path: Path) -> None:
    times = tmp_path / "times.csv"
    times.write_text("builtin,sizes,ns\naddInteger,1/1,1e-7\n")  # 100 ns, in seconds
    with pytest.raises(InputError, match="line 2: 1e-07 ns is no time"):
        import_runs([times], tmp_path / "runs", ORIGIN, names={})
