"""The result as one table and as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Final

from rich.table import Table

from benches.contracts import Contract
from benches.estimates import Cell, Estimates, Interval
from benches.evaluators import Ready
from benches.schedule import WORKS, Observed
from costmodel.machine import evaluator_label
from costmodel.records.run import NATIVE


def summarise(observed: Observed, contracts: Sequence[Contract]) -> dict[str, Any]:
    """By work: time of each contract and geometric mean on each evaluator, in ns, and each peer against the native
    machine, over the contracts that both could be timed on."""
    estimates = Estimates(observed.samples)
    return {work: _summarise_work(work, estimates, list(observed.facts), contracts) for work in WORKS}


def _summarise_work(
    work: str, estimates: Estimates, evaluators: Sequence[str], contracts: Sequence[Contract]
) -> dict[str, Any]:
    times: dict[str, dict[str, Any]] = {contract.name: {} for contract in contracts}
    overall: dict[str, dict[str, Any]] = {}
    for name in evaluators:
        for contract in estimates.contracts([name], work):
            times[contract][name] = plain(estimates.time(name, work, [contract]))
        both = estimates.contracts([name, NATIVE], work)
        if both:
            overall[name] = {
                "contracts": len(both),
                "geometric_mean_ns": plain(estimates.time(name, work, both)),
                "over_native": plain(estimates.ratio(name, NATIVE, work, both)),
                "native_over_it": plain(estimates.ratio(NATIVE, name, work, both)),
            }
    peers = [name for name in overall if name != NATIVE]
    fastest = min(peers, key=lambda name: overall[name]["over_native"]["value"], default=None)
    return {"contracts_ns": times, "overall": overall, "fastest_peer": fastest}


def plain(interval: Interval) -> dict[str, float | None]:
    """An interval for JSON, which has no infinity."""
    bounds = {"low": interval.low, "high": interval.high}
    return {"value": interval.value, **{k: v if 0 < v < math.inf else None for k, v in bounds.items()}}


def wrong_ex_units(observed: Observed, contracts: Sequence[Contract]) -> list[str]:
    """A line for each contract whose ExUnits on the native machine are not those expected."""
    lines = []
    for contract in contracts:
        spent = observed.spent.get(Cell(NATIVE, "evaluate", contract.name))
        expected = contract.expected and (contract.expected.cpu, contract.expected.mem)
        if spent is None:
            lines.append(f"{contract.name} was not evaluated by the native machine")
        elif expected and spent != expected:
            lines.append(f"{contract.name} spent {spent[0]} ps and {spent[1]} words instead of {expected}")
    return lines


def remarks(observed: Observed, ready: Sequence[Ready], left_out: Sequence[str]) -> list[str]:
    """What a reader must know: versions, what differs, what was refused, what was left out."""
    lines = []
    for one in ready:
        facts = observed.facts[one.name]
        built = ", ".join(filter(None, (facts.get("runtime"), facts.get("build") or facts.get("compiler"))))
        said = [evaluator_label(facts), built, one.note, *_differences(observed, one.name)]
        lines.append(f"{one.name}: " + "; ".join(part for part in said if part))
    return [*lines, *left_out, *_sharing(observed)]


def _differences(observed: Observed, name: str) -> list[str]:
    units = {c.contract: spent for c, spent in observed.spent.items() if c.evaluator == name}
    native = {c.contract: spent for c, spent in observed.spent.items() if c.evaluator == NATIVE}
    differing = sum(1 for contract, spent in units.items() if native.get(contract, spent) != spent)
    found = [f"ExUnits differ from the native machine's on {differing} of {len(units)} contracts"] if differing else []
    for work in WORKS:
        reasons = [reason for cell, reason in observed.refusals.items() if (cell.evaluator, cell.work) == (name, work)]
        if reasons:
            found.append(f"refuses to {work} {len(reasons)} contracts ({reasons[0][:80]})")
    return found


def _sharing(observed: Observed) -> list[str]:
    shared = sum(1 for sample in observed.samples if not sample.clean)
    if not shared:
        return []
    return [f"{shared} of {len(observed.samples)} batches shared the core with another process and were not used"]


def table(summary: dict[str, Any], order: Sequence[str]) -> Table:
    """One table: contracts by work in rows, evaluators in columns, times of one run in µs."""
    made = Table(box=None, pad_edge=False, header_style="bold", title="time of one run, µs", title_justify="left")
    made.add_column("work")
    made.add_column("contract")
    for name in order:
        made.add_column(name, justify="right")
    for work in WORKS:
        part = summary[work]
        for contract, times in part["contracts_ns"].items():
            made.add_row(work, contract, *(_microseconds(times.get(name)) for name in order))
        found = [part["overall"].get(name) for name in order]
        for title, show in _OVERALL:
            made.add_row(work, title, *("–" if one is None else show(one) for one in found), style="bold")
        made.add_section()
    return made


def verdicts(summary: dict[str, Any]) -> list[str]:
    """A line for each work that says how the native machine compares with the fastest peer."""
    lines = []
    for work in WORKS:
        peer = summary[work]["fastest_peer"]
        if peer is not None:
            one = summary[work]["overall"][peer]
            ratio = _ratio(one["native_over_it"])
            lines.append(f"{work}: native takes {ratio} of the time of {peer}, over {one['contracts']} contracts")
    return lines


def _microseconds(time: dict[str, float] | None) -> str:
    return "–" if time is None else f"{time['value'] / 1e3:.1f}"


def _ratio(ratio: dict[str, float | None]) -> str:
    value, low, high = (ratio[part] for part in ("value", "low", "high"))
    return f"{value:.3g}" if low is None or high is None else f"{value:.3g} ({low:.3g}–{high:.3g})"


_OVERALL: Final[Sequence[tuple[str, Callable[[dict[str, Any]], str]]]] = (
    ("geometric mean", lambda one: _microseconds(one["geometric_mean_ns"])),
    ("of contracts", lambda one: str(one["contracts"])),
    ("time over native's", lambda one: _ratio(one["over_native"])),
)
