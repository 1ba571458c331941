"""`calibrate fit --reference`: the fit in another machine's picoseconds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from costmodel.cli.output import percent, print_json, stdout, table
from costmodel.model import load

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
    console = stdout()
    headings = (
        ("builtin", "left"),
        ("family", "left"),
        ("scale factor", "right"),
        ("predicted", "right"),
        ("95 %", "right"),
        ("", "left"),
    )
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
    console.print(table(f"Scale factors to the picoseconds of {section.reference}", headings, rows))
    held = section.held_out
    console.print()
    console.print(
        f"a quarter of the builtins held out, {held.rounds} times: median error {percent(held.median_error)}, "
        f"90 % within {percent(held.p90_error)}; intervals held {percent(held.covered)}",
        markup=False,
        soft_wrap=True,
    )
    for name, reason in section.refused.items():
        console.print(f"left out: {name}: {reason}", markup=False, soft_wrap=True)
    console.print(f"model: {target}", markup=False, soft_wrap=True)
