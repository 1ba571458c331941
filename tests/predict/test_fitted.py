import math
from dataclasses import replace
from typing import Any

import pytest

from costmodel.errors import ModelError
from costmodel.machine import Script
from costmodel.model import STARTUP_KEY, CostModel, Variant, ledger_model
from costmodel.predict.counts import Prediction, predict
from costmodel.predict.fitted import Fitted, Predicted, predicted_call, predicted_evaluation, without_interval
from costmodel.workloads import secp
from tests.records.sections import call, coefficient, section, steps

MODEL_D = ledger_model(Variant.D)


def uncertain(
    parts: dict[str, list[float]],
    *,
    t: float = 2.0,
    others: dict[str, list[float]] | None = None,
    scatter: float = 0.0,
) -> dict[str, object]:
    """The errors of a model: `parts` of each process, `others` of each program that gave prices, in ps."""
    return {
        "t": t,
        "parts_ps": parts,
        "lack_of_fit": {"t": 2.0, "scatter": scatter, "parts_ps": others or {}},
    }


def call_of(prediction: Prediction, fitted: Fitted) -> Predicted:
    return predicted_call(prediction, predicted_evaluation(prediction, fitted), fitted)


def own_steps() -> dict[str, Any]:
    """The ledger's prices of steps, as if they had been fitted, and known exactly."""
    prices = {kind.json_key: units.cpu for kind, units in MODEL_D.steps.items()}
    assert MODEL_D.startup is not None
    prices[STARTUP_KEY] = MODEL_D.startup.cpu
    return {name: coefficient(ps, ps, ps, charged=ps) for name, ps in prices.items()}


def steps_with_footprint(named: bool = True, **changes: float) -> dict[str, Any]:
    more = {"footprint": coefficient(1_000, 900, 1_100)} if named else {}
    return steps(own_steps(), {"typical": 1_024, "least": 64, "most": 4_096} | changes, **more)


def extras(**changes: Any) -> dict[str, Any]:
    sound = {"variant": "D", "steps": steps(own_steps()), "builtins": {}, "errors": uncertain({}), "calls": {}}
    return section(**(sound | changes))


def fitted_model(**changes: Any) -> CostModel:
    return replace(MODEL_D, extras=extras(**changes))


def fitted(**changes: Any) -> Fitted:
    found = Fitted.of(fitted_model(**changes))
    assert found is not None
    return found


@pytest.fixture
def prediction() -> Prediction:
    (prediction,) = predict(MODEL_D, secp([2]).programs[:1])
    return prediction


def test_a_model_from_elsewhere_has_no_section() -> None:
    assert Fitted.of(MODEL_D) is None


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"schema_version": 99}, "version 99"),
        ({"steps": []}, r"\$\.steps"),
        ({"builtins": {"addInteger": {"cost_at_centre": {"ps": 1}}}}, "interval_ps"),
        ({"hash_yardstick_ns": 0.0}, "above 0"),
        ({"clock_unit": "instructions"}, "instructions, not in time"),
        ({"errors": {"t": 2.0}}, r"parts_ps"),
        ({"steps": steps_with_footprint(named=False)}, "footprint is no figure"),
        ({"steps": steps_with_footprint(typical=0)}, "footprint is no figure"),
        ({"steps": steps_with_footprint(least=-1)}, "footprint is no figure"),
        ({"steps": steps_with_footprint(least=5_000)}, "footprint is no figure"),
    ],
)
def test_a_malformed_section_is_refused_in_one_line(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ModelError, match=what) as caught:
        Fitted.of(fitted_model(**changes))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["errors", "lack_of_fit"])
def test_errors_of_unlike_length_are_refused(where: str) -> None:
    unlike = {"cekVarCost": [1.0, 2.0], "cekLamCost": [1.0]}
    errors = uncertain(unlike) if where == "errors" else uncertain({}, others=unlike)
    with pytest.raises(ModelError, match="unlike length"):
        Fitted.of(fitted_model(errors=errors))


def test_a_prediction_without_section_is_exact(prediction: Prediction) -> None:
    predicted = predicted_evaluation(prediction, None)
    assert predicted.measured() == predicted.expected()
    value, low, high = predicted.measured()
    assert low == value == high == pytest.approx(prediction.evaluation_ns)


