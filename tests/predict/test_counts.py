from dataclasses import replace

import pytest

from costmodel.errors import CheckFailed, InputError, ModelError
from costmodel.model import CostModel, ExUnits, StepKind, Variant, ledger_model
from costmodel.plutus import encode_flat, parse_program
from costmodel.predict.counts import predict
from costmodel.workloads import WorkloadProgram, secp, signature_cases, verification_loop

MODEL_D = ledger_model(Variant.D)
PROGRAM = secp([2]).programs[0]


def program_of(text: str) -> WorkloadProgram:
    flat = encode_flat(parse_program(text))
    return replace(PROGRAM, name="tiny", flat=flat, arguments=(), source="tiny.uplc", loop_count=None)


def without(model: CostModel, builtin: str) -> CostModel:
    return replace(model, builtins={name: cost for name, cost in model.builtins.items() if name != builtin})


def test_parts_are_worked_out_by_hand() -> None:
    # One addition of two integers of a word each: [(builtin addInteger) 1 2].
    (prediction,) = predict(
        MODEL_D, [program_of("(program 1.0.0 [(builtin addInteger) (con integer 1) (con integer 2)])")]
    )
    addition = MODEL_D.builtins["addInteger"].cpu.evaluate((1, 1)) / 1000
    assert prediction.parts_ns == {
        "cekStartupCost": 0.1,
        "cekConstCost": 32,
        "cekApplyCost": 32,
        "cekBuiltinCost": 16,
        "addInteger": addition,
    }
    assert prediction.ex_units == ExUnits(100 + 5 * 16000 + round(addition * 1000), 100 + 5 * 100 + 2)


def test_ex_units_are_the_ledger_s_whatever_the_model() -> None:
    doubled = replace(MODEL_D, steps={kind: ExUnits(2 * units.cpu, units.mem) for kind, units in MODEL_D.steps.items()})
    (ours,), (theirs,) = predict(doubled, [PROGRAM]), predict(MODEL_D, [PROGRAM])
    assert ours.ex_units == theirs.ex_units
    assert ours.evaluation_ns == pytest.approx(theirs.evaluation_ns + 16 * sum(theirs.steps.values()))


def test_a_model_that_is_the_ledger_s_predicts_its_ex_units() -> None:
    for prediction in predict(MODEL_D, secp([1, 50]).programs):
        assert prediction.evaluation_ns == pytest.approx(prediction.ex_units.cpu / 1000)


@pytest.mark.parametrize(("protocol_version", "cpu"), [(8, 100 + 4 * 23000), (10, 100 + 4 * 16000)])
def test_the_protocol_version_chooses_the_ledger_s_variant(protocol_version: int, cpu: int) -> None:
    program = replace(program_of("(program 1.0.0 [(lam x x) (con unit ())])"), protocol_version=protocol_version)
    (prediction,) = predict(MODEL_D, [program])
    assert prediction.ex_units == ExUnits(cpu, 100 + 4 * 100)
    assert prediction.evaluation_ns == 64.1


def test_a_missing_builtin_is_named() -> None:
    with pytest.raises(ModelError, match="verifyEcdsaSecp256k1Signature"):
        predict(without(MODEL_D, "verifyEcdsaSecp256k1Signature"), [PROGRAM])


def test_a_builtin_that_no_program_uses_may_be_missing() -> None:
    (whole,), (partial,) = (
        predict(model, [PROGRAM]) for model in (MODEL_D, without(MODEL_D, "verifySchnorrSecp256k1Signature"))
    )
    assert whole == partial


def test_missing_step_and_startup_costs_are_named() -> None:
    steps: dict[StepKind, ExUnits] = {
        kind: units for kind, units in MODEL_D.steps.items() if kind is not StepKind.DELAY
    }
    with pytest.raises(ModelError, match=r"cekDelayCost, cekStartupCost"):
        predict(replace(MODEL_D, steps=steps, startup=None), [PROGRAM])


def test_a_program_that_fails_is_named() -> None:
    case = signature_cases()["ecdsa"]
    spoilt = verification_loop("ecdsa", case._replace(signature=bytes(64)), 1, 11)
    with pytest.raises(InputError, match="ecdsa × 1 does not run to success"):
        predict(MODEL_D, [spoilt])


def test_a_program_that_never_ends_is_stopped() -> None:
    with pytest.raises(InputError, match="tiny does not run to success"):
        predict(MODEL_D, [program_of("(program 1.0.0 [(lam x [x x]) (lam x [x x])])")])


def test_unexpected_ex_units_fail_the_check() -> None:
    (prediction,) = predict(MODEL_D, [PROGRAM])
    units = prediction.ex_units
    assert predict(MODEL_D, [replace(PROGRAM, expected=units)])[0].ex_units == units
    with pytest.raises(CheckFailed, match="ecdsa × 2 uses"):
        predict(MODEL_D, [replace(PROGRAM, expected=replace(units, mem=units.mem + 1))])
