"""What a search is asked for, as settings; and the limit that its ratios are held to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from costmodel.errors import InputError
from costmodel.evaluators import driver_named
from costmodel.experiments.portable import best_version
from costmodel.experiments.terms import LANGUAGE, PROTOCOL_VERSION
from costmodel.judging.estimate import Estimate, ScoreStatus, overall
from costmodel.machine.driver import started
from costmodel.model import CostModel, load
from costmodel.model.ledger import variant_for
from costmodel.model.sources import complete, open_source
from costmodel.model.timeline import last_change
from costmodel.records import read
from costmodel.records.model import FittedModel, parse_section
from costmodel.records.run import NATIVE
from costmodel.records.worst import Finalist, SearchSettings, SearchState, Worst
from costmodel.timing.clock import choose_clock
from costmodel.timing.plan import choose_core
from costmodel.worst.folder import MODEL, STATE, read_result
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
    chosen, version = _core_and_version(evaluator, core)
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


def timed_again(
    path: Path,
    *,
    patterns: str,
    evaluator: str | None,
    core: int | None,
    seed: int,
    seconds: float,
    scale: float | None = None,
) -> tuple[SearchSettings, CostModel, tuple[Finalist, ...]]:
    """Settings that time the witnesses of a complete search again, here or on another evaluator, its model, and what it
    proved. InputError where it is no such search, or proved nothing that the patterns name."""
    _, found = read_result(path)
    state = read(path / STATE, SearchState)
    settings, costs = state.settings, load([path / MODEL])
    if settings.differential:
        raise InputError(f"{path} looked for differences only; it has no ratios that could be timed again")
    if evaluator is not None and evaluator != settings.evaluator:
        _, version = _core_and_version(evaluator, core)
        settings = msgspec.structs.replace(
            settings, evaluator=evaluator, protocol_version=version, scale=own_scale(costs, evaluator)
        )
    ratios = {find.price: find.ratio for find in found.finds}
    wanted = [target.name for target in targets(patterns, settings.protocol_version) if target.name in ratios]
    if not wanted:
        raise InputError(f"{path} proved nothing of {patterns!r}; it has {', '.join(ratios) or 'no ratio at all'}")
    settings = msgspec.structs.replace(
        settings,
        targets=tuple(wanted),
        core=choose_core(core),
        clock=choose_clock(),
        seed=seed,
        seconds=seconds,
        scale=settings.scale if scale is None else scale,
    )
    finalists = [
        msgspec.structs.replace(each, earlier=ratios[each.target]) for each in state.finalists if each.target in wanted
    ]
    return settings, costs, tuple(finalists)


def _core_and_version(evaluator: str, core: int | None) -> tuple[int, int]:
    """Where to measure, and the protocol version of the programs, which an evaluator may know none of the newest of."""
    chosen = choose_core(core)
    if evaluator == NATIVE:
        return chosen, PROTOCOL_VERSION
    with started(driver_named(evaluator), chosen) as driver:
        return chosen, best_version(driver)


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
