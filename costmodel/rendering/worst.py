"""How the proof of worst inputs looks, in a terminal as on a page."""

from __future__ import annotations

from costmodel.records.figures import EstimateRecord
from costmodel.records.worst import Find, Matter, Worst
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


def differences_table(found: Worst) -> Table:
    """Inputs on which the evaluator differs from the exact machine."""
    rows = [(each.target, each.told, each.file) for each in found.differences]
    return Table.of("Different from the exact machine", ("price", "how", "program"), rows)


def conclusion(found: Worst) -> list[str]:
    """Lines that follow the tables."""
    name = found.evaluator.get("name", "the evaluator")
    tried = f"{numbers.plural(found.trials, 'input')} tried on {name} in {found.seconds:.0f} s"
    lines = [f"{tried}, {numbers.percent(found.timed_share)} of it timed; prices of {found.model}"]
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
