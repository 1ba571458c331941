"""Replays: a workload timed in a session, its observed times against what a model predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from costmodel.errors import Inconclusive
from costmodel.judging.estimate import Estimate
from costmodel.machine import evaluator_label
from costmodel.model import CostModel, variant_for
from costmodel.predict.counts import Prediction, predict
from costmodel.predict.fitted import Fitted, Predicted, predicted_call, predicted_evaluation, without_interval
from costmodel.records.run import NATIVE
from costmodel.records.validation import Timed
from costmodel.runs.anomalies import oddities
from costmodel.runs.design import Cell, Plan
from costmodel.runs.means import choices_for, process_means, steadiest
from costmodel.runs.store import Run, file_fact
from costmodel.timing.estimate import estimate, hash_yardstick, reference_yardstick
from costmodel.timing.plan import choose_core
from costmodel.timing.recorder import LOST
from costmodel.timing.session import Observer, measure, settings_for
from costmodel.trace import SILENT, Trace
from costmodel.validate.attribution import attribute
from costmodel.validate.intervals import calibration, draw_ratios, family, miss
from costmodel.validate.summary import baselines, margins, summarise
from costmodel.validate.verdict import Gates, Observation, Score, ValidationVerdict, WorkVerdict, pass_gates, score
from costmodel.validate.workers import WorkerReplicates
from costmodel.workloads import Workload

EXPERIMENT: Final = "replay"

# Of the yardstick, relative: a smaller change of the machine's state is adjusted for without a word.
_WORTH_SAYING: Final = 0.0005


Sessions = Callable[..., list[Run]]
"""Measures a plan somewhere, as `session.measure` does with the same arguments, into one run or several."""


def _one_session(*arguments: Any, **options: Any) -> list[Run]:
    return [measure(*arguments, **options)]


@dataclass(frozen=True, slots=True)
class _Replay:
    """One program timed in one way, and the time that is predicted for it."""

    prediction: Prediction
    work: Timed
    predicted: Predicted

    @property
    def id(self) -> str:
        """The cell's."""
        return f"{self.prediction.program.label} {self.work}"

    def cell(self) -> Cell:
        program = self.prediction.program
        return Cell(
            id=self.id,
            experiment=EXPERIMENT,
            operation=program.name,
            sizes=() if program.loop_count is None else (program.loop_count,),
            work=self.work,
            flat=program.flat,
            arguments=program.arguments,
            steps=dict(self.prediction.steps),
            builtins=dict(self.prediction.builtins),
            footprint=self.prediction.footprint,
            features=dict(self.prediction.features),
            language=program.language.value,
            protocol_version=program.protocol_version,
        )


def validate(
    model: CostModel,
    workload: Workload,
    *,
    measurements: Path,
    core: int | None = None,
    seed: int = 0,
    gates: Gates | None = None,
    time_budget: float | None = None,
    evaluator: str = NATIVE,
    model_files: Sequence[Path] = (),
    command_line: Sequence[str] = (),
    observer: Observer | None = None,
    trace: Trace = SILENT,
    sessions: Sessions = _one_session,
) -> list[ValidationVerdict]:
    """Replay a workload and compare with what the model predicts: a verdict for each run of `sessions`, which is one on
    a core of this machine (by default the session's choice), or one for each kind of machine of a fleet.

    The observations become runs below `measurements`; `model_files` are noted in them as inputs, beside the workload's.
    `seed` decides the order of timing and the resamples. `gates` are the workload's own unless given, `time_budget` is
    in seconds.

    Before anything is timed: InputError for a workload that does not run to success, ModelError for a model that lacks
    what the workload needs, CheckFailed for ExUnits that are not the expected ones, EnvironmentFault for a core that
    does not exist. Afterwards: Inconclusive where a machine was too noisy for any observation, Interrupted.
    """
    gates = gates or Gates.of(workload)
    fitted = Fitted.of(model)
    replays = _replays(predict(model, workload.programs), fitted)
    core = choose_core(core)
    plan = Plan(
        cells=tuple(replay.cell() for replay in replays),
        core=core,
        seed=seed,
        target_half_width=gates.precision,
        **settings_for(evaluator, core),
    )
    runs = sessions(
        plan,
        measurements,
        EXPERIMENT,
        time_budget=time_budget,
        command_line=command_line,
        inputs={str(path): file_fact(path) for path in (*model_files, *workload.files)},
        observer=observer,
        trace=trace,
    )
    return [_verdict(model, workload, fitted, replays, run, gates, seed) for run in runs]


