"""`validate` on made-up observations, written as a real run, and once on real ones."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from costmodel.errors import EnvironmentFault, Inconclusive, InputError, ModelError
from costmodel.model import STARTUP_KEY, BuiltinCost, CostModel, ExUnits, Variant, dump, ledger_model, load
from costmodel.predict.counts import predict
from costmodel.records import encode
from costmodel.records.run import FileFact, Machine, RunStatus
from costmodel.runs.design import Plan
from costmodel.runs.store import Run, RunWriter, file_fact
from costmodel.runs.tables import Sample
from costmodel.validate import Gates, ValidationVerdict, replay, validate
from costmodel.workloads import Workload, from_folder, secp
from tests.records.sections import call, coefficient, section, steps
from tests.runs.facts import CLOCK

MODEL_D = ledger_model(Variant.D)
MACHINE = Machine(id="0123456789abcdef", cores=2)
EVALUATOR = {"name": "native", "sha256": "00"}
PROCESSES, BLOCKS = 6, 4
# Ratio of a process's times to the others', so that intervals have a width: ±1 % here.
SHIFTS = (0.99, 1.01, 1.0, 1.01, 0.99, 1.0)

Observed = Callable[[str], float]
"""Time of one iteration of a cell, in ns."""


def fake_session(observed: Observed, spread: float = 1.0, disturbed: str = "none") -> Callable[..., Run]:
    """A session whose machine takes the times that it is told, its hash yardstick at 1000 ns.

    Batches of the cells that match `disturbed` are disturbed.
    """

    def measure(
        plan: Plan,
        root: Path,
        experiment: str,
        *,
        time_budget: float | None,
        command_line: tuple[str, ...],
        inputs: Mapping[str, FileFact],
        observer: object,
        trace: object,
    ) -> Run:
        writer = RunWriter.create(
            root,
            experiment,
            plan,
            machine=MACHINE,
            clock=CLOCK,
            versions={},
            evaluator=EVALUATOR,
            command_line=command_line,
            inputs=dict(inputs),
        )
        writer.append(
            [
                Sample(
                    cell=cell.id,
                    process=process,
                    block=block,
                    order=order,
                    iterations=7,
                    ticks=1,
                    ns=7 * observed(cell.id) * (1 + spread * (SHIFTS[process] - 1)),
                    disturbance="switched" if re.search(disturbed, cell.id) else "",
                    yardstick_hash_ns=1000.0,
                    yardstick_machine_ns=500.0,
                    cpu=plan.core,
                )
                for process in range(PROCESSES)
                for block in range(BLOCKS)
                for order, cell in enumerate(plan.cells)
            ]
        )
        return writer.finish(RunStatus.COMPLETE)

    return measure


@pytest.fixture
def workload() -> Workload:
    every = secp([1])
    return replace(every, programs=every.programs[:3])


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workload: Workload) -> Callable[..., ValidationVerdict]:
    """Validates a model on a session that takes `observed` times."""

    def judge(
        model: CostModel, observed: Observed, *, spread: float = 1.0, disturbed: str = "none", **options: Any
    ) -> ValidationVerdict:
        monkeypatch.setattr(replay, "measure", fake_session(observed, spread, disturbed))
        (verdict,) = validate(model, workload, measurements=tmp_path / "measurements", **options)
        return verdict

    return judge


def predicted_ns(workload: Workload) -> dict[str, float]:
    """The ledger's own time of each program, by cell."""
    predictions = predict(MODEL_D, workload.programs)
    return {f"{one.program.label} evaluate": one.ex_units.cpu / 1000 for one in predictions}


NO_LACK: dict[str, object] = {"t": 2.0, "scatter": 0.0, "parts_ps": {}}


def own_steps() -> dict[str, Any]:
    """The ledger's prices of steps, as if they had been fitted, and known exactly."""
    prices = {kind.json_key: units.cpu for kind, units in MODEL_D.steps.items()}
    assert MODEL_D.startup is not None
    prices[STARTUP_KEY] = MODEL_D.startup.cpu
    return {name: coefficient(ps, ps, ps, charged=ps) for name, ps in prices.items()}


def fitted_model(**changes: object) -> CostModel:
    sound = {
        "variant": "D",
        "machine": msgspec.to_builtins(MACHINE),
        "evaluator": EVALUATOR,
        "hash_yardstick_ns": 1000.0,
        "errors": {"t": 2.0, "parts_ps": {}, "lack_of_fit": NO_LACK},
        "steps": steps(own_steps()),
        "builtins": {},
        "calls": {},
    }
    return replace(MODEL_D, extras=section(**(sound | changes)))


