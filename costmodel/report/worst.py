"""Section about worst inputs: what a price does not cover, with its witnesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from costmodel.records.worst import Worst
from costmodel.rendering import numbers
from costmodel.rendering.worst import (
    again_table,
    beside_one_another,
    conclusion,
    differences_table,
    matters_table,
    over_evaluators_table,
    worst_table,
)
from costmodel.report.page_model import Conclusion, Flagged, Section

_UNDERPRICED: Final = 1.0


def worst_flags(found: Worst) -> Iterator[Flagged]:
    """Prices whose whole interval lies above what is charged."""
    for find in found.finds:
        low = find.ratio.interval[0]
        if low is not None and low > (found.max_ratio or _UNDERPRICED):
            text = f"a witness takes {numbers.ratio(find.ratio.value)} of its charge, {find.reach.how}"
            yield Flagged("warning", "worst input", find.price, text, (find.ratio.value or 0.0) - 1)


def worst_conclusion(found: Worst) -> Conclusion:
    """The worst of all."""
    if not found.finds:
        return Conclusion("info", "no worst input was proved")
    first = found.finds[0]
    ratio = f"{numbers.ratio(first.ratio.value)} ({numbers.interval(*first.ratio.interval)})"
    text = f"the worst input found takes {ratio} of its charge, at {first.price}"
    return Conclusion(found.status or "info", text)


def over_evaluators_section(searches: Sequence[Worst]) -> Section:
    """For each price the worst of several searches."""
    found = beside_one_another(searches)
    intro = "For each price the evaluator whose witness takes longest for its charge, and the ratio of each."
    return Section(
        "Worst inputs over evaluators", " ".join((intro, *found.notes)), tables=(over_evaluators_table(found),)
    )


def worst_sections(name: str, found: Worst) -> Iterator[Section]:
    """A line for each price, and what makes its witness slow."""
    tables = [worst_table(found), matters_table(found)] if found.finds else []
    if found.again is not None:
        tables.insert(1, again_table(found))
    if found.differences:
        tables.append(differences_table(found))
    yield Section(f"Worst inputs of {name}", " · ".join(conclusion(found)), tables=tuple(tables))
