"""From files to a page that answers first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from costmodel import __version__
from costmodel.errors import InputError
from costmodel.model import CostModel
from costmodel.records.cluster import Cluster
from costmodel.records.comparison import ComparisonDocument
from costmodel.records.drift import Drift
from costmodel.records.evaluator import Parity
from costmodel.records.impact import Impact
from costmodel.records.proposal import Proposal
from costmodel.records.validation import ValidationDocument
from costmodel.records.worst import WORST, Worst
from costmodel.rendering import numbers
from costmodel.report.clusters import cluster_conclusion, cluster_flags, cluster_sections
from costmodel.report.documents import READABLE, Document, Model, read_document
from costmodel.report.effects import (
    impact_conclusion,
    impact_flags,
    impact_sections,
    parity_conclusion,
    parity_flags,
    parity_sections,
)
from costmodel.report.models import (
    model_conclusions,
    model_facts,
    model_figures,
    model_flags,
    model_lead,
    model_sections,
)
from costmodel.report.page_model import (
    LEVELS,
    Conclusion,
    Flagged,
    Headline,
    KeyFigure,
    Page,
    Plot,
    PriceTrial,
    Section,
)
from costmodel.report.proposals import proposal_conclusions, proposal_flags, proposal_sections
from costmodel.report.run_summary import Runs, read_runs
from costmodel.report.runs import run_conclusion, run_facts, run_figures, run_flags, run_sections
from costmodel.report.trial import trial_of
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
from costmodel.report.worst import over_evaluators_section, worst_conclusion, worst_flags, worst_sections


class PageSource(NamedTuple):
    """What a page is about: something that was read, and the name of its file."""

    name: str
    content: Document | Runs


# The key figures, and what gives one where the sources do not.
_FIGURES: Final = {
    "flags": KeyFigure("Material flags", "–", "name a fitted model"),
    "accuracy": KeyFigure("Accuracy on contracts", "–", "name the JSON of calibrate validate"),
    "precision": KeyFigure("Precision", "–", "name a run or a fitted model"),
    "noise": KeyFigure("Noise", "–", "name a run or a fitted model"),
}


def assemble(paths: Sequence[Path]) -> Page:
    """A page about runs, folders of runs, searches, models, and what `validate` and other commands wrote.

    What needs attention is sorted by level and effect. InputError where a path is none of these.
    """
    if not paths:
        raise InputError(f"nothing to report on; name {READABLE}")
    searched = [path / WORST if (path / WORST).is_file() else path for path in paths]
    sources = [PageSource(path.name, read_document(path)) for path in searched if not path.is_dir()]
    # What was found of a model comes before the model.
    sources.sort(key=lambda source: isinstance(source.content, Model))
    # Runs named one by one are looked at together, as those of a folder are.
    folders = [path for path in searched if path.is_dir()]
    sources += [PageSource("", read_runs(folders))] if folders else []
    flags = [flag for each in sources for flag in _flags(each)]
    flagged = sorted(flags, key=lambda flag: (LEVELS.index(flag.level), -flag.effect))
    leading, lead = _lead(sources)
    # A model without a fit is there to be drawn beside one that has a fit.
    models = [each.content for each in sources if isinstance(each.content, Model)]
    others = [model.costs for model in models if model.section is None]
    sections = [section for each in sources for section in _sections(each, others, lead=each is leading)]
    searches = [content for _, content in sources if isinstance(content, Worst)]
    if len(searches) > 1:
        sections.insert(0, over_evaluators_section(searches))
    # Where things come from matters after what they say.
    sections.sort(key=lambda section: section.title.startswith("Provenance"))
    facts = (*_facts(sources), ("made from", ", ".join(path.resolve().name for path in paths)))
    answer = Headline(_title(sources), facts, _conclusions(sources), _figures(sources), lead)
    trial = _trial(sources)
    return _named_apart(Page(answer, __version__, tuple(flagged), tuple(sections), trial))


def _trial(sources: Sequence[PageSource]) -> PriceTrial | None:
    """The first fitted model's prices to be tried, on the first corpus."""
    contents = [each.content for each in sources]
    impact = next((each for each in contents if isinstance(each, Impact)), None)
    proposal = next((each for each in contents if isinstance(each, Proposal)), None)
    trials = (trial_of(each, impact, proposal) for each in contents if isinstance(each, Model))
    return next((each for each in trials if each is not None), None)


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


def _subject(content: Document | Runs) -> str:
    """What a source is about, in words."""
    match content:
        case Model():
            return "cost model" if content.section else "prices"
        case ValidationDocument():
            return f"predictions of {Path(content.workload).name}"
        case ComparisonDocument():
            return "comparison of runs"
        case Drift():
            return f"drift against {Path(content.baseline).name}"
        case Cluster():
            return f"cluster {content.profile}"
        case Impact():
            return "impact on real scripts"
        case Worst():
            return "worst inputs"
        case Parity():
            return f"{numbers.plural(len(content.nodes), 'evaluator')} compared"
        case Proposal():
            return "proposal of prices"
        case Runs():
            return "a run" if len(content.runs) == 1 else f"{len(content.runs)} runs"


