import math
from dataclasses import replace
from typing import Any

import pytest

from costmodel.errors import ModelError
from costmodel.model import CostModel, Variant, ledger_model
from costmodel.validate.fitted import Fitted, call_parts, evaluation_parts, total, without_interval
from costmodel.validate.predict import Prediction, predict
from costmodel.workloads import secp

MODEL_D = ledger_model(Variant.D)


def figure(ps: float, low: float, high: float) -> dict[str, object]:
    return {"ps": ps, "interval_ps": [low, high]}


def extras(**changes: object) -> dict[str, object]:
    return {
        "schema_version": 1,
        "variant": "D",
        "machine": {"cpu": "Test 1"},
        "evaluator": {"name": "native"},
        "hash_yardstick_ns": 1000.0,
        "steps": {"coefficients": {}},
        "builtins": {},
    } | changes


def fitted_model(**changes: Any) -> CostModel:
    return replace(MODEL_D, extras=extras(**changes))


def fitted(**changes: Any) -> Fitted:
    section = Fitted.of(fitted_model(**changes))
    assert section is not None
    return section


@pytest.fixture
def prediction() -> Prediction:
    (prediction,) = predict(MODEL_D, secp([2]).programs[:1])
    return prediction


def test_a_model_from_elsewhere_has_no_section() -> None:
    assert Fitted.of(MODEL_D) is None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"schema_version": 2}, "schema version 2"),
        ({"steps": []}, r"\$\.steps"),
        ({"builtins": {"addInteger": {"cost_at_centre": {"ps": 1}}}}, "interval_ps"),
        ({"hash_yardstick_ns": 0.0}, "above 0"),
    ],
)
def test_a_malformed_section_is_refused_in_one_line(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ModelError, match=what) as caught:
        Fitted.of(fitted_model(**changes))
    assert "\n" not in str(caught.value)


def test_a_prediction_without_section_is_exact(prediction: Prediction) -> None:
    value, low, high = total(evaluation_parts(prediction, None))
    assert low == value == high == pytest.approx(prediction.evaluation_ns)


def test_relative_errors_of_the_parts_add_in_quadrature(prediction: Prediction) -> None:
    verify = prediction.parts_ns["verifyEcdsaSecp256k1Signature"]
    var = prediction.parts_ns["cekVarCost"]
    section = fitted(
        builtins={"verifyEcdsaSecp256k1Signature": {"cost_at_centre": figure(4e7, 3.9e7, 4.2e7)}},
        steps={"coefficients": {"cekVarCost": figure(16000, 8000, 20000)}},
    )
    value, low, high = total(evaluation_parts(prediction, section))
    assert value == pytest.approx(prediction.evaluation_ns)
    assert value - low == pytest.approx(math.hypot(verify * 0.025, var * 0.5))
    assert high - value == pytest.approx(math.hypot(verify * 0.05, var * 0.25))


def test_a_step_held_at_nothing_is_uncertain_once_for_each_step(prediction: Prediction) -> None:
    section = fitted(steps={"coefficients": {"cekLamCost": figure(0, 0, 500)}})
    value, low, high = total(evaluation_parts(prediction, section))
    assert low == value
    assert high - value == pytest.approx(0.5 * prediction.steps["lam"])


def test_parts_without_an_interval_are_named(prediction: Prediction) -> None:
    coefficients = {name: figure(1, 1, 1) for name in prediction.parts_ns if name != "unBData"}
    section = fitted(steps={"coefficients": coefficients})
    assert without_interval(prediction, section) == ("unBData",)


def test_a_call_adds_decoding_arguments_and_start(prediction: Prediction) -> None:
    # The redeemer is a constructor of an integer and three bytestrings, datum and context are a constructor each.
    flat, arguments = prediction.program.flat, prediction.program.arguments
    section = fitted(
        calls={
            "decode": {"coefficients": {"intercept": figure(1e6, 1e6, 1e6), "bytes": figure(2000, 2000, 2500)}},
            "apply": {
                "coefficients": {
                    "arguments": figure(3e5, 3e5, 3e5),
                    "bytes": figure(7000, 7000, 7000),
                    "nodes": figure(11000, 11000, 11000),
                }
            },
            "start": {"coefficients": {"intercept": figure(5e6, 4e6, 5e6)}},
        }
    )
    overhead = 1000 + 2 * len(flat) + 3 * 300 + 7 * sum(map(len, arguments)) + 11 * 7 + 5000
    value, low, high = total([*evaluation_parts(prediction, section), *call_parts(prediction, section)])
    assert value == pytest.approx(prediction.evaluation_ns + overhead)
    assert value - low == pytest.approx(1000)
    assert high - value == pytest.approx(0.5 * len(flat))


def test_an_unknown_call_cost_is_refused(prediction: Prediction) -> None:
    section = fitted(calls={"decode": {"coefficients": {"weight": figure(1, 1, 1)}}})
    with pytest.raises(ModelError, match="decode weight"):
        call_parts(prediction, section)
