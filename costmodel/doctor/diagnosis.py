"""All checks of a machine, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from costmodel.doctor.checks import Check, Verdict, system_checks
from costmodel.doctor.host import Host
from costmodel.doctor.saved_settings import Change
from costmodel.doctor.trial import Trial, run_trial, trial_checks
from costmodel.timing.backend import Backend
from costmodel.timing.fingerprint import fingerprint
from costmodel.timing.session import Observer

Fitness: TypeAlias = Literal["fit", "unfit", "inconclusive"]


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """`fitness` is unfit where a check is bad, and inconclusive where the trial could not tell. `tuned` are the
    settings that were changed while it was made, `put_back` those that an earlier run had left changed."""

    core: int
    machine: dict[str, Any]
    checks: tuple[Check, ...]
    trial: Trial
    fitness: Fitness
    tuned: tuple[Change, ...] = ()
    put_back: tuple[Change, ...] = ()


def diagnose(
    host: Host,
    core: int,
    seed: int,
    *,
    tuned: Sequence[Change] = (),
    put_back: Sequence[Change] = (),
    observer: Observer | None = None,
    backend: Backend | None = None,
) -> Diagnosis:
    """Look at the system, then measure for some ten seconds."""
    seen = system_checks(host, core)
    trial = run_trial(host, core, seed, observer=observer, backend=backend)
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


def _fitness(checks: Sequence[Check], trial: Trial) -> Fitness:
    if any(check.verdict is Verdict.BAD for check in checks):
        return "unfit"
    return "inconclusive" if trial.noise is None else "fit"
