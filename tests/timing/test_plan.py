"""The order of cells, and the core."""

import os
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import EnvironmentFault
from costmodel.timing.plan import block_orders, choose_core


@given(st.integers(1, 30), st.integers(0, 99), st.integers(0, 99))
def test_blocks_are_rows_of_a_latin_square(cells: int, seed: int, process: int) -> None:
    square = list(islice(block_orders(cells, seed, process), cells))
    everything = set(range(cells))
    assert all(set(row) == everything for row in square)
    assert all(set(column) == everything for column in zip(*square, strict=True))


def test_orders_repeat_with_the_seed_and_differ_between_processes() -> None:
    def orders(seed: int, process: int) -> list[list[int]]:
        return list(islice(block_orders(20, seed, process), 45))

    assert orders(1, 2) == orders(1, 2)
    assert orders(1, 2) != orders(1, 3)
    assert orders(1, 2) != orders(2, 2)


def test_neighbours_change_from_block_to_block() -> None:
    followers = {row[row.index(0) + 1] for row in islice(block_orders(20, 0, 0), 19) if row[-1] != 0}
    assert len(followers) >= 8


def test_the_last_allowed_core_is_chosen() -> None:
    assert choose_core() == max(os.sched_getaffinity(0))


def test_a_core_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EnvironmentFault, match="core 4095 does not exist or may not be used here; choose from "):
        choose_core(4095)
