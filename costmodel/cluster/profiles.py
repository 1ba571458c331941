"""Named profiles, the load that one makes under the chain's parameters, and who leads which slot, from a seed."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import msgspec
import numpy as np

from costmodel.errors import InputError
from costmodel.model import ExUnits
from costmodel.model.timeline import ProtocolParameters, parameters_at
from costmodel.records.run import Profile
from costmodel.workloads import WorkloadProgram
from costmodel.workloads.budget import BudgetFit, Limits, Meter, Strategy, fit_budget
from costmodel.workloads.loops import find_loop

_DOUBLED: Final = {"-stepx2": "cpu", "-memx2": "mem"}


@dataclass(frozen=True, slots=True)
class ScriptLoad:
    """What a profile comes to under some parameters. Without a script, `program` and `fit` are None.

    `tx_bytes` is a transaction's whole size, `most_transactions` the most that a block may hold by ExUnits and size.
    """

    profile: Profile
    parameters: ProtocolParameters
    program: WorkloadProgram | None
    fit: BudgetFit | None
    tx_bytes: int
    most_transactions: int

    @property
    def limited_by(self) -> Literal["ex units", "size"]:
        """What keeps a block from holding more: "ex units" or "size"."""
        by_size = self.parameters.max_block_body_size // self.tx_bytes
        return "size" if self.most_transactions == by_size else "ex units"


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by name, the doubled ones included."""
    text = (resources.files("costmodel.cluster") / "profiles.toml").read_text("utf-8")
    document = tomllib.loads(text)
    found: dict[str, Profile] = {}
    for name, row in document["profiles"].items():
        found[name] = Profile(name=name, **(document["defaults"] | row))
        if found[name].loop is not None:
            for suffix, unit in _DOUBLED.items():
                found[name + suffix] = msgspec.structs.replace(found[name], name=name + suffix, doubled=unit)
    return MappingProxyType(found)


def find_profile(name: str) -> Profile:
    """A profile by name. InputError, listing them, for any other name."""
    if name not in profiles():
        raise InputError(f"unknown profile {name[:80]!r}; known are {', '.join(profiles())}")
    return profiles()[name]


def make_load(profile: Profile, overlays: Sequence[Path] = ()) -> ScriptLoad:
    """The transactions of a profile, their loop fitted to its strategy, with overlay files on the chain's parameters.

    InputError where a block or a transaction has no room for one.
    """
    parameters = parameters_at(profile.epoch, overlays)
    program, fit, size, by_units = None, None, profile.tx_bytes, None
    if profile.loop is not None:
        meter = Meter(find_loop(profile.loop, parameters.major), parameters)
        strategy, limits = Strategy.parse(profile.strategy), Limits.of(parameters)
        if profile.doubled is not None:
            limits = _doubled(limits, profile.doubled, meter, strategy)
        fit = fit_budget(meter, strategy, limits)
        fitted = meter.loop(fit.loop_count)
        program = replace(fitted, expected=fit.used, ledger_parameters=parameters.cost_models[fitted.language])
        size += len(program.flat) + sum(map(len, program.arguments))
        by_units = fit.transactions_per_block
    by_size = parameters.max_block_body_size // size
    most = by_size if by_units is None else min(by_size, by_units)
    if size > parameters.max_tx_size or most < 1:
        raise InputError(f"profile {profile.name}: a transaction of {size} bytes does not fit into the chain's limits")
    return ScriptLoad(profile, parameters, program, fit, size, most)


def _doubled(limits: Limits, unit: str, meter: Meter, strategy: Strategy) -> Limits:
    """A block's limit doubled. Where a script's target is a transaction's limit, that grows as the workbench lets it:
    to what as many transactions as before may share of the block, and a block has room for all that these spend.
    """
    block: ExUnits = replace(limits.block, **{unit: 2 * getattr(limits.block, unit)})
    if strategy.name != "txbudget":
        return replace(limits, block=block)
    number = fit_budget(meter, strategy, limits).transactions_per_block
    share = max(getattr(limits.tx, unit), getattr(block, unit) // number)
    tx: ExUnits = replace(limits.tx, **{unit: share})
    used = fit_budget(meter, strategy, Limits(tx, block)).used
    return Limits(tx, ExUnits(max(block.cpu, number * used.cpu), max(block.mem, number * used.mem)))


ACTIVE_SLOTS: Final = 0.05
"""f: the share of slots that have a leader."""

SLOT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A block of the chain. `number` counts from 0, `leader` is the node that made it."""

    number: int
    slot: int
    leader: int
    transactions: int


def make_blocks(profile: Profile, most_transactions: int, seed: int) -> tuple[ChainBlock, ...]:
    """The chain that a profile's cluster makes, every block reaching every node.

    Of N equal stakes each leads a slot with probability 1 − (1 − f)^(1/N), as in Praos, so that a share f of slots has
    a leader; where several lead one slot, one of their blocks, drawn, is adopted. Transactions arrive evenly at the
    profile's rate, wait in one queue, and a block takes as many as it may hold.
    """
    chance = np.random.default_rng(seed)
    slots = profile.epochs * profile.slots
    leads = chance.random((slots, profile.nodes)) < 1 - (1 - ACTIVE_SLOTS) ** (1 / profile.nodes)
    blocks: list[ChainBlock] = []
    taken = 0
    for slot in np.flatnonzero(leads.any(axis=1)).tolist():
        leader = int(chance.choice(np.flatnonzero(leads[slot])))
        waiting = math.floor(slot * SLOT_SECONDS * profile.tps) - taken
        filled = min(waiting, most_transactions)
        taken += filled
        blocks.append(ChainBlock(len(blocks), slot, leader, filled))
    return tuple(blocks)
