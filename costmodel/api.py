"""calibrate from Python: evaluate, open runs, fit, predict, compare, and see what a model changes.

    from costmodel import api as calibrate

These functions and the types that they give back keep their names and meanings between minor versions; everything else
in `costmodel` may change. What goes wrong raises one of `costmodel.errors`, whose text is one line for the user. Times
are in nanoseconds, prices in picoseconds.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costmodel.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow.compute as pc

    from costmodel.batches import Comparison
    from costmodel.fit import Fit
    from costmodel.impact.run import Progress
    from costmodel.model import CostModel
    from costmodel.records.evaluation import EvaluationDocument
    from costmodel.records.impact import Impact
    from costmodel.runs.store import Run
    from costmodel.trace import Trace
    from costmodel.workloads.rows import Spreader

Name = str | os.PathLike[str]

__all__ = ["compare", "evaluate", "fit", "impact", "load_model", "open_run", "predict", "samples"]


def evaluate(
    program: Name,
    arguments: Sequence[str] = (),
    *,
    language: str | None = None,
    script: str | None = None,
    protocol_version: int = 11,
    cost_model: Sequence[Name] = ("ledger",),
    budget: tuple[int, int] | None = None,
    trace: Trace | None = None,
) -> EvaluationDocument:
    """Evaluate one program under a cost model, as the ledger does.

    `program` is a file in any form that `calibrate eval` takes; `script` names one of several in it. `arguments` are
    Data: CBOR in hexadecimal, or files of it. `cost_model` is the ledger's, a variant's letter, `epoch:N`, or files.
    `budget` is CPU in picoseconds and memory in words.

    A program that fails is a result, with its `status`. InputError or DecodeError for what cannot be read, ModelError
    for a cost model that cannot.
    """
    from costmodel.model import ExUnits
    from costmodel.trace import SILENT
    from costmodel.workloads.evaluation import PLENTY, evaluated

    return evaluated(
        Path(program),
        arguments,
        language=language,
        script=script,
        protocol_version=protocol_version,
        cost_model=[os.fspath(each) for each in cost_model],
        budget=ExUnits(*budget) if budget else PLENTY,
        trace=trace or SILENT,
    )


def open_run(path: Name) -> Run:
    """A run folder: its `manifest` and `design`, `samples()` as a pandas frame, and `verify()` against its checksums.

    InputError where it is no run, is damaged, or comes from a later version.
    """
    from costmodel.runs.store import Run

    return Run.open(Path(path))


def samples(
    runs: Iterable[Name], columns: Sequence[str] | None = None, filters: pc.Expression | None = None
) -> pd.DataFrame:
    """The samples of several runs as one pandas frame, with a column `run`.

    `filters` is a pyarrow expression such as `pc.field("operation") == "addInteger"`; what it excludes is not loaded,
    nor are columns beside the named ones. docs/reference/formats.md lists the columns.
    """
    from costmodel.runs.store import open_runs

    frame: pd.DataFrame = open_runs([Path(run) for run in runs]).to_table(columns=columns, filter=filters).to_pandas()
    return frame


def fit(
    runs: Iterable[Name],
    *,
    language: str = "PlutusV3",
    protocol_version: int = 11,
    seed: int = 0,
    rounding: str = "joint",
    coverage: float | None = None,
    compare_shapes: bool = False,
    safety_factor: float = 2.0,
    allow: Collection[str] = (),
    margins: Sequence[str] = (),
    worst: Iterable[Name] = (),
) -> Fit:
    """Fit a cost model to complete runs of one machine.

    The options are those of `calibrate fit`: `compare_shapes` is `--shape free`, `margins` are texts such as `20%` or
    `add*=interval`, and `worst` names searches whose witnesses the margin `worst` charges.

    `section` of the result has every figure with its interval and flags, and the verdict, which is yours to look at:
    the command line refuses to write a model that cannot be used, this function does not. `write(path)` writes it.
    InputError for runs that do not fit together, or with too little clean data.
    """
    from costmodel.fit import Rounding, fit_runs
    from costmodel.fit.margin import WORST, parse_margins
    from costmodel.fit.witnesses import read_search, witnesses_of
    from costmodel.model import variant_for
    from costmodel.plutus import language_named

    variant = variant_for(language_named(language), protocol_version)
    rules = parse_margins(margins)
    if rounding not in tuple(Rounding):
        raise InputError(f"--rounding {rounding!r} is unknown; use {' or '.join(Rounding)}")
    searches = [os.fspath(each) for each in worst]
    if searches and not any(each.kind == WORST for each in rules):
        raise InputError("--worst says whose witnesses are charged; add --margin worst to charge them")
    opened = [open_run(run) for run in runs]
    if not opened:
        raise InputError("name runs to fit")
    return fit_runs(
        opened,
        variant=variant,
        seed=seed,
        rounding=Rounding(rounding),
        coverage=coverage,
        compare_shapes=compare_shapes,
        factor=safety_factor,
        allowed=tuple(allow),
        margins=rules,
        witnesses=[
            each for path in searches for each in witnesses_of(read_search(Path(path)), opened[0].manifest, path)
        ],
    )


def load_model(*paths: Name) -> CostModel:
    """A fitted model, or upstream's builtin and machine costs from two files. ModelError where they are none."""
    from costmodel.model import load

    return load([Path(path) for path in paths])