def test_errors_of_one_process_add_up_and_those_of_several_in_quadrature(prediction: Prediction) -> None:
    verify = prediction.builtins["verifyEcdsaSecp256k1Signature"]
    var, lam = prediction.steps["var"], prediction.steps["lam"]
    parts = {
        "verifyEcdsaSecp256k1Signature.constant": [1e6, 0.0],
        "cekVarCost": [500.0, -300.0],
        "cekLamCost": [0.0, 200.0],
        "cekCaseCost": [1e9, 1e9],
    }
    found = fitted(errors=uncertain(parts, t=2.5))
    value, low, high = predicted_evaluation(prediction, found).measured()
    half = 2.5 * math.hypot(1000 * verify + 0.5 * var, -0.3 * var + 0.2 * lam)
    assert value == pytest.approx(prediction.evaluation_ns)
    assert (value - low, high - value) == pytest.approx((half, half))


@pytest.mark.parametrize(("footprint", "doublings"), [(1_024, 0), (2_048, 1), (256, -2), (8, -4), (10**6, 2)], ids=str)
def test_a_step_takes_more_with_each_doubling_of_the_footprint(
    prediction: Prediction, footprint: int, doublings: int
) -> None:
    found = fitted(steps=steps_with_footprint(), errors=uncertain({"footprint": [100.0]}, t=2.0))
    count = sum(prediction.steps.values())
    predicted = predicted_evaluation(replace(prediction, footprint=footprint), found).measured()
    assert predicted.value == pytest.approx(prediction.evaluation_ns + doublings * count)
    assert predicted.high - predicted.value == pytest.approx(0.2 * abs(doublings) * count)


def test_lack_of_fit_is_expected_but_not_measured(prediction: Prediction) -> None:
    found = fitted(errors=uncertain({}, others={"cekVarCost": [300.0, 400.0]}, scatter=0.1))
    predicted = predicted_evaluation(prediction, found)
    spent = sum(ns for name, ns in prediction.parts_ns.items() if name.startswith("cek"))
    assert predicted.measured() == (predicted.ns, predicted.ns, predicted.ns)
    half = 2 * math.hypot(0.5 * prediction.steps["var"], 0.1 * spent)
    assert predicted.expected().high - predicted.ns == pytest.approx(half)


def test_parts_without_an_interval_are_named(prediction: Prediction) -> None:
    one = section()["builtins"]["addInteger"]
    known = fitted(builtins={name: one for name in prediction.builtins if name != "unBData"})
    assert without_interval(prediction, known) == ("unBData",)


def test_a_call_adds_decoding_arguments_and_start(prediction: Prediction) -> None:
    # The redeemer is a constructor of an integer and three bytestrings, datum and context are a constructor each.
    flat, arguments = prediction.program.flat, prediction.program.arguments
    found = fitted(
        calls={
            "decode": call({"intercept": coefficient(1e6, 1e6, 1e6), "bytes": coefficient(2000, 2000, 2500)}),
            "apply": call(
                {
                    "arguments": coefficient(3e5, 3e5, 3e5),
                    "bytes": coefficient(7000, 7000, 7000),
                    "nodes": coefficient(11000, 11000, 11000),
                }
            ),
            "start": call({"intercept": coefficient(5e6, 4e6, 5e6)}),
        }
    )
    overhead = 1000 + 2 * len(flat) + 3 * 300 + 7 * sum(map(len, arguments)) + 11 * 7 + 5000
    value, low, high = call_of(prediction, found).measured()
    assert value == pytest.approx(prediction.evaluation_ns + overhead)
    assert value - low == pytest.approx(1000)
    assert high - value == pytest.approx(0.5 * len(flat))


def test_a_first_run_has_the_fresh_start_in_it(prediction: Prediction) -> None:
    one = call({"intercept": coefficient(5e6, 5e6, 5e6)})
    first = call({"intercept": coefficient(1e6, 1e6, 1e6), "nodes": coefficient(3e3, 3e3, 3e3)})
    program = prediction.program
    nodes = Script.decode(program.flat, program.language, program.protocol_version).nodes
    predicted = call_of(prediction, fitted(calls={"start": one, "first": first}))
    assert predicted.ns == pytest.approx(prediction.evaluation_ns + 1000 + 3 * nodes)


def test_an_unknown_call_cost_is_refused(prediction: Prediction) -> None:
    found = fitted(calls={"decode": call({"weight": coefficient(1, 1, 1)})})
    with pytest.raises(ModelError, match="decode weight"):
        call_of(prediction, found)