@pytest.mark.parametrize(
    ("factor", "spread", "status", "exit_code"),
    [
        (1.0, 1.0, "pass", 0),
        (1.03, 0.5, "pass", 0),
        (1.25, 1.0, "fail", 1),
        (0.8, 1.0, "fail", 1),
        (1.0, 8.0, "inconclusive", 3),
        (1.05, 1.0, "inconclusive", 3),
    ],
)
def test_the_verdict_follows_the_ratio_and_its_interval(
    judged: Callable[..., ValidationVerdict],
    workload: Workload,
    factor: float,
    spread: float,
    status: str,
    exit_code: int,
) -> None:
    true = predicted_ns(workload)
    verdict = judged(MODEL_D, lambda cell: true[cell] * factor, spread=spread)
    assert [score.ratio.value for score in verdict.scores] == pytest.approx([factor] * 3, rel=0.01)
    assert {score.status for score in verdict.scores} == {status}
    assert verdict.exit_code == exit_code


def test_the_tolerance_is_the_user_s(judged: Callable[..., ValidationVerdict], workload: Workload) -> None:
    true = predicted_ns(workload)
    assert judged(MODEL_D, lambda cell: true[cell] * 1.2, gates=Gates(tolerance=0.3)).exit_code == 0


@pytest.mark.parametrize(("pace", "said"), [(2.0, "100.0% slower"), (0.8, "20.0% faster")])
def test_observations_are_brought_to_the_model_s_state_of_the_machine(
    judged: Callable[..., ValidationVerdict], workload: Workload, pace: float, said: str
) -> None:
    # Everything took `pace` times as long as when the model was measured, the yardstick among it.
    true = predicted_ns(workload)
    verdict = judged(fitted_model(hash_yardstick_ns=1000.0 / pace), lambda cell: pace * true[cell])
    assert verdict.machine_state == "model"
    assert any(said in line for line in verdict.notes)
    for score in verdict.scores:
        assert score.observed_raw_ns.value == pytest.approx(pace * score.observed_ns.value)
        assert score.ratio.value == pytest.approx(1, rel=0.01)


def test_the_interval_reaches_from_one_state_of_the_machine_to_the_other(
    judged: Callable[..., ValidationVerdict], workload: Workload
) -> None:
    # The yardstick took 3 % longer than in the model's measurement, but nobody knows whether the programs did.
    true = predicted_ns(workload)
    verdict = judged(fitted_model(hash_yardstick_ns=1000.0 / 1.03), lambda cell: true[cell], spread=0.0)
    for score in verdict.scores:
        assert score.ratio == pytest.approx((1 / 1.03, 1 / 1.03, 1.0))


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"machine": msgspec.to_builtins(Machine(id="another", cores=2))}, "another machine"),
        ({"hash_yardstick_ns": None}, "without the hash yardstick"),
    ],
)
def test_observations_are_left_alone_where_the_yardstick_says_nothing(
    judged: Callable[..., ValidationVerdict], workload: Workload, changes: dict[str, object], note: str
) -> None:
    true = predicted_ns(workload)
    verdict = judged(fitted_model(**({"hash_yardstick_ns": 500.0} | changes)), lambda cell: true[cell])
    assert verdict.machine_state == "replay"
    assert any(note in line for line in verdict.notes)
    for score in verdict.scores:
        assert score.observed_ns.value == pytest.approx(score.observed_raw_ns.value)


def test_another_build_of_the_evaluator_is_noted(judged: Callable[..., ValidationVerdict]) -> None:
    verdict = judged(fitted_model(evaluator={"name": "native", "sha256": "ff"}), lambda _: 1.0)
    assert "the model was measured with native ff, and this is native 00" in verdict.notes


def test_another_variant_is_noted(judged: Callable[..., ValidationVerdict]) -> None:
    notes = [judged(fitted_model(variant=variant), lambda _: 1.0).notes for variant in "BD"]
    assert ["the model is of variant B, programs are of D" in lines for lines in notes] == [True, False]


def test_the_model_s_own_uncertainty_widens_the_ratio(
    judged: Callable[..., ValidationVerdict], workload: Workload
) -> None:
    true = predicted_ns(workload)
    parts = {f"verify{name}Secp256k1Signature.constant": [4e6, 1e6] for name in ("Ecdsa", "Schnorr")}
    sure = judged(fitted_model(), lambda cell: true[cell])
    unsure = judged(fitted_model(errors={"t": 2.0, "parts_ps": parts, "lack_of_fit": NO_LACK}), lambda cell: true[cell])
    assert (sure.exit_code, unsure.exit_code) == (0, 3)


def test_a_model_with_call_costs_is_held_to_calls_too(
    judged: Callable[..., ValidationVerdict], workload: Workload
) -> None:
    # Calls cost what evaluations do and 10 µs more.
    true = predicted_ns(workload)
    model = fitted_model(calls={"start": call({"intercept": coefficient(1e7, 1e7, 1e7)})})
    verdict = judged(
        model, lambda cell: true[cell.replace("call", "evaluate")] + (10_000 if cell.endswith("call") else 0)
    )
    assert [score.work for score in verdict.scores] == ["evaluate"] * 3 + ["call"] * 3
    assert [score.ratio.value for score in verdict.scores] == pytest.approx([1] * 6, rel=0.01)


