"""From files to a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.report.clusters import cluster_flags, cluster_sections
from costmodel.report.documents import Cluster, Comparison, Document, Drift, Model, Verdict, read_document
from costmodel.report.models import model_flags, model_sections
from costmodel.report.page_model import LEVELS, Flagged, Page, Plot, Section
from costmodel.report.run_summary import Runs, read_runs
from costmodel.report.runs import run_flags, run_sections
from costmodel.report.verdicts import (
    comparison_flags,
    comparison_sections,
    drift_flags,
    drift_sections,
    verdict_flags,
    verdict_sections,
)


def assemble(paths: Sequence[Path]) -> Page:
    """A page about runs, folders of runs, models, and what `validate`, `compare` and `cluster` wrote.

    What is flagged is sorted by how much it matters. InputError where a path is none of these.
    """
    if not paths:
        raise InputError("a report is about something: name runs, models, or what validate, compare or cluster wrote")
    sources: list[Document | Runs] = [read_document(path) for path in paths if not path.is_dir()]
    # Runs named one by one are looked at together, as those of a folder are.
    folders = [path for path in paths if path.is_dir()]
    sources += [read_runs(folders)] if folders else []
    flagged = sorted((flag for each in sources for flag in _flags(each)), key=lambda flag: LEVELS.index(flag.level))
    sections = _named_apart([section for each in sources for section in _sections(each)])
    return Page(_title(paths), __version__, tuple(flagged), sections)


def _named_apart(sections: Sequence[Section]) -> tuple[Section, ...]:
    """The sections with plots of different names: files of the same name, or models of the same builtins, may not."""
    seen: Counter[str] = Counter()

    def named(plots: tuple[Plot, ...]) -> tuple[Plot, ...]:
        return tuple(replace(plot, name=name(plot.name)) for plot in plots)

    def name(wanted: str) -> str:
        seen[wanted] += 1
        return wanted if seen[wanted] == 1 else name(f"{wanted}-{seen[wanted]}")

    return tuple(
        replace(
            section,
            plots=named(section.plots),
            folds=tuple(replace(fold, plots=named(fold.plots)) for fold in section.folds),
        )
        for section in sections
    )


def _title(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(path.resolve().name for path in paths[:3]) + more


def _flags(source: Document | Runs) -> Iterator[Flagged]:
    match source:
        case Model():
            return model_flags(source)
        case Verdict():
            return verdict_flags(source)
        case Comparison():
            return comparison_flags(source)
        case Drift():
            return drift_flags(source)
        case Cluster():
            return cluster_flags(source)
        case _:
            return run_flags(source)


def _sections(source: Document | Runs) -> Iterator[Section]:
    match source:
        case Model():
            return model_sections(source)
        case Verdict():
            return verdict_sections(source)
        case Comparison():
            return comparison_sections(source)
        case Drift():
            return drift_sections(source)
        case Cluster():
            return cluster_sections(source)
        case _:
            return run_sections(source)
