"""All checks of a machine, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence

from costmodel.doctor.checks import system_checks
from costmodel.doctor.host import Host
from costmodel.doctor.trial import run_trial, trial_checks
from costmodel.records.doctor import CheckVerdict, Diagnosis, Fitness, MachineCheck, SettingChange, Trial
from costmodel.records.run import NATIVE
from costmodel.timing.backend import Backend
from costmodel.timing.fingerprint import fingerprint
from costmodel.timing.session import Observer


def diagnose(
    host: Host,
    core: int,
    seed: int,
    *,
    tuned: Sequence[SettingChange] = (),
    put_back: Sequence[SettingChange] = (),
    observer: Observer | None = None,
    backend: Backend | None = None,
    evaluator: str = NATIVE,
) -> Diagnosis:
    """Look at the system, then measure for some ten seconds."""
    seen = system_checks(host, core)
    trial = run_trial(host, core, seed, observer=observer, backend=backend, evaluator=evaluator)
    checks = (*seen, *trial_checks(trial, core))
    return Diagnosis(
        core=core,
        machine=fingerprint(core),
        checks=checks,
        trial=trial,
        fitness=_fitness(checks, trial),
        tuned=tuple(tuned),
        put_back=tuple(put_back),
    )


def _fitness(checks: Sequence[MachineCheck], trial: Trial) -> Fitness:
    if any(check.verdict is CheckVerdict.BAD for check in checks):
        return "unfit"
    return "inconclusive" if trial.noise is None else "fit"
