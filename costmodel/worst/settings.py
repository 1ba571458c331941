"""What a search is asked for, as settings; and the limit that its ratios are held to."""

from __future__ import annotations

from typing import Final

import msgspec

from costmodel.errors import InputError
from costmodel.evaluators import driver_named
from costmodel.experiments.portable import best_version
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION
from costmodel.judging.estimate import Estimate, ScoreStatus, overall
from costmodel.machine.driver import started
from costmodel.model import CostModel
from costmodel.model.ledger import variant_for
from costmodel.model.sources import complete, open_source
from costmodel.model.timeline import last_change
from costmodel.records.model import FittedModel, parse_section
from costmodel.records.run import NATIVE
from costmodel.records.worst import SearchSettings, Worst
from costmodel.timing.clock import choose_clock
from costmodel.timing.plan import choose_core
from costmodel.worst.search import SAMPLER
from costmodel.worst.target import targets

_LEAST_SECONDS: Final = 20.0


def asked_for(
    model: str,
    *,
    patterns: str,
    evaluator: str,
    core: int | None,
    seed: int,
    seconds: float,
    scale: float | None = None,
    differential: bool = False,
) -> tuple[SearchSettings, CostModel]:
    """Settings of a search, and the model whose prices are charged. InputError for what is not known or cannot be."""
    if seconds < _LEAST_SECONDS:
        raise InputError(f"a search takes {_LEAST_SECONDS:.0f} s at least; give more --time-budget")
    if differential and evaluator == NATIVE:
        raise InputError("--differential compares another evaluator with the exact machine; name it by --evaluator")
    chosen = choose_core(core)
    version = PROTOCOL_VERSION
    if evaluator != NATIVE:
        with started(driver_named(evaluator), chosen) as driver:
            version = best_version(driver)
    source = open_source([model])
    if source.model is not None:  # a model that prices some builtins only charges the ledger's prices for the others
        source, _ = complete(source, variant_for(LANGUAGE, version))
    costs = source.cost_model(LANGUAGE, version)
    settings = SearchSettings(
        model=source.name,
        targets=tuple(target.name for target in targets(patterns, version)),
        evaluator=evaluator,
        core=chosen,
        clock=choose_clock(),
        seed=seed,
        sampler=SAMPLER,
        protocol_version=version,
        epoch=last_change(),
        seconds=seconds,
        scale=own_scale(costs, evaluator) if scale is None else scale,
        differential=differential,
    )
    return settings, costs


def own_scale(costs: CostModel, evaluator: str) -> float | None:
    """1 for a model that was fitted to times of the evaluator itself, whose prices are picoseconds of it; else None."""
    if not costs.extras:
        return None
    section = parse_section(costs.extras, f"{costs.source}: calibrate")
    if isinstance(section, FittedModel) and section.picoseconds_of.evaluator == evaluator:
        return 1.0
    return None


def held(found: Worst, limit: float) -> Worst:
    """The same, with whether every ratio is at most `limit`: failed where the whole interval of one lies above."""
    statuses = []
    for find in found.finds:
        low, high = find.ratio.interval
        statuses.append(_status(Estimate(find.ratio.value or 0.0, low or 0.0, high or float("inf")), limit))
    status = overall(statuses) if statuses else ScoreStatus.INCONCLUSIVE
    return msgspec.structs.replace(found, status=status.value, exit_code=status.exit_code, max_ratio=limit)


def _status(ratio: Estimate, limit: float) -> ScoreStatus:
    if ratio.high <= limit:
        return ScoreStatus.PASSED
    return ScoreStatus.FAILED if ratio.low > limit else ScoreStatus.INCONCLUSIVE