def predict(model: CostModel, workload: str = "secp", **options: Any) -> pd.DataFrame:
    """What a model predicts for the programs of a workload (named as for `calibrate validate`).

    A row for each program and `work`: evaluate, and call where the model has call costs. Columns: program, work, ns,
    low and high, cpu and mem. The interval is a 95 % one, for programs that the model was not fitted to; it has no
    width where the model states no uncertainty. cpu and mem are ExUnits under the ledger's model. `options` go to the
    workload: loop_counts, protocol_version, sample, seed.
    """
    import pandas as pd

    from costmodel.predict import counts, fitted
    from costmodel.workloads import find_workload

    section = fitted.Fitted.of(model)
    rows = []
    for each in counts.predict(model, find_workload(workload, **options).programs):
        evaluation = fitted.predicted_evaluation(each, section)
        times = {"evaluate": evaluation}
        if section is not None:
            times["call"] = fitted.predicted_call(each, evaluation, section)
        for work, time in times.items():
            ns, low, high = time.expected()
            rows.append((each.program.label, work, ns, low, high, each.ex_units.cpu, each.ex_units.mem))
    return pd.DataFrame(rows, columns=["program", "work", "ns", "low", "high", "cpu", "mem"])


def impact(
    before: Name,
    after: Name,
    corpus: Name,
    *,
    blocks: tuple[int, int] | None = None,
    epoch: int | None = None,
    overlay: Sequence[Name] = (),
    out: Name | None = None,
    record: Name | None = None,
    most: int = 10,
    jobs: int | None = None,
    spreader: Spreader | None = None,
    progress: Progress | None = None,
    trace: Trace | None = None,
    command_line: Sequence[str] = (),
) -> Impact:
    """What cost model `after` changes compared with `before` on real scripts: units, fees, limits, who breaks.

    Models and corpus are named as for `calibrate impact`, and options mean the same: `blocks` are the first and the
    last of a database, `overlay` files change the epoch's parameters, `out` is a Parquet file with a row for each
    evaluation, `record` one of usages. Rows are priced by `jobs` processes, one for each core unless told otherwise, or
    wherever `spreader` has them priced. `command_line` is what the result's provenance shows.
    """
    import msgspec

    from costmodel import __version__
    from costmodel.impact import run
    from costmodel.model.sources import open_source
    from costmodel.records.impact import ImpactProvenance
    from costmodel.runs.store import file_fact
    from costmodel.trace import SILENT
    from costmodel.workloads.rows import processes

    sources = open_source([os.fspath(before)]), open_source([os.fspath(after)])
    opened = run.open_corpus(os.fspath(corpus), blocks)
    terms = run.terms_at(epoch, tuple(Path(each) for each in overlay))
    here = processes(jobs or len(os.sched_getaffinity(0))) if spreader is None else nullcontext(spreader)
    with here as chosen:
        found = run.impact(
            *sources,
            opened,
            terms=terms,
            spreader=chosen,
            out=None if out is None else os.fspath(out),
            record=None if record is None else os.fspath(record),
            most=most,
            progress=progress or (lambda done, total: None),
            trace=trace or SILENT,
        )
    files = dict.fromkeys(os.fspath(each) for each in (before, after, *opened.rows.files, *overlay))
    provenance = ImpactProvenance(
        tool_version=__version__,
        command_line=tuple(command_line),
        inputs={name: file_fact(Path(name)) for name in files if Path(name).is_file()},
    )
    return msgspec.structs.replace(found, provenance=provenance)


def compare(batches: Sequence[Name], against: Sequence[Name], *, tolerance: float = 0.01) -> Comparison:
    """Compare batches of runs, each a folder of runs or a pattern; changes within `tolerance` count as unchanged."""
    from costmodel.batches import compare, select

    return compare(
        select([os.fspath(each) for each in batches]),
        select([os.fspath(each) for each in against]),
        tolerance=tolerance,
    )
