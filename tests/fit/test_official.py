"""The published procedure: on upstream's own CSV, and on small files whose coefficients are known beforehand."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from costmodel.errors import InputError
from costmodel.fit.official import OfficialModel, compare_with_ledger, fit_official
from costmodel.imports.text_formats import read_criterion
from costmodel.model import Variant, dump, ledger_model

HEADER = "benchmark,t,t.mean.lb,t.mean.ub,t.sd,t.sd.lb,t.sd.ub"
NOPS = [(f"Nop{n}o" + "/1" * n, 0.5 + n / 8) for n in range(1, 7)]
# What the published CSV does not give of upstream's model E.
DIFFERENT = {
    "divideInteger",
    "quotientInteger",
    "remainderInteger",
    "modInteger",
    "equalsByteString",
    "appendString",
    "equalsString",
    "encodeUtf8",
    "decodeUtf8",
}


def line(name: str, us: float) -> str:
    return f"{name},{us}e-6,{us}e-6,{us}e-6,1e-9,1e-9,1e-9"


def write(folder: Path, rows: Iterable[tuple[str, float]]) -> Path:
    path = folder / "benching.csv"
    path.write_text("\n".join([HEADER, *(line(*row) for row in rows)]) + "\n")
    return path


def fitted(folder: Path, rows: Iterable[tuple[str, float]], variant: Variant = Variant.E) -> OfficialModel:
    return fit_official(read_criterion(write(folder, [*NOPS, *rows])), variant)


def values(model: OfficialModel, name: str) -> tuple[int, ...]:
    return model.fits[name].function.values


@pytest.fixture(scope="module")
def published(shared_data: Path) -> Path:
    return shared_data / "official" / "benching-conway.csv"


@pytest.fixture(scope="module")
def official(published: Path) -> OfficialModel:
    return fit_official(read_criterion(published), Variant.E)


def test_upstreams_model_comes_out_of_upstreams_rows(official: OfficialModel) -> None:
    entries = compare_with_ledger(official)
    assert len(entries) == 102
    assert {each.builtin for each in entries if not each.equal} == DIFFERENT


def test_the_nine_that_differ_are_those_of_the_audit(official: OfficialModel) -> None:
    for division in ("divideInteger", "quotientInteger", "remainderInteger", "modInteger"):
        assert values(official, division) == (85848, 123203, 7305, -900, 1716, 549, 57, 85848)
    assert values(official, "equalsByteString") == (24548, 28755, 75)
    assert values(official, "appendString") == (312532, 80)
    assert values(official, "equalsString") == (247418, 241082, 65)
    assert values(official, "encodeUtf8") == (281370, 80)
    assert values(official, "decodeUtf8") == (295335, 943)


def test_every_entry_that_differs_has_a_reason(official: OfficialModel) -> None:
    reasons = {each.builtin: each.reason for each in compare_with_ledger(official)}
    assert {name for name, reason in reasons.items() if reason} == DIFFERENT
    assert "no data behind it" in reasons["modInteger"]
    assert "least time on the diagonal" in reasons["equalsByteString"]
    assert "older than these rows" in reasons["encodeUtf8"]


def test_written_model_has_upstreams_bytes_but_for_the_differing_integers(
    official: OfficialModel, shared_data: Path
) -> None:
    def lines(content: str) -> list[str]:
        return ["".join(c for c in each if c not in "-0123456789") for each in content.splitlines(keepends=True)]

    upstream = (shared_data / "official" / "builtinCostModelE.json").read_text()
    written = dump(official.cost_model).decode()
    assert lines(written) == lines(upstream)


def test_order_of_rows_does_not_matter(published: Path, official: OfficialModel, tmp_path: Path) -> None:
    rows = [row for row in published.read_text().splitlines() if "/" in row and not row.startswith("#")]
    random.Random(5).shuffle(rows)
    path = tmp_path / "shuffled.csv"
    path.write_text("\n".join([HEADER, *rows]))
    assert dump(fit_official(read_criterion(path), Variant.E).cost_model) == dump(official.cost_model)


def test_another_machines_times_give_other_coefficients(tmp_path: Path) -> None:
    # 0.75 µs of no-op, a quarter of a µs for the addition, 2^-10 µs a word: exact in binary.
    rows = [(f"AddInteger/{x}/{y}", 1 + max(x, y) / 1024) for x in range(1, 9) for y in range(1, 9)]
    model = fitted(tmp_path, rows)
    assert values(model, "addInteger") == values(model, "subtractInteger")
    intercept, slope = values(model, "addInteger")
    assert intercept == pytest.approx(250_000, abs=1)
    assert slope == pytest.approx(1e6 / 1024, abs=1)


def test_outlier_of_a_constant_is_dropped(tmp_path: Path) -> None:
    times = [1.0, 1.25, 1.0, 1.25, 1.0, 1.25, 1.0, 1.25, 400.0]
    model = fitted(tmp_path, [(f"MkCons/{i}", t) for i, t in enumerate(times)])
    assert values(model, "mkCons") == (375_000,)


def test_single_row_of_a_constant_is_its_mean(tmp_path: Path) -> None:
    assert values(fitted(tmp_path, [("MkCons/1", 1.0)]), "mkCons") == (250_000,)


def test_negative_coefficient_is_1000_ps(tmp_path: Path) -> None:
    model = fitted(tmp_path, [(f"ListToArray/{n}", n - 0.5) for n in range(2, 20)])
    assert values(model, "listToArray")[0] == 1000
    assert model.fits["listToArray"].notes == ("intercept of -1,125,000 ps is set to 1,000",)


def test_builtin_quicker_than_its_no_op_costs_1_ns(tmp_path: Path) -> None:
    model = fitted(tmp_path, [(f"IndexByteString/{n}/1", 0.7 + n / 4096) for n in range(20)])
    assert values(model, "indexByteString") == (1000,)


def test_a_missing_no_op_subtracts_nothing_and_is_noted(tmp_path: Path) -> None:
    model = fit_official(read_criterion(write(tmp_path, [("FstPair/1/1", 2.0)])), Variant.E)
    assert values(model, "fstPair") == (2_000_000,)
    assert "no row of Nop1o: nothing is subtracted for builtins of 1 arguments" in model.notes


def test_repeated_no_ops_are_averaged(tmp_path: Path) -> None:
    model = fitted(tmp_path, [("Nop1o/1", 0.875), ("FstPair/1/1", 1.0)])
    assert values(model, "fstPair") == (250_000,)


def test_fan_lies_above_nine_in_ten_points(tmp_path: Path) -> None:
    rng = random.Random(1)
    points = [(x, 0.5 + x * rng.random() / 8) for x in (rng.randrange(4, 4000) for _ in range(400))]
    model = fitted(tmp_path, [(f"SerialiseData/{x}", t) for x, t in points])
    intercept, slope = values(model, "serialiseData")
    assert sum(intercept + slope * x >= t * 1e6 for x, t in points) >= 0.9 * len(points)
    assert slope < 1e6 / 8


def test_division_is_constant_up_to_the_diagonal_and_keeps_negative_coefficients(tmp_path: Path) -> None:
    rows = [
        (f"DivideInteger/{x}/{y}", 0.75 + (0.25 + x / 64 - y * y / 16384 if x > y else 0.125))
        for x in range(1, 32, 2)
        for y in range(1, 32, 2)
    ]
    constant, c00, c01, c02, c10, c11, c20, minimum = values(fitted(tmp_path, rows), "quotientInteger")
    assert constant == minimum == pytest.approx(125_000, abs=1)
    expected = {c00: 250_000, c01: 0, c02: -1e6 / 16384, c10: 1e6 / 64, c11: 0, c20: 0}
    assert list(expected) == pytest.approx(list(expected.values()), abs=1)


def test_no_row_off_the_diagonal_leaves_the_least_time_on_it(tmp_path: Path) -> None:
    model = fitted(tmp_path, [(f"EqualsByteString/{n}/{n}", 1 + n / 64) for n in range(1, 20)])
    assert values(model, "equalsByteString")[0] == pytest.approx(250_000 + 1e6 / 64, abs=1)


def test_absent_builtins_are_reported_and_left_out(tmp_path: Path) -> None:
    model = fitted(tmp_path, [("FstPair/1/1", 1.0)])
    assert list(model.fits) == ["fstPair"]
    assert model.unfitted["sha2_256"] == "no row of Sha2_256"
    assert list(model.cost_model.builtins) == ["fstPair"]


def test_rows_that_do_not_settle_the_coefficients_are_reported(tmp_path: Path) -> None:
    model = fitted(tmp_path, [("FstPair/1/1", 1.0), ("Sha2_256/3", 1.0), ("Sha2_256/3", 2.0), ("SliceByteString/1", 2)])
    assert model.unfitted["sha2_256"] == "2 rows do not determine its 2 coefficients"
    assert model.unfitted["sliceByteString"] == "line 11 has 1 sizes, and linear_in_z reads 3"


def test_unknown_rows_are_counted(tmp_path: Path) -> None:
    rows = [("FstPair/1/1", 1.0), ("FrobnicateList/1", 1.0), ("FrobnicateList/2", 1.0), ("Nop9x/1", 1.0)]
    assert fitted(tmp_path, rows).unknown == {"FrobnicateList": 2, "Nop9x": 1}


def test_rows_that_another_builtins_stand_for_are_counted_as_unused(tmp_path: Path) -> None:
    model = fitted(tmp_path, [("FstPair/1/1", 1.0), ("LessThanEqualsByteString/1/1", 1.0), ("Policies/3", 1.0)])
    assert model.unused == {"LessThanEqualsByteString": 1, "Policies": 1}
    assert model.unknown == {}


def test_older_shapes_are_fitted_for_an_older_variant(tmp_path: Path) -> None:
    rows = [(f"MultiplyInteger/{x}/{y}", 1 + (x + y) / 64) for x in range(1, 9) for y in range(1, 9)]
    model = fitted(tmp_path, rows, Variant.A)
    assert values(model, "multiplyInteger") == pytest.approx((250_000, 15_625), abs=1)


def test_memory_is_the_ledgers(official: OfficialModel) -> None:
    ledger = ledger_model(Variant.E).builtins
    assert all(cost.memory == ledger[name].memory for name, cost in official.cost_model.builtins.items())


def test_file_without_a_builtin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no builtin can be fitted"):
        fitted(tmp_path, [])
