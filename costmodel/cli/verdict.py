"""How a verdict on a model is printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from costmodel.cli.output import percent, stdout, table, time_ns, visible

if TYPE_CHECKING:
    from costmodel.validate import Estimate, Score, Verdict
    from costmodel.validate.attribution import Blame
    from costmodel.validate.gates import GateResult
    from costmodel.validate.summary import Summary
    from costmodel.validate.verdict import Work

_MISSES_SHOWN: Final = 10  # of each way of timing; --json has them all
_COLOURS: Final = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def _row(score: Score) -> tuple[str | Text, ...]:
    status = score.status.value if score.status else ""
    return (
        visible(score.label),
        score.work,
        f"{score.ex_units.cpu:,}",
        f"{score.ex_units.mem:,}",
        time_ns(score.predicted_ns.value),
        time_ns(score.observed_ns.value),
        f"±{percent(_half(score.observed_ns))}",
        f"{score.ratio.value:.3f}",
        f"{score.ratio.low:.3f} … {score.ratio.high:.3f}",
        Text(status, style=_COLOURS.get(status, "")),
    )


def _half(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2 / estimate.value


def show_verdict(verdict: Verdict) -> None:
    """Prints the scores, the summaries with their baselines, the gates, and what all of it amounts to."""
    console = stdout()
    headings = (
        ("program", "left"),
        ("timed", "left"),
        ("ExUnits CPU (ps)", "right"),
        ("memory", "right"),
        ("predicted", "right"),
        ("observed", "right"),
        ("95 %", "right"),
        ("observed/predicted", "right"),
        ("95 %", "right"),
        ("", "left"),
    )
    console.print(table(f"{verdict.workload}: {verdict.model}", headings, [_row(score) for score in verdict.scores]))
    console.print()
    for note in verdict.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    for score in verdict.scores:
        if score.uncertain:
            console.print(f"uncertain: {score.label} ({score.work}): {score.uncertain}", markup=False, soft_wrap=True)
    _show_works(verdict.works)
    console.print(f"{verdict.status.value}: {_GATES_SAY[verdict.status.value]}")
    console.print(f"run: {verdict.run}", markup=False, soft_wrap=True)


def _show_works(works: Sequence[Work]) -> None:
    console = stdout()
    rows = []
    for work in works:
        rows.append(_summary_row(work.summary, "the model"))
        rows += [_summary_row(baseline.summary, baseline.name) for baseline in work.baselines]
    headings = (
        ("timed", "left"),
        ("predicted by", "left"),
        ("median |o/p − 1|", "right"),
        ("95th percentile", "right"),
        ("spread", "right"),
        ("slope", "right"),
        ("R²", "right"),
        ("most undercharged", "left"),
        ("most overcharged", "left"),
    )
    console.print()
    console.print(table(None, headings, rows))
    console.print()
    _show_misses(works)
    _show_margins(works)
    gates = [_gate_row(gate) for work in works for gate in work.gates]
    console.print(table(None, (("gate", "left"), ("timed", "left"), *_GATE_HEADINGS), gates))


def _show_misses(works: Sequence[Work]) -> None:
    rows = []
    for work in works:
        for miss in work.misses[:_MISSES_SHOWN]:
            blames = ", ".join(_blame(blame) for blame in miss.blames)
            rest = "" if miss.unexplained is None else f"{100 * miss.unexplained:+.1f} %"
            rows.append((visible(miss.program), work.summary.work, f"{miss.ratio:.3f}", blames, rest))
    if rows:
        headings = (
            ("large miss", "left"),
            ("timed", "left"),
            ("observed/predicted", "right"),
            ("prices that may be off (of the observed time)", "left"),
            ("unexplained", "right"),
        )
        stdout().print(table(None, headings, rows))
        stdout().print()


def _show_margins(works: Sequence[Work]) -> None:
    found = [(work.summary.work, work.margins) for work in works if work.margins]
    rows = [
        (
            visible(margin.program),
            work,
            f"{margin.counts[0]:,} … {margin.counts[1]:,}",
            time_ns(margin.predicted_ns),
            time_ns(margin.observed_ns),
            f"{margin.ratio.value:.3f}",
            f"{margin.ratio.low:.3f} … {margin.ratio.high:.3f}",
        )
        for work, margins in found
        for margin in margins.each
    ]
    if rows:
        headings = (("each one more", "left"), ("timed", "left"), ("counts", "right"))
        times = ("predicted", "observed", "observed/predicted", "95 %")
        stdout().print(table(None, (*headings, *((heading, "right") for heading in times)), rows))
        for work, margins in found:
            median, p95 = percent(margins.median.value), percent(margins.p95.value)
            stdout().print(f"each one more ({work}): median |o/p − 1| {median}, 95th percentile {p95}")
        stdout().print()


def _blame(blame: Blame) -> str:
    if blame.explains is None:
        return f"{blame.part} ({percent(blame.share)} of the predicted)"
    return f"{blame.part} {100 * blame.explains:+.1f} %"


def _summary_row(summary: Summary, by: str) -> tuple[str, ...]:
    under, over = summary.undercharged, summary.overcharged
    return (
        summary.work,
        by,
        percent(summary.median.value),
        percent(summary.p95.value),
        percent(summary.spread),
        "" if summary.slope is None else f"{summary.slope:.3f}",
        "" if summary.r2 is None else f"{summary.r2.value:.4f}",
        f"{under.ratio:.3f} {visible(under.program)}",
        f"{over.ratio:.3f} {visible(over.program)}",
    )


_GATE_HEADINGS: Final = (("limit", "right"), ("found", "right"), ("95 %", "right"), ("", "left"))
_GATES_SAY: Final = {
    "pass": "every gate is passed",
    "fail": "a gate is not passed",
    "inconclusive": "the observations cannot tell whether every gate is passed",
}


def _gate_row(gate: GateResult) -> tuple[str | Text, ...]:
    status = Text(gate.status.value, style=_COLOURS[gate.status.value])
    shown: Callable[[float], str] = "{:.3f}".format
    if gate.gate == "r2":
        limit, shown = f"≥ {gate.limit:.3f}", "{:.4f}".format
    elif gate.gate == "tolerance":
        limit = f"1 ± {gate.limit:.3g}"
    elif gate.gate == "max-undercharge":
        limit = f"≤ {1 + gate.limit:.4g}"
    else:
        limit, shown = f"≤ {percent(gate.limit)}", percent
    if gate.found is None:
        return (gate.gate, gate.work, limit, "", "", status)
    found = gate.found
    return (gate.gate, gate.work, limit, shown(found.value), f"{shown(found.low)} … {shown(found.high)}", status)