def test_the_document_is_json_and_complete(judged: Callable[..., ValidationVerdict], workload: Workload) -> None:
    verdict = judged(MODEL_D, lambda _: 50_000.0)
    document = json.loads(encode(verdict.document()))
    assert document["exit_code"] == verdict.exit_code
    assert document["scores"][0]["ex_units"] == {"cpu": 46330917, "mem": 13233}
    (work,) = document["works"]
    assert work["summary"]["undercharged"].keys() == {"program", "ratio"}
    assert [baseline["name"] for baseline in work["baselines"]] == [
        "one constant per step",
        "the ledger's model, rescaled",
    ]
    assert [gate["gate"] for gate in work["gates"]] == ["tolerance"]
    assert document["scores"][0]["observed_raw_ns"].keys() == {"value", "interval"}
    assert len(document["scores"]) == len(workload.programs)


def test_what_is_odd_about_the_run_is_noted(judged: Callable[..., ValidationVerdict]) -> None:
    assert "messages.jsonl: is not there: the run has no log" in judged(MODEL_D, lambda _: 50_000.0).notes


def test_the_same_observations_and_seed_give_the_same_document(judged: Callable[..., ValidationVerdict]) -> None:
    first, second = (judged(MODEL_D, lambda _: 50_000.0, seed=3).document() for _ in range(2))
    assert structs.replace(first, run="") == structs.replace(second, run="")


@pytest.mark.parametrize("disturbed", ["", "schnorr-64"])
def test_a_session_without_clean_batches_is_inconclusive(
    judged: Callable[..., ValidationVerdict], disturbed: str
) -> None:
    with pytest.raises(Inconclusive, match=r"undisturbed batches of '.* evaluate'"):
        judged(MODEL_D, lambda _: 50_000.0, disturbed=disturbed)


def test_the_run_names_its_inputs(monkeypatch: pytest.MonkeyPatch, shared_data: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(replay, "measure", fake_session(lambda _: 50_000.0))
    model_file = tmp_path / "model.json"
    model_file.write_bytes(dump(MODEL_D))
    workload = from_folder(shared_data / "workbench" / "scripts", [1])
    (verdict,) = validate(load([model_file]), workload, measurements=tmp_path, model_files=[model_file])
    inputs = Run.open(Path(verdict.run)).manifest.inputs
    assert inputs == {str(path): file_fact(path) for path in (model_file, *workload.files)}


def refusals() -> list[tuple[dict[str, Any], type[InputError], str]]:
    builtins = {name: cost for name, cost in MODEL_D.builtins.items() if name != "verifySchnorrSecp256k1Signature"}
    return [
        ({"model": replace(MODEL_D, builtins=builtins)}, ModelError, "verifySchnorrSecp256k1Signature"),
        ({"model": replace(MODEL_D, extras={"schema_version": 99})}, ModelError, "calibrate"),
        ({"core": 4096}, EnvironmentFault, "core 4096"),
    ]


@pytest.mark.parametrize(("options", "error", "message"), refusals())
def test_what_is_wrong_is_said_before_anything_is_timed(
    tmp_path: Path, workload: Workload, options: dict[str, Any], error: type[InputError], message: str
) -> None:
    arguments: dict[str, Any] = {"model": MODEL_D, "workload": workload, "measurements": tmp_path}
    with pytest.raises(error, match=message) as caught:
        validate(**(arguments | options))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def a_thousandfold(cost: BuiltinCost) -> BuiltinCost:
    return replace(cost, cpu=cost.cpu.with_values([1000 * value for value in cost.cpu.values]))


def test_a_real_replay_fails_a_model_that_is_far_off(tmp_path: Path) -> None:
    model = replace(
        MODEL_D,
        builtins={name: a_thousandfold(cost) for name, cost in MODEL_D.builtins.items()},
        steps={kind: ExUnits(1000 * units.cpu, units.mem) for kind, units in MODEL_D.steps.items()},
    )
    workload = secp([1])
    # So wide a tolerance needs no more than the fewest processes.
    one = replace(workload, programs=workload.programs[:1])
    (verdict,) = validate(model, one, measurements=tmp_path, gates=Gates(tolerance=0.9))
    assert verdict.exit_code == 1
    assert Run.open(Path(verdict.run)).manifest.status is RunStatus.COMPLETE


def test_a_fleet_gets_a_verdict_for_each_run_with_the_predictions_of_one_session(
    judged: Callable[..., ValidationVerdict], workload: Workload, tmp_path: Path
) -> None:
    alone = judged(MODEL_D, predicted_ns(workload).__getitem__)
    kinds = [fake_session(predicted_ns(workload).__getitem__), fake_session(lambda _: 7.0)]

    def sessions(*plan: Any, **options: Any) -> list[Run]:
        return [measure(*plan, **options) for measure in kinds]

    like, unlike = validate(MODEL_D, workload, measurements=tmp_path / "fleet", sessions=sessions)
    assert (like.status.value, unlike.status.value) == ("pass", "fail")
    assert like.run != unlike.run
    assert {like.machine, unlike.machine} == {MACHINE.id}
    for other in (like, unlike):
        assert [score.predicted_ns for score in other.scores] == [score.predicted_ns for score in alone.scores]
