"""Who leads which slot, and which transactions are in its block: all from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from costmodel.records.run import Profile

ACTIVE_SLOTS: Final = 0.05
"""f: the share of slots that have a leader."""

SLOT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the chain. `number` counts from 0, `leader` is the node that made it."""

    number: int
    slot: int
    leader: int
    transactions: int


def make_blocks(profile: Profile, most_transactions: int, seed: int) -> tuple[Block, ...]:
    """The chain that a profile's cluster makes, every block reaching every node.

    Of N equal stakes each leads a slot with probability 1 − (1 − f)^(1/N), as in Praos, so that a share f of slots has
    a leader; where several lead one slot, one of their blocks, drawn, is adopted. Transactions arrive evenly at the
    profile's rate, wait in one queue, and a block takes as many as it may hold.
    """
    chance = np.random.default_rng(seed)
    slots = profile.epochs * profile.slots
    leads = chance.random((slots, profile.nodes)) < 1 - (1 - ACTIVE_SLOTS) ** (1 / profile.nodes)
    blocks: list[Block] = []
    taken = 0
    for slot in np.flatnonzero(leads.any(axis=1)).tolist():
        leader = int(chance.choice(np.flatnonzero(leads[slot])))
        waiting = math.floor(slot * SLOT_SECONDS * profile.tps) - taken
        filled = min(waiting, most_transactions)
        taken += filled
        blocks.append(Block(len(blocks), slot, leader, filled))
    return tuple(blocks)
