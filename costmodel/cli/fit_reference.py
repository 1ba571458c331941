"""`calibrate fit --reference`: the fit in another machine's picoseconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.cli.output import print_json, say, show
from costmodel.model import load
from costmodel.rendering import numbers
from costmodel.rendering.tables import Table, number

if TYPE_CHECKING:
    from costmodel.fit import FittedModel
    from costmodel.fit.reference import Expressed


def express_fit(model: FittedModel, reference: Path, target: Path, *, seed: int, as_json: bool) -> None:
    """Write `model` in the picoseconds of the model in the file `reference`, and say how far that may be off."""
    from costmodel.fit.reference import express

    expressed = express(model.cost_model, load([reference]), seed=seed)
    expressed.write(target)
    if as_json:
        print_json({"model": str(target), **expressed.cost_model.extras})
    else:
        _show(expressed, target)


def _show(expressed: Expressed, target: Path) -> None:
    headings = (
        "family",
        number("builtins in both"),
        number("scale factor to the reference machine"),
        number("95 % for a builtin"),
    )
    rows = [
        (family, str(scale.known), f"{scale.factor:.4g}", f"{scale.low:.4g} … {scale.high:.4g}")
        for family, scale in expressed.scales.items()
    ]
    rows.append(("machine steps", "", f"{expressed.steps:.4g}", ""))
    show(Table.of(f"In picoseconds of {expressed.reference}", headings, rows))
    held = expressed.held_out
    say("")
    say(
        f"a quarter of the builtins held out, {held.rounds} times: median error {numbers.percent(held.median_error)}, "
        f"90 % within {numbers.percent(held.p90_error)}; intervals held {numbers.percent(held.covered)}"
    )
    say(f"model: {target}")
