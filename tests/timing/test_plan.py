"""The order of cells, and the core."""

import os
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costmodel.errors import EnvironmentFault
from costmodel.timing.plan import Cell, choose_core, fewest_blocks, groups, in_blocks, orders
from tests.timing.programs import ADD, FORCE, cell


@given(st.integers(1, 30), st.integers(0, 99), st.integers(0, 99))
def test_blocks_are_rows_of_a_latin_square(cells: int, seed: int, process: int) -> None:
    square = list(islice(orders(cells, seed, process), cells))
    everything = set(range(cells))
    assert all(set(row) == everything for row in square)
    assert all(set(column) == everything for column in zip(*square, strict=True))


def test_nothing_has_no_orders() -> None:
    """They used to be sought for ever where a process had lost all of its cells."""
    assert list(orders(0, 0, 0)) == []


def test_orders_repeat_with_the_seed_and_differ_between_processes() -> None:
    def of(seed: int, process: int) -> list[list[int]]:
        return list(islice(orders(20, seed, process), 45))

    assert of(1, 2) == of(1, 2)
    assert of(1, 2) != of(1, 3)
    assert of(1, 2) != of(2, 2)


def test_neighbours_change_from_block_to_block() -> None:
    followers = {row[row.index(0) + 1] for row in islice(orders(20, 0, 0), 19) if row[-1] != 0}
    assert len(followers) >= 8


def test_the_last_allowed_core_is_chosen() -> None:
    assert choose_core() == max(os.sched_getaffinity(0))


def test_a_core_that_does_not_exist_is_refused() -> None:
    with pytest.raises(EnvironmentFault, match="core 4095 does not exist or may not be used here; choose from "):
        choose_core(4095)


def builtin(name: str, sizes: tuple[int, ...], repeats: int) -> Cell:
    return cell(name, "(con unit ())", experiment="builtins", operation="f", sizes=sizes, repeats=repeats)


def test_the_two_programs_of_a_point_stay_together() -> None:
    cells = [builtin("a", (1,), 4), ADD, builtin("b", (2,), 4), builtin("c", (1,), 8), FORCE]
    assert groups(cells) == [[0, 3], [1], [2], [4]]


def test_blocks_are_whole_groups_within_bounds() -> None:
    members = [[0, 1], [2], [3], [4, 5], [6]]
    expected = dict(enumerate([1.0, 1.0, 9.0, 1.0, 20.0, 20.0, 1.0]))
    assert list(in_blocks([0, 2, 4, 1, 3], members, expected, 3, 10.0)) == [[0, 1, 3], [6, 2], [4, 5]]


def test_batches_in_a_row_take_the_place_of_blocks() -> None:
    """A process has four batches of a cell, and no cell at one place of its order alone."""
    assert [fewest_blocks(batches) for batches in (1, 2, 3, 4)] == [4, 2, 2, 2]
