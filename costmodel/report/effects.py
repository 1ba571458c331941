"""Sections about what prices do: the impact of a model on real scripts, and evaluators compared price by price."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from costmodel.records.evaluator import Parity, Price
from costmodel.records.impact import Impact
from costmodel.rendering import numbers
from costmodel.rendering.tables import Row, Table, change_cell, count_cell, number, ratio_cell, share_cell, time_cell
from costmodel.report.charts import SERIES, Axis, Chart, Mark, Panel, scale_for, values
from costmodel.report.page_model import Conclusion, Flagged, Plot, Section

_MOST: Final = 20  # of what is listed worst first


def impact_flags(impact: Impact) -> Iterator[Flagged]:
    """Evaluations that would break."""
    for each in impact.most_affected:
        if each.breaks:
            text = f"takes {numbers.percent(each.share_after)} of a transaction's limit: {', '.join(each.breaks)}"
            yield Flagged("error", "breaks", each.id, text, each.share_after)


def impact_conclusion(impact: Impact) -> Conclusion:
    """Who breaks."""
    broken = impact.newly_over_limit + impact.newly_over_declared + impact.newly_failing
    change = _ratio(impact.totals_after.fee, impact.totals_before.fee)
    fees = "" if change is None else f", and fees change by {numbers.change(change)}"
    scripts = f"{broken:,} of {impact.priced:,} evaluations"
    if broken:
        return Conclusion("fail", f"{impact.after} breaks {scripts} of {impact.corpus}{fees}")
    return Conclusion("pass", f"{impact.after} breaks none of {impact.priced:,} evaluations of {impact.corpus}{fees}")


def impact_sections(name: str, impact: Impact) -> Iterator[Section]:
    """Totals, what each price contributes, and the evaluations that are affected most."""
    before, after = impact.totals_before, impact.totals_after
    totals: list[Row] = [
        (what, count_cell(old), count_cell(new), change_cell(_ratio(new, old)))
        for what, old, new in (
            ("CPU (ps)", before.units[0], after.units[0]),
            ("memory (words)", before.units[1], after.units[1]),
            ("fees (lovelace)", before.fee, after.fee),
        )
    ]
    shares: list[Row] = [
        (each.price, count_cell(each.change[0]), count_cell(each.change[1])) for each in impact.attribution[:_MOST]
    ]
    affected: list[Row] = [
        (
            each.id,
            ", ".join(each.breaks) or "nothing",
            count_cell(each.fee_before),
            count_cell(each.fee_after),
            share_cell(each.share_after),
        )
        for each in impact.most_affected[:_MOST]
    ]
    columns = ("evaluation", "breaks", *map(number, ("fee before", "fee after", "of the limit")))
    yield Section(
        f"Impact on real scripts: {name}",
        f"{impact.after} compared with {impact.before} on {impact.corpus}: {impact.priced:,} of {impact.rows:,} "
        "evaluations priced.",
        tables=(
            Table.of("All evaluations", ("total", *map(number, ("before", "after", "change"))), totals),
            Table.of("Change by price", ("price", *map(number, ("CPU (ps)", "memory (words)"))), shares),
            Table.of("Evaluations that are affected most", columns, affected),
        ),
    )


def parity_flags(parity: Parity) -> Iterator[Flagged]:
    """Prices that are too low for an evaluator."""
    worst = {price.name: price.needed_over_charged for price in reversed(parity.prices)}
    for node, names in parity.underpriced.items():
        for name in names:
            factor = worst.get(name, 1.0)
            text = f"is too cheap for {node}: the price would have to be {factor:.3g} times as high"
            yield Flagged("warning", "underpriced", name, text, factor - 1)
    for note in parity.notes:
        yield Flagged("info", "note", "parity", note)


def parity_conclusion(parity: Parity) -> Conclusion:
    """Whether every evaluator keeps up."""
    slow = [f"{node} ({len(names)})" for node, names in parity.underpriced.items() if names]
    if slow:
        return Conclusion("fail", f"prices of {parity.against} are too low for {', '.join(slow)}")
    return Conclusion("pass", f"no price of {parity.against} is too low for any of {len(parity.nodes)} evaluators")


def parity_sections(name: str, parity: Parity) -> Iterator[Section]:
    """Prices, the one that would have to rise most first."""
    shown = parity.prices[:_MOST]
    nodes = [node.name for node in parity.nodes]
    columns = ("price", "sizes", number("needed / charged"), number("charged"), *map(number, nodes))
    rows: list[Row] = []
    for price in parity.prices:
        times = {time.node: time.ps for time in price.times}
        rows.append(
            (
                price.name,
                numbers.sizes(price.sizes),
                ratio_cell(price.needed_over_charged),
                time_cell(price.charged_ps),
                *(time_cell(times.get(node)) for node in nodes),
            )
        )
    words = f"The {len(shown)} prices that would have to rise most; time over charge of {len(nodes)} evaluators."
    plots = (Plot(f"parity-{name}", "Time over charge by evaluator", words, _parity_chart(shown, nodes)),)
    yield Section(
        f"Evaluators compared: {name}",
        f"Against the prices of {parity.against}.",
        plots if shown else (),
        (Table.of("Prices", columns, rows),),
    )


def _parity_chart(prices: tuple[Price, ...], nodes: list[str]) -> Chart:
    marks = [Mark("rule", "ink", x=(1.0,), dashed=True, label="charged")]
    every = [1.0]
    for ink, node in zip(SERIES, nodes, strict=False):
        found = [
            (time.over_charge, len(prices) - place)
            for place, price in enumerate(prices)
            for time in price.times
            if time.node == node
        ]
        every += [ratio for ratio, _ in found]
        texts = tuple(f"{node}: {numbers.ratio(ratio)}" for ratio, _ in found)
        x, y = values(ratio for ratio, _ in found), values(place for _, place in found)
        marks.append(Mark("rows", ink, x=x, y=y, label=node, texts=texts))
    names = tuple(
        (float(len(prices) - place), f"{price.name} {numbers.sizes(price.sizes)}") for place, price in enumerate(prices)
    )
    x_axis = Axis("time over charge", scale_for(every))
    return Chart((Panel(x_axis, Axis("", names=names), tuple(marks)),), 70 + 20 * len(prices))


def _ratio(after: float, before: float) -> float | None:
    return after / before - 1 if before else None
