"""The official fit beside the ledger's own model: which entries are equal to the integer, and why others are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from costmodel.fit.official import FLOOR_PS, OfficialFit, OfficialModel
from costmodel.model import CostingFunction, Variant, ledger_model, us_to_ps

_NO_SOURCE = "upstream's c11 of 960 came with plutus#7756 and has no data behind it"
_OLDER = "upstream's coefficients are older than these rows"
# What is known of entries of upstream's model that its own CSV does not give.
_HISTORY = {
    **dict.fromkeys(("divideInteger", "quotientInteger", "remainderInteger", "modInteger"), _NO_SOURCE),
    **dict.fromkeys(("appendString", "equalsString", "encodeUtf8", "decodeUtf8"), _OLDER),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One builtin of the ledger's model. `fitted` is None where the file does not settle it.

    `reason` is empty where both are equal; `notes` say what the procedure adjusted.
    """

    builtin: str
    published: CostingFunction
    fitted: CostingFunction | None
    reason: str
    notes: tuple[str, ...]

    @property
    def equal(self) -> bool:
        return self.fitted == self.published

    def to_json(self) -> dict[str, object]:
        fitted = None if self.fitted is None else dict(zip(self.fitted.names, self.fitted.values, strict=True))
        return {
            "builtin": self.builtin,
            "equal": self.equal,
            "fitted": fitted,
            "published": dict(zip(self.published.names, self.published.values, strict=True)),
            "reason": self.reason,
            "notes": list(self.notes),
        }


def compare_with_ledger(model: OfficialModel) -> tuple[Entry, ...]:
    """Every CPU entry of the ledger's model of the same variant, in upstream's order."""
    entries = []
    for name, cost in ledger_model(model.variant).builtins.items():
        fit = model.fits.get(name)
        if fit is None:
            entries.append(Entry(name, cost.cpu, None, model.unfitted[name], ()))
        elif fit.function == cost.cpu:
            entries.append(Entry(name, cost.cpu, fit.function, "", fit.notes))
        else:
            entries.append(Entry(name, cost.cpu, fit.function, _reason(fit, cost.cpu), fit.notes))
    return tuple(entries)


def _reason(fit: OfficialFit, published: CostingFunction) -> str:
    """What is known of the published entry, and what it says of the file's own times."""
    # The history is that of today's coefficients; other variants have had others.
    if fit.name in _HISTORY and published.values == _today(fit.name).values:
        known = _HISTORY[fit.name]
    elif fit.name == "equalsByteString" and _from_diagonal(fit, published):
        known = "upstream's constant is the least time on the diagonal, from before there were rows off it"
    else:
        known = "these rows give other coefficients"
    return f"{known}; {_ratio(fit, published)}"


def _today(name: str) -> CostingFunction:
    return ledger_model(Variant.E).builtins[name].cpu


def _from_diagonal(fit: OfficialFit, published: CostingFunction) -> bool:
    """Whether only the constant differs, and is what the procedure gave without rows off the diagonal."""
    diagonal = fit.sizes[:, 0] == fit.sizes[:, 1]
    return published.values[1:] == fit.function.values[1:] and published.values[0] == us_to_ps(
        float(fit.times_us[diagonal].min())
    )


def _ratio(fit: OfficialFit, published: CostingFunction) -> str:
    """How the published costs compare with the file's times, in the middle and at the ends."""
    times_ps = np.maximum(fit.times_us * 1e6, FLOOR_PS)
    ratios = published.predict(fit.sizes) / times_ps
    low, middle, high = np.quantile(ratios, [0, 0.5, 1])
    return f"it charges {middle:.3g} times what these rows took ({low:.3g} to {high:.3g})"
