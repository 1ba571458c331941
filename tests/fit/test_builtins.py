from pathlib import Path

import pytest
from msgspec.structs import replace

from costmodel.errors import InputError
from costmodel.fit import Fit, FlagKind, fit_runs
from costmodel.fit.observations import is_nop
from costmodel.model import CostingFunction, StepKind, Variant, ledger_model
from costmodel.records.model import FittedBuiltin
from costmodel.runs.design import Cell
from tests.fit.synthetic import (
    BUILTINS,
    STEP_PS,
    VARIANT,
    builtin_cells,
    function_of,
    make_run,
    pair,
    planned,
    step_cells,
)

ADD_SIZES = BUILTINS["addInteger"][1]


def fit(folder: Path, cells: list[Cell], variant: Variant = VARIANT, **how: object) -> Fit:
    run = make_run(folder, [*step_cells(), *cells], processes=3, blocks=4, **how)  # type: ignore[arg-type]
    return fit_runs([run], variant=variant, replicates=100)


def only(model: Fit) -> FittedBuiltin:
    (found,) = model.section.builtins.values()
    return found


def charged(model: Fit) -> CostingFunction:
    (found,) = model.cost_model.builtins.values()
    return found.cpu


def kinds(fitted: FittedBuiltin) -> set[FlagKind]:
    flags = [*fitted.flags, *(flag for each in fitted.coefficients.values() for flag in each.flags)]
    return {FlagKind(flag.flag) for flag in flags}


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_costing_function_is_recovered_from_a_machine_without_noise(tmp_path: Path, name: str) -> None:
    function, sizes = BUILTINS[name]
    model = fit(tmp_path, list(builtin_cells({name: sizes})))
    assert charged(model).shape == function.shape
    assert charged(model).values == pytest.approx(function.values, abs=1)
    assert not kinds(only(model))


def test_memory_cost_is_the_ledgers(tmp_path: Path) -> None:
    model = fit(tmp_path, list(builtin_cells({"addInteger": ADD_SIZES})))
    assert model.cost_model.builtins["addInteger"].memory == ledger_model(VARIANT).builtins["addInteger"].memory


def test_cost_at_the_centre_is_that_of_a_measured_point(tmp_path: Path) -> None:
    fitted = only(fit(tmp_path, list(builtin_cells({"addInteger": ADD_SIZES}))))
    assert fitted.cost_at_centre.sizes == (20, 20)
    assert fitted.cost_at_centre.ps == pytest.approx(30_000 + 900 * 20)


def test_builtin_without_its_no_op_is_left_out_with_a_reason(tmp_path: Path) -> None:
    model = fit(tmp_path, [replace(cell, nops=True) for cell in pair("addInteger", (1, 1), 2, 0)])
    assert not model.section.builtins
    assert "nop2_0" in model.section.unfitted["addInteger"]


def test_steps_are_taken_off_where_the_evaluator_has_no_no_ops(tmp_path: Path) -> None:
    cells = [cell for sizes in ADD_SIZES for cell in pair("addInteger", sizes, 2, 0)]
    model = fit(tmp_path, cells)
    assert charged(model).values == pytest.approx((30_000, 900), abs=1)
    assert not kinds(only(model))


def test_no_op_of_other_forces_does_not_serve(tmp_path: Path) -> None:
    model = fit(tmp_path, [*pair("addInteger", (1, 1), 2, 0), *pair("nop2_1", (1, 1), 2, 1)])
    assert "nop2_0" in model.section.unfitted["addInteger"]


def test_cell_without_a_partner_is_left_out_and_flagged(tmp_path: Path) -> None:
    cells = [*builtin_cells({"addInteger": ADD_SIZES}), *list(pair("addInteger", (70, 70), 2, 0))[:1]]
    fitted = only(fit(tmp_path, cells))
    assert kinds(fitted) == {FlagKind.UNPAIRED}
    assert len(fitted.points) == len(ADD_SIZES)


def test_builtin_of_which_no_cell_has_a_partner_is_left_out(tmp_path: Path) -> None:
    cells = [*builtin_cells({"addInteger": ADD_SIZES}), *list(pair("sha2_256", (70,), 1, 0))[:1]]
    assert "applications" in fit(tmp_path, cells).section.unfitted["sha2_256"]


def test_no_op_takes_what_its_steps_cost(tmp_path: Path) -> None:
    (no_op,) = fit(tmp_path, list(pair("nop2_1", (1, 1), 2, 1))).section.no_ops.values()
    steps = 2 * STEP_PS[StepKind.CONST] + 2 * STEP_PS[StepKind.APPLY] + STEP_PS[StepKind.FORCE]
    assert no_op.ps == pytest.approx(steps + STEP_PS[StepKind.BUILTIN])
    assert no_op.predicted_ps == pytest.approx(no_op.ps)


def test_time_of_a_no_op_that_no_step_explains_shows(tmp_path: Path) -> None:
    truth = {"nop2_0": function_of("addInteger", 12_000, 0)}
    (no_op,) = fit(tmp_path, list(pair("nop2_0", (1, 1), 2, 0)), truth=truth).section.no_ops.values()
    assert no_op.ps - no_op.predicted_ps == pytest.approx(12_000)


