"""From files to a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.report.content import LEVELS, Flagged, Page, Section
from costmodel.report.documents import Comparison, Drift, Model, Source, Verdict, read_source
from costmodel.report.models import model_flags, model_sections
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
    """A page about runs, folders of runs, models, and what `validate` and `compare` wrote.

    What is flagged is sorted by how much it matters. InputError where a path is none of these.
    """
    if not paths:
        raise InputError("a report is about something: name runs, models, or what validate or compare wrote")
    sources = [read_source(path) for path in paths]
    # Runs named one by one are looked at together, as those of a folder are.
    runs = list({run.path.resolve(): run for each in sources if isinstance(each, list) for run in each}.values())
    whole: list[Source] = [each for each in sources if not isinstance(each, list)]
    whole += [runs] if runs else []
    flagged = sorted((flag for each in whole for flag in _flags(each)), key=lambda flag: LEVELS.index(flag.level))
    sections = tuple(section for each in whole for section in _sections(each))
    return Page(_title(paths), __version__, tuple(flagged), sections)


def _title(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(path.resolve().name for path in paths[:3]) + more


def _flags(source: Source) -> Iterator[Flagged]:
    match source:
        case Model():
            return model_flags(source)
        case Verdict():
            return verdict_flags(source)
        case Comparison():
            return comparison_flags(source)
        case Drift():
            return drift_flags(source)
        case _:
            return run_flags(source)


def _sections(source: Source) -> Iterator[Section]:
    match source:
        case Model():
            return model_sections(source)
        case Verdict():
            return verdict_sections(source)
        case Comparison():
            return comparison_sections(source)
        case Drift():
            return drift_sections(source)
        case _:
            return run_sections(source)
