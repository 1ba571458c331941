"""`calibrate fit --reference`: the fit in another machine's picoseconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.cli.output import percent, print_json, stdout, table
from costmodel.model import load

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
    console = stdout()
    headings = (
        ("family", "left"),
        ("builtins in both", "right"),
        ("reference ps per own ps", "right"),
        ("95 % for one builtin", "right"),
    )
    rows = [
        (family, str(scale.known), f"{scale.factor:.4g}", f"{scale.low:.4g} … {scale.high:.4g}")
        for family, scale in expressed.scales.items()
    ]
    rows.append(("machine steps", "", f"{expressed.steps:.4g}", ""))
    console.print(table(f"In picoseconds of {expressed.reference}", headings, rows))
    held = expressed.held_out
    console.print()
    console.print(
        f"a quarter of the builtins held out, {held.rounds} times: median error {percent(held.median_error)}, "
        f"90 % within {percent(held.p90_error)}; intervals held {percent(held.covered)}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"model: {target}", markup=False, soft_wrap=True)
