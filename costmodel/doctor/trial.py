"""A short session that measures the same programs twice over, as an A/A run, and what it says of the machine.

Each program is two cells, A and B, that are timed side by side in shuffled order in every block, as sessions do it.
What A and B differ by is noise.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from costmodel.doctor.settings import Host, line
from costmodel.errors import Inconclusive, Interrupted
from costmodel.machine import Script, exact_machine
from costmodel.model import ExUnits, variant_for
from costmodel.plutus import LedgerLanguage, encode_flat, parse_program
from costmodel.records import convert_value, decode_json
from costmodel.records.doctor import CheckVerdict, MachineCheck, Trial
from costmodel.records.message import Message
from costmodel.records.run import NATIVE, session_outcome
from costmodel.runs.design import Cell, Plan
from costmodel.runs.means import process_means, yardsticks_for
from costmodel.runs.store import MESSAGES, Run
from costmodel.timing.backend import Backend
from costmodel.timing.estimate import estimate
from costmodel.timing.session import Observer, measure, settings_for

PROCESSES: Final = 5  # the fewest of a session
_BLOCKS: Final = 20
_SECONDS: Final = 60.0
_LANGUAGE: Final = LedgerLanguage.PLUTUS_V3
_PROTOCOL_VERSION: Final = 11

# Three kinds of work: what an evaluation takes at least, memory and steps, and one long stretch of a library's code.
_PROGRAMS: Final = {
    "start": "[(builtin addInteger) (con integer 2) (con integer 3)]",
    "list": """
      [(lam grow [grow grow (con (list integer) []) (con integer 200)])
       (lam self (lam list (lam n
         (force [(force (builtin ifThenElse)) [(builtin lessThanEqualsInteger) n (con integer 0)]
           (delay list)
           (delay [self self [(force (builtin mkCons)) n list] [(builtin subtractInteger) n (con integer 1)]])]))))]""",
    "hash": f"[(builtin sha2_256) (con bytestring #{'5a' * 8192})]",
}


def run_trial(
    host: Host,
    core: int,
    seed: int,
    *,
    observer: Observer | None = None,
    backend: Backend | None = None,
    evaluator: str = NATIVE,
) -> Trial:
    """Measure for some ten seconds on a core. Interrupted, EnvironmentFault and CheckFailed as of any session."""
    plan = Plan(
        cells=_cells(),
        core=core,
        seed=seed,
        blocks_per_process=_BLOCKS,
        max_processes=PROCESSES,
        **settings_for(evaluator, core),
    )
    with tempfile.TemporaryDirectory(prefix="calibrate-doctor-") as folder:
        before = _core_time(host, core)
        try:
            run = measure(plan, Path(folder), "doctor", time_budget=_SECONDS, observer=observer, backend=backend)
        except Inconclusive:
            (path,) = Path(folder).iterdir()
            run = Run.open(path)
        except Interrupted:
            raise Interrupted("stopped") from None
        return _judge(run, _stolen(before, _core_time(host, core)))


def _cells() -> tuple[Cell, ...]:
    """Each program as A and as B. They differ in their names alone; the group of a builtin's point keeps them in the
    same blocks."""
    machine = exact_machine(variant_for(_LANGUAGE, _PROTOCOL_VERSION))
    made = []
    for (name, text), side in itertools.product(_PROGRAMS.items(), "AB"):
        flat = encode_flat(parse_program(f"(program 1.1.0 {text})"))
        script = Script.decode(flat, _LANGUAGE, _PROTOCOL_VERSION)
        outcome = machine.evaluate(script, ExUnits(10**12, 10**9))
        made.append(
            Cell(
                id=f"{name} {side}",
                experiment="builtins",
                operation=name,
                flat=flat,
                steps=outcome.steps,
                builtins=outcome.builtins,
                language=_LANGUAGE.value,
                protocol_version=_PROTOCOL_VERSION,
            )
        )
    return tuple(made)


def _judge(run: Run, steal: float | None) -> Trial:
    outcome = session_outcome(run.manifest)
    yardsticks = yardsticks_for(run.design.settings.evaluator)
    means = process_means(run.samples(), yardsticks=yardsticks).reindex([cell.id for cell in run.design.cells])
    a, b = (means.loc[[f"{name} {side}" for name in _PROGRAMS]].to_numpy() for side in "AB")
    ratios = (a - b)[np.isfinite(a - b)]
    widths = estimate(means, scale_ns=1.0)["half_width"].to_numpy()
    known = len(ratios) == PROCESSES * len(_PROGRAMS) and bool(np.isfinite(widths).all())
    return Trial(
        seconds=outcome.seconds,
        processes=outcome.processes,
        noise=math.sqrt(float(np.mean(np.square(ratios)))) if known else None,
        precision=float(np.median(widths)) if known else None,
        worst_precision=float(widths.max()) if known else None,
        gap=float(np.median(_gaps(run) or [1.0])),
        discards=outcome.discard_rate,
        steal=steal,
    )


def _gaps(run: Run) -> list[float]:
    """The share of each block's spin probe that was lost, from the trace."""
    messages = (decode_json(line, Message, MESSAGES) for line in (run.path / MESSAGES).read_bytes().splitlines())
    return [convert_value(one.fields["gap_share"], float, MESSAGES) for one in messages if one.kind == "block"]


