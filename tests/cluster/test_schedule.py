import numpy as np
import pytest
from msgspec.structs import replace

from costmodel.cluster.profiles import ACTIVE_SLOTS, find_profile, make_blocks
from costmodel.cluster.summary import done

PROFILE = find_profile("model-secp-ecdsa")
SLOTS = PROFILE.epochs * PROFILE.slots


def test_the_seed_makes_the_chain() -> None:
    assert make_blocks(PROFILE, 8, 1) == make_blocks(PROFILE, 8, 1)
    assert make_blocks(PROFILE, 8, 1) != make_blocks(PROFILE, 8, 2)


@pytest.mark.parametrize("nodes", [1, 4, 6])
def test_a_twentieth_of_the_slots_has_a_block(nodes: int) -> None:
    blocks = make_blocks(replace(PROFILE, nodes=nodes), 8, 0)
    deviation = np.sqrt(SLOTS * ACTIVE_SLOTS * (1 - ACTIVE_SLOTS))
    assert abs(len(blocks) - SLOTS * ACTIVE_SLOTS) < 5 * deviation
    assert len({block.slot for block in blocks}) == len(blocks)


def test_equal_stakes_lead_equally_often() -> None:
    blocks = make_blocks(PROFILE, 8, 0)
    counts = np.bincount([block.leader for block in blocks], minlength=4)
    assert np.abs(counts - len(blocks) / 4).max() < 5 * np.sqrt(len(blocks) * 3 / 16)


def test_a_block_takes_what_waits_and_no_more_than_it_may_hold() -> None:
    taken = 0
    for block in make_blocks(PROFILE, 8, 0):
        waiting = int(block.slot * PROFILE.tps) - taken
        assert block.transactions == min(8, waiting)
        taken += block.transactions


def test_a_node_that_needs_longer_than_blocks_take_to_come_falls_behind() -> None:
    slots = np.arange(5.0)
    assert done(slots, np.full(5, 0.9e9)) == pytest.approx([0.9e9] * 5)
    assert done(slots, np.full(5, 1.5e9)) == pytest.approx([1.5e9, 2e9, 2.5e9, 3e9, 3.5e9])
    assert done(slots, np.array([2.2e9, 0.1e9, 0.1e9, 0.1e9, 0.1e9])) == pytest.approx(
        [2.2e9, 1.3e9, 0.4e9, 0.1e9, 0.1e9]
    )