def _title(sources: Sequence[PageSource]) -> str:
    """What the page is about, in words."""
    decided = any(isinstance(each.content, Proposal) for each in sources)
    about = [_subject(content) for _, content in sources if not (decided and isinstance(content, (Model, Impact)))]
    known = sorted(dict.fromkeys(about), key=lambda subject: subject != "cost model")
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    facts = dict(_facts(sources))
    where = " on ".join(facts[name] for name in ("evaluator", "machine") if name in facts)
    shown = known[:3]
    joined = ", ".join(shown) + more if more else " and ".join(filter(None, (", ".join(shown[:-1]), *shown[-1:])))
    text = joined + (f": {where}" if where else "")
    return text[:1].upper() + text[1:]


def _facts(sources: Sequence[PageSource]) -> tuple[tuple[str, str], ...]:
    """Evaluator, machine and date, where the sources know them."""
    known: dict[str, str] = {}
    for _, content in sources:
        if isinstance(content, Model):
            known = dict(model_facts(content)) | known
        elif isinstance(content, Runs):
            known = dict(run_facts(content)) | known
    return tuple(known.items())


def _conclusions(sources: Sequence[PageSource]) -> tuple[Conclusion, ...]:
    """The answers, the worst first."""
    order = ("fail", "inconclusive", "pass", "info")
    decisions = [
        each for _, content in sources if isinstance(content, Proposal) for each in proposal_conclusions(content)
    ]
    # A decision says already what its model and its impact say.
    said = (Model, Impact) if decisions else ()
    found = [each for source in sources if not isinstance(source.content, said) for each in _conclusions_of(source)]
    return (
        *decisions,
        *sorted(found, key=lambda each: order.index(each.status) if each.status in order else len(order)),
    )


def _conclusions_of(source: PageSource) -> Iterator[Conclusion]:
    name, content = source
    match content:
        case Model():
            yield from model_conclusions(content)
        case ValidationDocument():
            yield verdict_conclusion(content)
        case ComparisonDocument():
            yield comparison_conclusion(name, content)
        case Drift():
            yield drift_conclusion(name, content)
        case Cluster():
            yield cluster_conclusion(content)
        case Impact():
            yield impact_conclusion(content)
        case Parity():
            yield parity_conclusion(content)
        case Proposal():
            return  # its decision comes before all others
        case Worst():
            yield worst_conclusion(content)
        case Runs():
            yield run_conclusion(content)


def _figures(sources: Sequence[PageSource]) -> tuple[KeyFigure, ...]:
    known = dict(_FIGURES)
    if verdicts := [content for _, content in sources if isinstance(content, ValidationDocument)]:
        known["accuracy"] = verdict_figure(verdicts)
    # Runs come last, because they know more of noise and precision than the model that was fitted to them.
    for _, content in sources:
        match content:
            case Model():
                known |= dict(model_figures(content))
            case Runs():
                known |= dict(run_figures(content))
            case _:
                pass
    return tuple(known.values())


def _lead(sources: Sequence[PageSource]) -> tuple[PageSource | None, Plot | None]:
    """The plot that the page begins with, and the source that it is about."""
    for kind in (ValidationDocument, Drift, ComparisonDocument, Model):
        for source in sources:
            if isinstance(source.content, kind) and (plot := _lead_of(source)) is not None:
                return source, plot
    return None, None


def _lead_of(source: PageSource) -> Plot | None:
    name, content = source
    match content:
        case ValidationDocument():
            return verdict_lead(name, content)
        case Drift():
            return drift_lead(name, content)
        case ComparisonDocument():
            return comparison_lead(name, content)
        case Model():
            return model_lead(content)
        case _:
            return None


def _flags(source: PageSource) -> Iterator[Flagged]:
    name, content = source
    match content:
        case Model():
            return model_flags(content)
        case ValidationDocument():
            return verdict_flags(name, content)
        case ComparisonDocument():
            return comparison_flags(name, content)
        case Drift():
            return drift_flags(name, content)
        case Cluster():
            return cluster_flags(name, content)
        case Impact():
            return impact_flags(content)
        case Parity():
            return parity_flags(content)
        case Proposal():
            return proposal_flags(content)
        case Worst():
            return worst_flags(content)
        case Runs():
            return run_flags(content)


def _sections(source: PageSource, others: Sequence[CostModel], *, lead: bool) -> Iterator[Section]:
    name, content = source
    match content:
        case Model():
            plot = None if lead else model_lead(content)
            if plot is not None:
                yield Section("Undercharged builtins", plots=(plot,))
            yield from model_sections(content, others)
        case ValidationDocument():
            yield from verdict_sections(name, content, lead=lead)
        case ComparisonDocument():
            yield from comparison_sections(name, content, lead=lead)
        case Drift():
            yield from drift_sections(name, content, lead=lead)
        case Cluster():
            yield from cluster_sections(name, content)
        case Impact():
            yield from impact_sections(name, content)
        case Parity():
            yield from parity_sections(name, content)
        case Proposal():
            yield from proposal_sections(content)
        case Worst():
            yield from worst_sections(name, content)
        case Runs():
            yield from run_sections(content)