def _core_time(host: Host, core: int) -> Sequence[int]:
    """Clock ticks of a core by kind, from /proc/stat (proc(5)): the eighth is steal; empty where there are none."""
    for text in (line(host.proc / "stat") or "").splitlines():
        name, *counts = text.split()
        if name == f"cpu{core}" and len(counts) >= 8:
            return [int(count) for count in counts[:8]]
    return ()


def _stolen(before: Sequence[int], after: Sequence[int]) -> float | None:
    if not before or not after or sum(after) <= sum(before):
        return None
    return (after[7] - before[7]) / (sum(after) - sum(before))


def trial_checks(trial: Trial, core: int) -> list[MachineCheck]:
    """The trial's figures as checks."""
    neighbours = f"keep other work off core {core}, or measure on another: --core N"
    return [
        MachineCheck("steal", CheckVerdict.UNSEEN, "the kernel does not count it")
        if trial.steal is None
        else _limited("steal", trial.steal, 0.01, 0.10, "of the core's time, by its own count", neighbours),
        _limited("gaps", trial.gap, 0.02, 0.10, "of the spin probe lost in gaps", neighbours),
        _limited("discards", trial.discards, 0.10, 0.50, "of the batches disturbed", neighbours),
        _noise(trial.noise, "noise", 0.005, 0.02, "between A and B, which are the same (rms)", neighbours),
        _noise(
            trial.precision,
            "precision",
            0.02,
            0.05,
            f"after {PROCESSES} processes (median half-width of 95 % intervals)"
            + (f", ±{trial.worst_precision:.2%} for the worst cell" if trial.worst_precision is not None else ""),
            "measure for longer (--time-budget of measure); processes differ, so see to turbo, governor and neighbours",
        ),
    ]


def _noise(value: float | None, name: str, fair: float, poor: float, what: str, advice: str) -> MachineCheck:
    if value is None:
        return MachineCheck(name, CheckVerdict.UNSEEN, "not to be told: too few clean batches", advice)
    return _limited(name, value, fair, poor, what, advice)


def _limited(name: str, value: float, fair: float, poor: float, what: str, advice: str) -> MachineCheck:
    """Well up to `fair`, bad beyond `poor`."""
    verdict = CheckVerdict.OK if value <= fair else CheckVerdict.WARN if value <= poor else CheckVerdict.BAD
    sign = "±" if name == "precision" else ""
    return MachineCheck(name, verdict, f"{sign}{value:.2%} {what}", "" if verdict is CheckVerdict.OK else advice)
