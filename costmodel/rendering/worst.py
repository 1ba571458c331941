"""How the proof of worst inputs looks, in a terminal as on a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from costmodel.records.figures import EstimateRecord
from costmodel.records.worst import EvaluatorRatio, Find, Matter, Worst, WorstOverEvaluators, WorstPrice
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, TableCell, number, ratio_cell, time_cell, wide

_MATTERS = 0.9  # of the ratio: a parameter without which more than this is left is not named in a line


def worst_table(found: Worst) -> Table:
    """A line for each price, the worst first."""
    columns = (
        "price",
        number("ratio"),
        "95 % interval",
        number("ordinary"),
        wide(number("over ordinary")),
        wide(number("time")),
        wide(number("charge")),
        number("full block"),
        number("₳ per second"),
        "what matters",
        wide("reach"),
        wide("witness"),
    )
    return Table.of("Worst inputs", columns, [_row(find, found.max_ratio) for find in found.finds])


def _row(find: Find, limit: float | None) -> tuple[TableCell | str, ...]:
    low, high = find.ratio.interval
    status = "" if limit is None or low is None else ("fail" if low > limit else "")
    block = find.block_seconds.value if find.block_seconds else None
    return (
        find.price,
        ratio_cell(find.ratio.value, status),
        numbers.interval(low, high),
        ratio_cell(_value(find.ordinary)),
        ratio_cell(_value(find.over_ordinary)),
        time_cell(find.time_ps),
        time_cell(find.charge_ps),
        time_cell(None if block is None else block * 1e12),
        _ada(find.lovelace_per_second),
        what_matters(find.matters),
        "one transaction" if find.reach.reachable else "not reachable",
        find.witness,
    )


def beside_one_another(searches: Sequence[Worst]) -> WorstOverEvaluators:
    """For each price the ratios of all searches that proved one, the worst price first."""
    labels = _labels(searches)
    found: dict[str, list[EvaluatorRatio]] = {}
    for label, search in zip(labels, searches, strict=True):
        for find in search.finds:
            entry = EvaluatorRatio(
                evaluator=label,
                ratio=find.ratio,
                block_seconds=None if find.block_seconds is None else find.block_seconds.value,
                witness=find.witness,
                run=search.run,
            )
            found.setdefault(find.price, []).append(entry)
    prices = [
        WorstPrice(price=price, ratios=tuple(sorted(ratios, key=lambda each: -(each.ratio.value or 0.0))))
        for price, ratios in found.items()
    ]
    models = sorted({search.model for search in searches})
    notes = [] if len(models) == 1 else [f"the searches charge different prices: {', '.join(models)}"]
    machines = {search.machine for search in searches}
    if len(machines) > 1:
        notes.append("the searches were made on different machines; each ratio is over the scale of its own")
    return WorstOverEvaluators(
        evaluators=labels,
        prices=tuple(sorted(prices, key=lambda each: -(each.ratios[0].ratio.value or 0.0))),
        notes=tuple(notes),
    )


def _labels(searches: Sequence[Worst]) -> tuple[str, ...]:
    """A name for each search: its evaluator's, with version and run where that does not tell them apart."""
    names = [search.evaluator.get("name", "unknown") for search in searches]
    versions = [
        f"{name} {search.evaluator.get('version', '')}".strip() for name, search in zip(names, searches, strict=True)
    ]
    labels = []
    for name, version, search in zip(names, versions, searches, strict=True):
        if Counter(names)[name] == 1:
            labels.append(name)
        else:
            labels.append(version if Counter(versions)[version] == 1 else f"{version} ({Path(search.run).name})")
    return tuple(labels)


def over_evaluators_table(found: WorstOverEvaluators) -> Table:
    """A line for each price: the worst of all evaluators, and the ratio of each."""
    columns = (
        "price",
        number("worst"),
        "95 % interval",
        "on",
        number("full block"),
        *map(number, found.evaluators),
    )
    rows = []
    for each in found.prices:
        worst, by_name = each.ratios[0], {ratio.evaluator: ratio.ratio.value for ratio in each.ratios}
        rows.append(
            (
                each.price,
                ratio_cell(worst.ratio.value),
                numbers.interval(*worst.ratio.interval),
                worst.evaluator,
                time_cell(None if worst.block_seconds is None else worst.block_seconds * 1e12),
                *(ratio_cell(by_name.get(name)) for name in found.evaluators),
            )
        )
    return Table.of("Worst inputs over evaluators", columns, rows)