def test_too_few_sizes_are_flagged(tmp_path: Path) -> None:
    model = fit(tmp_path, list(builtin_cells({"addInteger": [(7, 7)]})))
    assert kinds(only(model)) == {FlagKind.FEW_CELLS, FlagKind.UNIDENTIFIED, FlagKind.EXTRAPOLATED}
    assert charged(model).values == pytest.approx((30_000 + 900 * 7, 0), abs=1)


def test_builtin_cheaper_than_a_nanosecond_is_raised(tmp_path: Path) -> None:
    truth = {"addInteger": function_of("addInteger", 200, 0)}
    model = fit(tmp_path, list(builtin_cells({"addInteger": ADD_SIZES})), truth=truth)
    assert FlagKind.RAISED in kinds(only(model))
    assert charged(model).values[0] == 1000


def test_builtin_cheaper_than_a_no_op_is_flagged_negative(tmp_path: Path) -> None:
    truth = {"addInteger": function_of("addInteger", -4_000, 0)}
    model = fit(tmp_path, list(builtin_cells({"addInteger": ADD_SIZES})), truth=truth)
    assert kinds(only(model)) >= {FlagKind.NEGATIVE, FlagKind.RAISED}
    assert charged(model).values[0] == 1000


def test_cell_short_of_its_precision_is_flagged_with_the_reason(tmp_path: Path) -> None:
    cells = list(builtin_cells({"addInteger": ADD_SIZES}))
    fitted = only(fit(tmp_path, cells, uncertain={cells[-1].id: "half-width 7 % at the end of its time"}))
    (flag,) = fitted.flags
    assert flag.flag == FlagKind.UNCERTAIN
    assert not flag.material
    assert "half-width 7 %" in flag.reason


def test_sizes_in_the_measure_of_another_variant_are_not_used(tmp_path: Path) -> None:
    cells = list(builtin_cells({"encodeUtf8": [(10,), (100,)]}))
    model = fit(tmp_path, cells, Variant.B, truth={"encodeUtf8": function_of("encodeUtf8", 1000, 100)})
    assert "variant B" in model.section.unfitted["encodeUtf8"]


def test_cell_of_no_builtin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'divideByTwo', which is no builtin"):
        fit(tmp_path, list(pair("divideByTwo", (1,), 1, 0)))


def test_wrong_number_of_sizes_is_refused(tmp_path: Path) -> None:
    cells = [*pair("addInteger", (1, 2, 3), 2, 0), *pair("nop2_0", (1, 1), 2, 0)]
    with pytest.raises(InputError, match="addInteger that do not give the sizes of its 2 arguments"):
        fit(tmp_path, cells, truth={})


def test_negative_size_is_refused(tmp_path: Path) -> None:
    cell = planned("bad", experiment="builtins", operation="sha2_256", sizes=(-1,))
    with pytest.raises(InputError, match="'bad' has a size that is negative"):
        fit(tmp_path, [cell])


def product(tmp_path: Path, sizes: list[tuple[int, ...]]) -> FittedBuiltin:
    """A multiplication whose time grows with the product of its sizes; variant A prices their sum."""
    return only(fit(tmp_path, list(builtin_cells({"multiplyInteger": sizes})), Variant.A))


def test_shape_that_misses_the_measured_costs_is_flagged(tmp_path: Path) -> None:
    fitted = product(tmp_path, [(1, 1), (1, 31), (31, 31)])
    assert FlagKind.POOR_FIT in {flag.flag for flag in fitted.flags if flag.material}


def test_a_miss_that_a_better_shape_explains_is_information(tmp_path: Path) -> None:
    fitted = product(tmp_path, [(n, n) for n in (1, 5, 10, 15, 31)])
    assert kinds(fitted) == {FlagKind.BETTER_SHAPE}
    assert not any(flag.material for flag in fitted.flags)
    assert fitted.better_shape is not None
    assert fitted.better_shape.terms_ps == pytest.approx({"1": 40_000, "x*x": 700}, rel=1e-3)


def test_a_miss_of_less_than_a_nanosecond_is_not_flagged(tmp_path: Path) -> None:
    truth = {"addInteger": function_of("addInteger", 1_000, 0)}
    cells = list(builtin_cells({"addInteger": ADD_SIZES}))

    def more_ps(cell: Cell) -> float:
        return 900.0 * cell.repeats if cell.operation == "addInteger" and cell.sizes == ADD_SIZES[0] else 0.0

    assert FlagKind.POOR_FIT not in kinds(only(fit(tmp_path, cells, truth=truth, more_ps=more_ps)))


def test_a_no_op_in_the_builtins_place_is_what_is_taken_off(tmp_path: Path) -> None:
    cells = [cell for cell in builtin_cells({"addInteger": ADD_SIZES}) if cell.repeats != 20 or is_nop(cell.operation)]
    cells += [
        planned(
            f"{cell.id}-x0",
            experiment="builtins",
            operation="addInteger",
            sizes=cell.sizes,
            repeats=0,
            steps=cell.steps,
            builtins={"nop2_0": 40},
        )
        for cell in cells
        if cell.operation == "addInteger"
    ]

    def more_ps(cell: Cell) -> float:
        """Operands that are bound far away make every program of a point slower."""
        return 123_000.0 if cell.operation == "addInteger" else 0.0

    model = fit(tmp_path, cells, more_ps=more_ps)
    assert charged(model).values == pytest.approx((30_000, 900), abs=1)
