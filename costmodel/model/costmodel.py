"""The cost model: costing functions of the builtins, step costs and start-up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from costmodel.errors import ModelError
from costmodel.model.costing import CostingFunction, costing_function
from costmodel.model.steps import STARTUP_KEY, StepKind
from costmodel.model.units import ExUnits
from costmodel.plutus.builtins import BUILTIN_BY_NAME


@dataclass(frozen=True, slots=True)
class BuiltinCost:
    """What one saturated application of a builtin costs: `cpu` in picoseconds, `memory` in 8-byte words."""

    cpu: CostingFunction
    memory: CostingFunction


# What upstream charges, ps and words alike, for a builtin that nobody has costed yet: more than any budget allows.
_PROHIBITIVE = costing_function("constant_cost", {"constant": 10**11}, None, "uncosted builtin")
_UNCOSTED = BuiltinCost(_PROHIBITIVE, _PROHIBITIVE)


@dataclass(frozen=True, slots=True)
class CostModel:
    """Costs by builtin name and by step kind; any of them may be missing (see `require`).

    `extras` is the raw object under the key "calibrate" of the files that this package writes. `source` tells the user
    where the model came from and is no part of its identity.
    """

    builtins: Mapping[str, BuiltinCost]
    steps: Mapping[StepKind, ExUnits]
    startup: ExUnits | None
    extras: Mapping[str, object] = field(default_factory=dict)
    source: str = field(default="cost model", compare=False)

    def cost_of(self, builtin: str) -> BuiltinCost | None:
        """A builtin's costs: the model's own, upstream's prohibitive constant for an uncosted builtin, else None."""
        own = self.builtins.get(builtin)
        return _UNCOSTED if own is None and not BUILTIN_BY_NAME[builtin].costed else own

    def require(self, builtins: Iterable[str], steps: Iterable[StepKind]) -> None:
        """Raise ModelError, naming everything missing, unless the model prices start-up and all of these."""
        missing = [name for name in sorted(set(builtins)) if self.cost_of(name) is None]
        missing += [kind.json_key for kind in sorted(set(steps)) if kind not in self.steps]
        if self.startup is None:
            missing.append(STARTUP_KEY)
        if missing:
            raise ModelError(f"{self.source} has no cost for {', '.join(missing)}; use a model that has")