def _verdict(
    model: CostModel,
    workload: Workload,
    fitted: Fitted | None,
    replays: tuple[_Replay, ...],
    run: Run,
    gates: Gates,
    seed: int,
) -> ValidationVerdict:
    """The model on what one kind of machine has observed."""
    replays, lost = _measured(replays, run)
    same_state, notes = _comparability(fitted, run)
    notes += lost
    notes += [oddity.removeprefix(f"{run.name}/") for oddity in oddities([run])]
    samples = run.samples()
    state = fitted.hash_yardstick_ns if fitted and same_state else None
    factor = 1.0 if state is None else state / hash_yardstick(samples)
    observations = observe(run, samples, factor)
    if abs(factor - 1) >= _WORTH_SAYING:
        notes.append(_adjustment(factor))
    scores = [_score(replay, observations[replay.id], gates) for replay in replays]
    ways = list(dict.fromkeys(replay.work for replay in replays))
    workers = WorkerReplicates.of(run.manifest, samples)
    return ValidationVerdict(
        model=model.source,
        workload=workload.name,
        run=str(run.path),
        machine=run.manifest.machine.id,
        workers=workers.shares(),
        machine_state="model" if same_state else EXPERIMENT,
        notes=(
            *workload.notes,
            *notes,
            *_variants(fitted, workload),
            *_gaps(replays, fitted),
            *_widths(scores, fitted),
            *workers.notes(),
        ),
        scores=tuple(scores),
        works=tuple(_work(work, replays, scores, factor, gates, seed) for work in ways),
    )


def _score(replay: _Replay, observation: Observation, gates: Gates) -> Score:
    return score(replay.prediction, replay.work, replay.predicted, observation, gates.tolerance)


def _work(
    work: Timed, replays: Sequence[_Replay], scores: Sequence[Score], state: float, gates: Gates, seed: int
) -> WorkVerdict:
    """All programs timed in one way. `state` is the factor by which their times were brought to the model's state."""
    mine = [(replay, found) for replay, found in zip(replays, scores, strict=True) if replay.work == work]
    observed = np.array([found.observed_ns.value for _, found in mine])
    predicted = np.array([found.predicted_ns.value for _, found in mine])
    drawn = draw_ratios(
        [replay.predicted for replay, _ in mine], [_own(found.observed_ns, state) for _, found in mine], state, seed
    )
    labels = [found.label for _, found in mine]
    summary = summarise(work, labels, predicted, observed, drawn, _families([found for _, found in mine]), seed)
    return WorkVerdict(
        summary=summary,
        baselines=baselines(work, [replay.prediction for replay, _ in mine], observed),
        gates=tuple(pass_gates(gates, summary, [found.ratio for _, found in mine])),
        misses=attribute(labels, [replay.predicted.parts for replay, _ in mine], observed),
        margins=margins([replay.prediction.program for replay, _ in mine], predicted, observed, drawn),
    )


def _replays(predictions: Sequence[Prediction], fitted: Fitted | None) -> tuple[_Replay, ...]:
    """Every evaluation, and the whole call of it where the model says what a call costs."""
    replays = [_Replay(prediction, "evaluate", predicted_evaluation(prediction, fitted)) for prediction in predictions]
    if fitted is not None and fitted.section.calls:
        replays += [
            _Replay(replay.prediction, "call", predicted_call(replay.prediction, replay.predicted, fitted))
            for replay in replays
        ]
    return tuple(replays)


def _measured(replays: tuple[_Replay, ...], run: Run) -> tuple[tuple[_Replay, ...], list[str]]:
    """The replays that the evaluator could do, and what to say of the others and of other ExUnits. Inconclusive where
    it could do none."""
    manifest = run.manifest
    lost = {name: reason for name, reason in manifest.uncertain.items() if reason.startswith(LOST)}
    left = tuple(replay for replay in replays if replay.id not in lost)
    notes = [f"{name}: {reason}" for name, reason in lost.items()]
    if manifest.ex_units:
        name, difference = next(iter(manifest.ex_units.items()))
        notes.append(f"other ExUnits for {len(manifest.ex_units)} programs, first {name}: {difference}")
    if not left:
        raise Inconclusive(f"{run.path}: the evaluator could run no program, {notes[0]}")
    return left, notes


