"""A search from beginning to end, in stages that a kill can interrupt anywhere: search, simplify, prove."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from optuna.storages.journal import JournalStorage

from costmodel.errors import Inconclusive, Interrupted
from costmodel.judging.estimate import Estimate, ratio
from costmodel.model import parameters_at
from costmodel.records.figures import EstimateRecord
from costmodel.records.run import NATIVE, RunStatus, session_outcome
from costmodel.records.worst import EvaluatorDifference, Finalist, Find, Matter, SearchSettings, Stage, Worst
from costmodel.runs.design import Plan
from costmodel.runs.store import MANIFEST, Run, refuse_links
from costmodel.timing import session
from costmodel.timing.backend import Backend
from costmodel.timing.clock import choose_clock, clock_named
from costmodel.timing.surroundings import signals_set
from costmodel.worst.chain import block_seconds, lovelace_per_second, reach
from costmodel.worst.folder import DIFFERENCES, PROOF, STUDY, WITNESSES, SearchFolder, file_name
from costmodel.worst.journal import StudyJournal
from costmodel.worst.proof import FEWEST_PROCESSES, Proof, ProofPlan, Proved, planned, proved
from costmodel.worst.search import Search, best_points, importances, replayed
from costmodel.worst.simplify import Simplifier
from costmodel.worst.space import Unfit
from costmodel.worst.target import ChargedPrices, Probe, Target, targets
from costmodel.worst.timer import Timer, worker_timer
from costmodel.worst.worker import WorkerSetting

_SHARES: Final = {"search": 0.5, "simplify": 0.2}  # of the time budget; the proof has the rest
_SAVED_SECONDS: Final = 5.0
_BATCH_US: Final = 400.0
_LEAST_PROOF_SECONDS: Final = 10.0
_PROOF_TRIES: Final = 3
_LONGER_PROOF: Final = 4.0  # than a proof that was too short
_PROOF_SETTINGS: Final = {
    "blocks_per_process": 10,
    "min_processes": 6,
    "max_processes": 40,
    "target_half_width": 0.005,
}
_PROOF_SEED: Final = "proof"
_SCALE_FOUND: Final = "ordinary input of several builtins, timed beside the witnesses"
_SCALE_GIVEN: Final = "given"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a search is, for people."""

    stage: str
    done: str
    seconds_left: float


Told = Callable[[Standing], None]


TimerOf = Callable[[SearchSettings], AbstractContextManager[Timer]]
"""What times the inputs of a search."""


def usual_timer(settings: SearchSettings) -> AbstractContextManager[Timer]:
    """A process on the measuring core."""
    batch_us = session.settings_for(settings.evaluator, settings.core).get("target_batch_us", _BATCH_US)
    clock = clock_named(settings.clock) or choose_clock()
    setting = WorkerSetting(
        core=settings.core, clock=clock, evaluator=settings.evaluator, batch_us=max(_BATCH_US, batch_us)
    )
    return worker_timer(setting)


