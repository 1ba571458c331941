"""From files to a page that answers first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.model import CostModel
from costmodel.report.clusters import cluster_conclusion, cluster_flags, cluster_sections
from costmodel.report.documents import Cluster, Comparison, Document, Drift, Model, Verdict, read_document
from costmodel.report.models import (
    model_conclusions,
    model_facts,
    model_figures,
    model_flags,
    model_lead,
    model_sections,
)
from costmodel.report.page_model import LEVELS, Answer, Conclusion, Figure, Flagged, Page, Plot, Section
from costmodel.report.run_summary import Runs, read_runs
from costmodel.report.runs import run_conclusion, run_facts, run_figures, run_flags, run_sections
from costmodel.report.verdicts import (
    comparison_conclusion,
    comparison_flags,
    comparison_lead,
    comparison_sections,
    drift_conclusion,
    drift_flags,
    drift_lead,
    drift_sections,
    verdict_conclusion,
    verdict_figure,
    verdict_flags,
    verdict_lead,
    verdict_sections,
)

Source = Document | Runs

# The key figures, and what gives one where the sources do not.
_FIGURES: Final = {
    "flags": Figure("Material flags", "–", "name a fitted model"),
    "accuracy": Figure("Accuracy on contracts", "–", "name the JSON of calibrate validate"),
    "precision": Figure("Precision", "–", "name a run or a fitted model"),
    "noise": Figure("Noise", "–", "name a run or a fitted model"),
}


def assemble(paths: Sequence[Path]) -> Page:
    """A page about runs, folders of runs, models, and what `validate`, `drift`, `compare` and `cluster` wrote.

    What needs attention is sorted by level and effect. InputError where a path is none of these.
    """
    if not paths:
        raise InputError("nothing to report on; name runs, models, or the JSON of validate, drift, compare or cluster")
    sources: list[Source] = [read_document(path) for path in paths if not path.is_dir()]
    # Runs named one by one are looked at together, as those of a folder are.
    folders = [path for path in paths if path.is_dir()]
    sources += [read_runs(folders)] if folders else []
    flags = [flag for each in sources for flag in _flags(each)]
    flagged = sorted(flags, key=lambda flag: (LEVELS.index(flag.level), -flag.effect))
    leading, lead = _lead(sources)
    # A model without a fit is there to be drawn beside one that has a fit.
    others = [each.costs for each in sources if isinstance(each, Model) and each.section is None]
    sections = [section for each in sources for section in _sections(each, others, lead=each is leading)]
    facts = (*_facts(sources), ("made from", ", ".join(path.resolve().name for path in paths)))
    answer = Answer(_title(sources), facts, _conclusions(sources), _figures(sources), lead)
    return _named_apart(Page(answer, __version__, tuple(flagged), tuple(sections)))


def _named_apart(page: Page) -> Page:
    """The page with plots of different names: files of the same name, or models of the same builtins, may have one."""
    seen: Counter[str] = Counter()

    def named(plots: tuple[Plot, ...]) -> tuple[Plot, ...]:
        return tuple(replace(plot, name=name(plot.name)) for plot in plots)

    def name(wanted: str) -> str:
        seen[wanted] += 1
        return wanted if seen[wanted] == 1 else name(f"{wanted}-{seen[wanted]}")

    lead = named((page.answer.lead,))[0] if page.answer.lead is not None else None
    sections = tuple(
        replace(
            section,
            plots=named(section.plots),
            folds=tuple(replace(fold, plots=named(fold.plots)) for fold in section.folds),
        )
        for section in page.sections
    )
    return replace(page, answer=replace(page.answer, lead=lead), sections=sections)


def _title(sources: Sequence[Source]) -> str:
    """What the page is about, in words."""
    about = []
    for source in sources:
        match source:
            case Model():
                about.append("cost model" if source.section else "prices")
            case Verdict():
                about.append(f"predictions of {Path(source.workload).name}")
            case Comparison():
                about.append("comparison of runs")
            case Drift():
                about.append(f"drift against {Path(source.baseline).name}")
            case Cluster():
                about.append(f"cluster {source.profile}")
            case _:
                about.append("a run" if len(source.runs) == 1 else f"{len(source.runs)} runs")
    known = list(dict.fromkeys(about))
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    facts = dict(_facts(sources))
    where = " on ".join(facts[name] for name in ("evaluator", "machine") if name in facts)
    text = ", ".join(known[:3]) + more + (f": {where}" if where else "")
    return text[:1].upper() + text[1:]


def _facts(sources: Sequence[Source]) -> tuple[tuple[str, str], ...]:
    """Evaluator, machine and date, where the sources know them."""
    known: dict[str, str] = {}
    for source in sources:
        found = (
            model_facts(source) if isinstance(source, Model) else run_facts(source) if isinstance(source, Runs) else ()
        )
        for name, fact in found:
            known.setdefault(name, fact)
    return tuple(known.items())


def _conclusions(sources: Sequence[Source]) -> tuple[Conclusion, ...]:
    """The answers, the worst first."""
    order = ("fail", "inconclusive", "pass", "info")
    found = [conclusion for source in sources for conclusion in _conclusions_of(source)]
    return tuple(sorted(found, key=lambda each: order.index(each.status) if each.status in order else len(order)))


def _conclusions_of(source: Source) -> Iterator[Conclusion]:
    match source:
        case Model():
            yield from model_conclusions(source)
        case Verdict():
            yield verdict_conclusion(source)
        case Comparison():
            yield comparison_conclusion(source)
        case Drift():
            yield drift_conclusion(source)
        case Cluster():
            yield cluster_conclusion(source)
        case _:
            yield run_conclusion(source)


def _figures(sources: Sequence[Source]) -> tuple[Figure, ...]:
    known = dict(_FIGURES)
    # Runs come last, because they know more of noise and precision than the model that was fitted to them.
    for source in sources:
        match source:
            case Model():
                known |= dict(model_figures(source))
            case Verdict():
                known["accuracy"] = verdict_figure(source)
            case Runs():
                known |= dict(run_figures(source))
    return tuple(known.values())


def _lead(sources: Sequence[Source]) -> tuple[Source | None, Plot | None]:
    """The plot that the page begins with, and the source that it is about."""
    order = (Verdict, Drift, Comparison, Model)
    ranked = sorted(sources, key=lambda each: order.index(type(each)) if type(each) in order else len(order))
    for source in ranked:
        match source:
            case Verdict():
                plot = verdict_lead(source)
            case Drift():
                plot = drift_lead(source)
            case Comparison():
                plot = comparison_lead(source)
            case Model():
                plot = model_lead(source)
            case _:
                plot = None
        if plot is not None:
            return source, plot
    return None, None


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
        case Cluster():
            return cluster_flags(source)
        case _:
            return run_flags(source)


def _sections(source: Source, others: Sequence[CostModel], *, lead: bool) -> Iterator[Section]:
    match source:
        case Model():
            plot = None if lead else model_lead(source)
            if plot is not None:
                yield Section("Undercharged builtins", plots=(plot,))
            yield from model_sections(source, others)
        case Verdict():
            yield from verdict_sections(source, lead=lead)
        case Comparison():
            yield from comparison_sections(source, lead=lead)
        case Drift():
            yield from drift_sections(source, lead=lead)
        case Cluster():
            yield from cluster_sections(source)
        case _:
            yield from run_sections(source)