def _comparability(fitted: Fitted | None, run: Run) -> tuple[bool, list[str]]:
    """Whether observed times can be brought to the state of the machine that the model speaks of, and what to say."""
    if fitted is None:
        return False, ["the model does not say on which machine it was measured: observed times are this replay's"]
    notes = []
    if fitted.machine != run.manifest.machine:
        notes.append(
            "the model was measured on another machine: its picoseconds are not this machine's, so gates judge the "
            "machine too; measure and fit here to judge the model"
        )
    elif fitted.hash_yardstick_ns is None:
        notes.append("the model was measured without the hash yardstick: observed times are this replay's")
    adjustable = not notes
    if fitted.evaluator != run.manifest.evaluator:
        theirs, ours = evaluator_label(fitted.evaluator), evaluator_label(run.manifest.evaluator)
        what = "another build of the evaluator" if theirs == ours else f"{theirs}, and this is {ours}"
        notes.append(f"the model was measured with {what}")
    return adjustable, notes


def _adjustment(state: float) -> str:
    pace = "slower" if state < 1 else "faster"
    difference = f"{abs(1 / state - 1):.1%} {pace}"
    return (
        f"by the yardstick the machine was {difference} than when the model was measured: "
        "observed times are adjusted for it, their intervals reach from the one state to the other"
    )


def _variants(fitted: Fitted | None, workload: Workload) -> list[str]:
    """What to say where sizes and shapes are other ones in the model than in the programs' own variant."""
    if fitted is None:
        return []
    used = {variant_for(program.language, program.protocol_version) for program in workload.programs}
    others = sorted(used - {fitted.variant})
    return [f"the model is of variant {fitted.variant}, programs are of {', '.join(others)}"] if others else []


def _gaps(replays: Sequence[_Replay], fitted: Fitted | None) -> list[str]:
    if fitted is None:
        return ["the model states no uncertainty: its predictions are taken as exact"]
    gaps = sorted({part for replay in replays for part in without_interval(replay.prediction, fitted)})
    return [f"taken as exact, for want of an interval in the model: {', '.join(gaps)}"] if gaps else []


def _families(scores: Sequence[Score]) -> list[str]:
    return [family(each.program, each.loop_count) for each in scores]


def _widths(scores: Sequence[Score], fitted: Fitted | None) -> list[str]:
    """What intervals hold, and how wide those of predictions should be."""
    count = len(set(_families(scores)))
    held = [
        "intervals of the median, the 95th percentile and R² hold noise of timing, the model's too, and the choice of "
        f"programs: {count} families by name, drawn with replacement"
        if count > 1
        else "intervals of the median, the 95th percentile and R² hold noise of timing, the model's too, and no more"
    ]
    if fitted is None:
        return held
    for work in dict.fromkeys(each.work for each in scores):
        mine = [each for each in scores if each.work == work]
        misses = [miss(each.predicted_ns, each.observed_ns.value) for each in mine]
        held.append(f"{work}: {calibration(_families(mine), misses)}")
    return held


def observe(run: Run, samples: pd.DataFrame, state: float) -> dict[str, Observation]:
    """Observed times by cell of a run, adjusted to the state of the machine in which a model was measured.

    The adjustment `state` is the ratio of the hash yardsticks, the model's over the replay's. How far a program follows
    it from one session to another is not known, so the interval reaches from the replay's own state to the model's.
    Inconclusive, naming the cell, where a cell has too few undisturbed batches.
    """
    choices = choices_for(run.design.settings.evaluator)
    means = [process_means(samples, yardsticks=choice) for choice in choices]
    chosen = steadiest(each.to_numpy(np.float64).T for each in means)
    normalised, yardsticks = means[chosen], choices[chosen]
    for cell in run.design.cells:
        if run.manifest.uncertain.get(cell.id, "").startswith(LOST):
            continue
        if cell.id not in normalised.index:
            raise Inconclusive(f"{run.path}: too few undisturbed batches of {cell.id!r}; replay on a quieter machine")
    yardstick_ns, seed = reference_yardstick(samples, yardsticks), run.design.settings.seed
    own = _estimates(estimate(normalised, scale_ns=yardstick_ns, seed=seed))
    raw = _estimates(estimate(process_means(samples, yardsticks=()), scale_ns=1, seed=seed))
    return {
        cell: Observation(raw[cell], _adjusted(own[cell], state), run.manifest.uncertain.get(cell, "")) for cell in own
    }


def _adjusted(own: Estimate, state: float) -> Estimate:
    return Estimate(own.value * state, own.low * min(1, state), own.high * max(1, state))


def _own(adjusted: Estimate, state: float) -> Estimate:
    """What `_adjusted` came from."""
    return Estimate(adjusted.value / state, adjusted.low / min(1, state), adjusted.high / max(1, state))


def _estimates(table: pd.DataFrame) -> dict[str, Estimate]:
    columns = table[["value_ns", "low_ns", "high_ns"]]
    return {str(row[0]): Estimate(*map(float, row[1:])) for row in columns.itertuples()}
