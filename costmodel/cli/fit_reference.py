"""`calibrate fit --reference`: the fit in another machine's picoseconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.cli.output import print_json, say, show
from costmodel.model import load
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number, wide

if TYPE_CHECKING:
    from costmodel.fit import Fit
    from costmodel.records.model import ExpressedModel


def express_fit(model: Fit, reference: Path, target: Path, *, seed: int, factor: float, as_json: bool) -> None:
    """Write `model` in the picoseconds of the model in the file `reference`, and say how far that may be off."""
    from costmodel.fit.reference import express

    expressed = express(model.cost_model, load([reference]), seed=seed, factor=factor)
    expressed.write(target)
    if as_json:
        print_json(expressed.document(target))
    else:
        _show(expressed.section, target)


def _show(section: ExpressedModel, target: Path) -> None:
    headings = ("builtin", wide("family"), number("scale factor"), number("predicted"), number("95 %"), "")
    rows = [
        (
            name,
            scale.family,
            f"{scale.factor:.4g}",
            f"{scale.predicted:.4g}",
            f"{scale.interval[0]:.4g} … {scale.interval[1]:.4g}",
            "in both" if scale.known else "left out" if name in section.refused else "predicted",
        )
        for name, scale in section.builtins.items()
    ]
    rows.append(("machine steps", "", f"{section.steps_factor:.4g}", "", "", ""))
    show(Table.of(f"Scale factors to the picoseconds of {section.reference}", headings, rows))
    held = section.held_out
    say("")
    say(
        f"a quarter of the builtins held out, {held.rounds} times: median error {numbers.percent(held.median_error)}, "
        f"90 % within {numbers.percent(held.p90_error)}; intervals held {numbers.percent(held.covered)}"
    )
    for name, reason in section.refused.items():
        say(f"left out: {name}: {reason}")
    say(f"model: {target}")