def _value(estimate: EstimateRecord | None) -> float | None:
    return None if estimate is None else estimate.value


def _ada(lovelace: float | None) -> TableCell:
    ada = None if lovelace is None else lovelace / 1e6
    return TableCell(numbers.MISSING if ada is None else f"{ada:,.2f}", ada)


def what_matters(matters: tuple[Matter, ...]) -> str:
    """The parameters without which a good part of the ratio is lost."""
    needed = [each for each in matters if each.without < _MATTERS]
    return "; ".join(f"{each.parameter}: {each.value}" for each in needed[:3]) or "sizes as ordinary"


def matters_table(found: Worst) -> Table:
    """What every witness needs, and how much of the ratio is left without it."""
    rows = [
        (
            find.price,
            each.parameter,
            each.value,
            each.plain,
            TableCell(numbers.percent(each.without), each.without),
            TableCell(numbers.percent(find.importance.get(each.parameter)), find.importance.get(each.parameter)),
        )
        for find in found.finds
        for each in find.matters
    ]
    columns = ("price", "parameter", "value", "plainest", number("ratio left without"), wide(number("importance")))
    return Table.of("What makes them slow", columns, rows)


def again_table(found: Worst) -> Table:
    """Each ratio beside that of the search whose witnesses were timed again."""
    rows = [
        (
            find.price,
            ratio_cell(find.earlier.value),
            numbers.interval(*find.earlier.interval),
            ratio_cell(find.ratio.value),
            numbers.interval(*find.ratio.interval),
            ratio_cell(_value(find.over_earlier)),
            numbers.interval(*find.over_earlier.interval),
            TableCell("yes") if _same(find) else TableCell("no", status="warning"),
        )
        for find in found.finds
        if find.earlier and find.over_earlier
    ]
    columns = (
        "price",
        number("earlier"),
        wide("its interval"),
        number("again"),
        wide("its interval "),
        number("again over earlier"),
        "95 % interval",
        "same",
    )
    return Table.of("Timed again", columns, rows)


def _same(find: Find) -> bool:
    """Whether chance explains how far a ratio is from the earlier one."""
    low, high = find.over_earlier.interval if find.over_earlier else (None, None)
    return (low is None or low <= 1) and (high is None or high >= 1)


def differences_table(found: Worst) -> Table:
    """Inputs on which the evaluator differs from the exact machine."""
    rows = [(each.target, each.told, each.file) for each in found.differences]
    return Table.of("Different from the exact machine", ("price", "how", "program"), rows)


def conclusion(found: Worst) -> list[str]:
    """Lines that follow the tables."""
    name = found.evaluator.get("name", "the evaluator")
    tried = f"{numbers.plural(found.trials, 'input')} tried" if found.again is None else "timed again"
    timed = f"{numbers.percent(found.timed_share)} of it timed"
    lines = [f"{tried} on {name} in {found.seconds:.0f} s, {timed}; prices of {found.model}"]
    if found.again is not None:
        same = sum(_same(find) for find in found.finds)
        lines.append(f"{same} of {len(found.finds)} ratios are those of {found.again}, within their 95 % intervals")
    if found.finds:
        lines.append(f"ratios are time over charge, over {found.scale:.4g}: {found.scale_from}")
    for price, reason in found.left_out.items():
        lines.append(f"{price} is left out: {reason}")
    if found.status is not None:
        told = {
            "pass": "no price is above",
            "fail": "a price is above",
            "inconclusive": "it is not known whether all prices keep",
        }
        lines.append(f"{found.status}: {told[found.status]} the ratio {found.max_ratio:g}")
    lines.append(f"run: {found.run}")
    return lines
