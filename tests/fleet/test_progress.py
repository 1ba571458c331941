"""Progress of several sessions as one."""

import dataclasses

from costmodel.fleet.measure import Together
from costmodel.timing.session import Progress

FIRST = Progress(
    now=("addInteger",),
    cells=4,
    cells_done=1,
    processes=2,
    blocks=30,
    median_half_width=0.01,
    worst_half_width=0.05,
    discard_rate=0.2,
    seconds=10.0,
    seconds_left=None,
    seconds_expected=20.0,
)


def test_counts_add_up_and_the_worst_is_shown() -> None:
    seen: list[Progress] = []
    together = Together(seen.append)
    together.of("one")(FIRST)
    together.of("other")(dataclasses.replace(FIRST, cells_done=4, median_half_width=0.02, seconds_expected=None))
    assert seen[0] == FIRST
    last = seen[-1]
    assert (last.cells, last.cells_done, last.processes, last.blocks) == (8, 5, 4, 60)
    assert (last.median_half_width, last.worst_half_width, last.discard_rate) == (0.02, 0.05, 0.2)
    assert (last.seconds_left, last.seconds_expected) == (None, None)


def test_a_session_replaces_what_it_said_before() -> None:
    seen: list[Progress] = []
    observer = Together(seen.append).of("one")
    observer(FIRST)
    observer(dataclasses.replace(FIRST, cells_done=3))
    assert seen[-1].cells_done == 3