class WorstSearch:
    """Takes a search through its stages. Other ways to time are for trying out searches on simulated evaluators."""

    def __init__(
        self,
        folder: SearchFolder,
        *,
        timer: TimerOf = usual_timer,
        backend: Backend | None = None,
        told: Told | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder, self.settings = folder, folder.state.settings
        self._timer, self._backend, self._told = timer, backend, told or (lambda _: None)
        self.clock = clock
        self._stopped = threading.Event()
        self.pricing = ChargedPrices(
            folder.model,
            parameters_at(self.settings.epoch),
            protocol_version=self.settings.protocol_version,
            portable=self.settings.evaluator != NATIVE,
        )
        self._targets = {target.name: target for target in targets(",".join(self.settings.targets))}

    def run(self) -> Worst:
        """What was proved. Interrupted where the user stopped it; Inconclusive where nothing could be proved."""
        try:
            if self.folder.state.stage in ("search", "simplify"):
                with signals_set(self._stopped):
                    self._find()
            return self._prove()
        except BaseException:
            self.folder.update(status=RunStatus.INTERRUPTED)
            raise
        finally:
            self.folder.close()

    def _find(self) -> None:
        """Search and simplify."""
        journal = StudyJournal(self.folder.path / STUDY)
        try:
            with self._timer(self.settings) as timer:
                self.folder.update(evaluator=timer.facts)
                with replayed():
                    storage = JournalStorage(journal)
                search = Search(
                    list(self._targets.values()),
                    self.pricing,
                    timer,
                    storage,
                    seed=self.settings.seed,
                    sampler=self.settings.sampler,
                    differential=self.settings.differential,
                )
                if self.folder.state.stage == "search":
                    self._search(search)
                if not self.settings.differential:
                    self._simplify(search, timer)
                self.folder.update(stage="prove")
        finally:
            journal.close()

    def _search(self, search: Search) -> None:
        stage = _Stage(self, "search")

        def halted() -> bool:
            timed = self.folder.state.timed_seconds
            over = stage.over(f"{search.begun:,} inputs tried")
            if stage.saved():
                self.folder.update(timed_seconds=timed + search.take_timed())
            return over

        search.run(halted)
        stage.end()
        timed = self.folder.state.timed_seconds + search.take_timed()
        self.folder.update(timed_seconds=timed, trials=search.trials)
        self._keep(search.differences)
        self._check_stopped()
        self.folder.update(stage="simplify")

    def _keep(self, differences: Mapping[str, tuple[Probe, str]]) -> None:
        """The inputs on which the evaluator differs, as files."""
        kept = list(self.folder.state.differences)
        for probe, told in differences.values():
            name = self.folder.write(DIFFERENCES, file_name(probe.target, probe.flat), probe.flat)
            kept.append(EvaluatorDifference(target=probe.target, point=probe.values, file=name, told=told))
        self.folder.update(differences=tuple(kept))

    def _simplify(self, search: Search, timer: Timer) -> None:
        """The finalist of every price that has none yet; each has its share of the time."""
        state = self.folder.state
        known = {finalist.target for finalist in state.finalists} | set(state.left_out)
        waiting = [target for target in self._targets.values() if target.name not in known]
        stage = _Stage(self, "simplify")
        for number, target in enumerate(waiting):
            left = len(waiting) - number
            until = self.clock() + stage.left / left
            simplifier = Simplifier(target, self.pricing, timer, str(self.settings.seed))

            def over(until: float = until, left: int = left) -> bool:
                return stage.over(f"{left} prices left") or self.clock() > until

            finalist = _finalist(search, target, simplifier, over)
            self._check_stopped()
            timed = self.folder.state.timed_seconds + simplifier.timed_seconds
            if finalist is None:
                reason = "no input of it could be made and timed within the time budget"
                left_out = {**self.folder.state.left_out, target.name: reason}
                self.folder.update(left_out=left_out, timed_seconds=timed)
            else:
                self.folder.update(finalists=(*self.folder.state.finalists, finalist), timed_seconds=timed)
        stage.end()

    def _prove(self) -> Worst:
        probes = self._probes()
        if not probes and not self.settings.differential:
            raise Inconclusive(f"{self.folder.path}: no input could be timed; give more --time-budget")
        if not probes:
            return self._finish(None, Proof(math.nan, {}), probes)
        plan = planned(list(probes.values()), self.pricing, self.settings.seed)
        run = self._timed_again(plan)
        return self._finish(run, proved(plan, run, self.settings.scale), probes)

    def _probes(self) -> dict[str, Probe]:
        """The witnesses, on operands of the proof's own."""
        probes = {}
        for finalist in self.folder.state.finalists:
            try:
                probe = self._targets[finalist.target].probe(finalist.point, _PROOF_SEED, self.pricing)
            except Unfit as reason:
                self.folder.update(left_out={**self.folder.state.left_out, finalist.target: str(reason)})
            else:
                probes[finalist.target] = probe
        return probes

    def _timed_again(self, plan: ProofPlan) -> Run:
        """The proof's run, begun anew or continued. Where a busy machine let no two processes end in time it is timed
        once more, for longer: without an interval all that was found would be lost."""
        seconds = _LEAST_PROOF_SECONDS
        for _ in range(_PROOF_TRIES):
            run = self._proof_run(plan, seconds)
            if not _too_short(run):
                break
            seconds = _LONGER_PROOF * session_outcome(run.manifest).seconds
        self.folder.update(proof=run.name)
        return run

    def _proof_run(self, plan: ProofPlan, least_seconds: float) -> Run:
        """One session of the proof, in the time that is left and at least in so much."""
        root = self.folder.path / PROOF
        refuse_links(self.folder.path)
        begun = sorted(path for path in root.iterdir() if (path / MANIFEST).is_file()) if root.is_dir() else []
        stage = _Stage(self, "prove")

        def observer(progress: session.Progress) -> None:
            stage.over(f"{progress.processes} processes, {progress.cells} cells")
            if stage.saved():
                stage.end()

        common: dict[str, Any] = {
            "time_budget": max(stage.left, least_seconds),
            "observer": observer,
            "backend": self._backend,
        }
        try:
            last = Run.open(begun[-1]) if begun else None
            if last is not None and last.manifest.status is not RunStatus.COMPLETE:
                return session.resume(last.path, **common)
            if last is not None and not _too_short(last):
                return last
            clock = clock_named(self.settings.clock)
            return session.measure(self._plan(plan), root, "proof", clock=clock, **common)
        finally:
            stage.end()

    def _plan(self, plan: ProofPlan) -> Plan:
        settings: dict[str, Any] = dict(_PROOF_SETTINGS)
        settings |= session.settings_for(self.settings.evaluator, self.settings.core)
        return Plan(cells=plan.cells, core=self.settings.core, seed=self.settings.seed, **settings)

    def _finish(self, run: Run | None, proof: Proof, probes: Mapping[str, Probe]) -> Worst:
        """Write what was proved, worst first."""
        state = self.folder.state
        finds = [
            self._found(finalist, probes[finalist.target], proof.proved[finalist.target])
            for finalist in state.finalists
            if finalist.target in proof.proved
        ]
        left_out = dict(state.left_out)
        for name in probes.keys() - proof.proved.keys():
            left_out[name] = "it could not be timed again by two processes within the time budget"
        seconds = sum(state.spent_seconds.values())
        outcome = session_outcome(run.manifest) if run is not None else None
        timed = state.timed_seconds + (outcome.timed_share * outcome.seconds if outcome else 0.0)
        result = Worst(
            run=str(self.folder.path),
            again=state.again,
            model=self.settings.model,
            evaluator=state.evaluator or dict(run.manifest.evaluator if run else {}),
            machine=state.machine,
            scale=proof.scale if math.isfinite(proof.scale) else 1.0,
            scale_from=_SCALE_GIVEN if self.settings.scale is not None else _SCALE_FOUND,
            finds=tuple(sorted(finds, key=lambda find: -(find.ratio.value or 0.0))),
            differences=state.differences,
            left_out=left_out,
            trials=state.trials,
            seconds=seconds,
            timed_share=timed / seconds if seconds else 0.0,
            notes=tuple(outcome.warnings) if outcome else (),
        )
        self.folder.finish(result)
        return result

    def _found(self, finalist: Finalist, probe: Probe, timing: Proved) -> Find:
        seconds = timing.program_seconds
        block = block_seconds(probe, seconds, self.pricing)
        arguments = probe.cells[0].arguments
        return Find(
            price=finalist.target,
            ratio=timing.ratio.record(),
            ordinary=timing.ordinary.record() if timing.ordinary else None,
            over_ordinary=timing.over_ordinary.record() if timing.over_ordinary else None,
            sizes=probe.sizes,
            time_ps=timing.time_ps,
            charge_ps=probe.charge_ps,
            point=finalist.point,
            matters=finalist.matters,
            importance=finalist.importance,
            trials=finalist.trials,
            witness=self.folder.write(WITNESSES, file_name(probe.target, probe.flat), probe.flat),
            argument=self.folder.write(WITNESSES, file_name(probe.target, arguments[0], "cbor"), arguments[0])
            if arguments
            else None,
            reach=reach(probe, self.pricing.chain),
            block_seconds=block.record() if block else None,
            lovelace_per_second=lovelace_per_second(probe, seconds.value, self.pricing),
            processes=timing.processes,
            earlier=finalist.earlier,
            over_earlier=_over(timing.ratio, finalist.earlier),
        )

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise Interrupted(f"stopped; what was found is kept in {self.folder.path}")

    @property
    def stopped(self) -> bool:
        """Whether the user stopped it."""
        return self._stopped.is_set()

    def tell(self, standing: Standing) -> None:
        """Say where it is."""
        self._told(standing)


def _over(again: Estimate, earlier: EstimateRecord | None) -> EstimateRecord | None:
    """A ratio over that of an earlier session."""
    if earlier is None or earlier.value is None:
        return None
    low, high = (math.nan if bound is None else bound for bound in earlier.interval)
    return ratio(again, Estimate(earlier.value, low, high)).record()


def _too_short(run: Run) -> bool:
    """Whether a proof has fewer processes than tell an interval."""
    return session_outcome(run.manifest).processes < FEWEST_PROCESSES


class _Stage:
    """Time of a stage: what it may take, and what it took, over all sessions."""

    def __init__(self, search: WorstSearch, name: Stage) -> None:
        self._search, self._name = search, name
        spent = search.folder.state.spent_seconds
        self._before = spent.get(name, 0.0)
        # Differences need neither simpler inputs nor a proof.
        share = 1.0 if search.settings.differential and name == "search" else _SHARES.get(name)
        budget = search.settings.seconds
        # The proof has what the others left.
        allowed = share * budget if share is not None else budget - sum(spent.values()) + self._before
        self._allowed, self._began, self._saved_at = allowed, self._search.clock(), self._search.clock()

    @property
    def left(self) -> float:
        return max(self._allowed - self._before - (self._search.clock() - self._began), 0.0)

    def over(self, done: str) -> bool:
        """Whether time is up, or the user stopped it."""
        self._search.tell(Standing(self._name, done, self.left))
        return self.left <= 0 or self._search.stopped

    def saved(self) -> bool:
        """Whether it is time to write down where the search stands; then the stage's time is in the state."""
        if self._search.clock() - self._saved_at < _SAVED_SECONDS:
            return False
        self._saved_at = self._search.clock()
        self.end()
        return True

    def end(self) -> None:
        """Write down what it took so far."""
        spent = self._before + self._search.clock() - self._began
        folder = self._search.folder
        folder.update(spent_seconds={**folder.state.spent_seconds, self._name: spent})


def _finalist(search: Search, target: Target, simplifier: Simplifier, over: Callable[[], bool]) -> Finalist | None:
    """The best point on fresh operands, simplified; None where no input of the price was timed."""
    study = search.study(target.name)
    chosen = simplifier.choose(best_points(study))
    if chosen is None:
        return None
    simplified = simplifier.simplify(chosen, over)
    return Finalist(
        target=target.name,
        point=simplified.values,
        matters=tuple(
            Matter(parameter=cause.name, value=cause.value, plain=cause.plain, without=cause.without)
            for cause in simplified.causes
        ),
        importance=importances(study),
        trials=len(study.get_trials(deepcopy=False)),
    )
