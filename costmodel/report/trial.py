"""What the reader can try in the page: other coefficients and shapes of builtins, on what was measured and used."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Any, Final

from costmodel.model import PlainShape
from costmodel.model.shapes import SHAPES
from costmodel.records.impact import Impact
from costmodel.records.model import FittedBuiltin, FittedModel
from costmodel.records.proposal import Proposal
from costmodel.report.charts import Axis, Chart, Mark, Panel
from costmodel.report.documents import Model
from costmodel.report.page_model import Plot, PriceTrial

CHART: Final = "trial"
"""The name of its plot."""

_MOST_CALLS: Final = 400  # different calls of a builtin that go into the page: those that are made most often
_DIGITS: Final = 6


def trial_of(model: Model, impact: Impact | None, proposal: Proposal | None) -> PriceTrial | None:
    """The data of a fitted model; None of one that has no fit."""
    fitted = model.section
    if not isinstance(fitted, FittedModel) or not fitted.builtins:
        return None
    used = _used(impact)
    builtins = {
        name: _builtin(name, model, fit, used.get(name, Counter()))
        for name, fit in sorted(fitted.builtins.items())
        if name in model.costs.builtins
    }
    whose = fitted.picoseconds_of
    data: dict[str, Any] = {
        "model": model.name,
        "sha256": proposal.model_sha256 if proposal is not None else "",
        "basis": f"{whose.evaluator} {whose.version} on {whose.machine}",
        "builtins": builtins,
        "shapes": {
            tag: {
                "fields": list(shape.fields),
                "arity": max((1 + read for read in shape.reads), default=0),
                "inner": not isinstance(shape, PlainShape),
                "free": list(shape.free_fields) if isinstance(shape, PlainShape) else [],
            }
            for tag, shape in SHAPES.items()
        },
        "corpus": None if impact is None else _corpus(impact),
    }
    words = "Charged over measured at every measured point of the builtin that is chosen, as proposed and as changed."
    empty = Panel(Axis("measured (ns)", "log"), Axis("charged / measured", "log"), (Mark("rule", "ink", y=(1.0,)),))
    return PriceTrial(data, Plot(CHART, "Charged over measured", words, Chart((empty,), 320)))


def _builtin(name: str, model: Model, fit: FittedBuiltin, used: Counter[tuple[int, ...]]) -> dict[str, Any]:
    function = model.costs.builtins[name].cpu
    most = sorted(used.items(), key=lambda each: (-each[1], each[0]))
    return {
        "type": function.shape.id.tag,
        "inner": function.model.shape.id.tag if function.model is not None else None,
        "values": dict(zip(function.names, function.values, strict=True)),
        "arity": max(map(len, (point.sizes for point in fit.points)), default=0),
        "points": [
            [list(point.sizes), _short(point.measured.ps)] for point in fit.points if point.measured is not None
        ],
        "used": [[list(sizes), count] for sizes, count in most[:_MOST_CALLS]],
        "others": sum(count for _, count in most[_MOST_CALLS:]),
    }


def _used(impact: Impact | None) -> dict[str, Counter[tuple[int, ...]]]:
    """Calls of each builtin over all languages of the corpus."""
    found: dict[str, Counter[tuple[int, ...]]] = {}
    for each in impact.usage if impact is not None else ():
        for call in each.calls:
            found.setdefault(call.builtin, Counter())[call.sizes] += call.count
    return found


def _corpus(impact: Impact) -> dict[str, Any]:
    """The totals that changes are compared with; fees in lovelace before they are rounded up."""
    cpu, memory = impact.totals_after.units
    steps, of_memory = Fraction(impact.terms.price_steps), Fraction(impact.terms.price_memory)
    return {
        "name": impact.corpus,
        "evaluations": impact.priced,
        "cpu": cpu,
        "fees": float(cpu * steps + memory * of_memory),
        "price": float(steps),
    }


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
