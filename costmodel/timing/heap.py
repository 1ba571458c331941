"""Where a process's data lies: drawn by each process, and not decided by what it did before.

The kernel draws pages. Where in a page data lies, and how long malloc searches for room, follows from what the process
allocated before: it is the same in every process of a build, and another where the build lies in a folder with a longer
name, which made one and the same build a percent slower. So the holes in the heap are filled; what comes next begins
somewhere in a page, and between any two works lies a gap, both drawn by the process.
"""

from __future__ import annotations

import random
from typing import Final

from costmodel._native import lib

_PAGE: Final = 4096
_GRAIN: Final = 16  # malloc's
_SMALL: Final = 512  # up to here, the interpreter has memory of its own, in pools by size
_SMALL_GAPS: Final = 16


class Heap:
    """The calling process's. `settle` before something is made, and before it is used over and over."""

    def settle(self) -> None:
        """Let what is allocated next begin at the start of a page, whatever was before."""
        lib.cal_heap_settle(0)

    def gap(self) -> None:
        """Keep the next work away from the last; here they are made side by side."""


class DrawnHeap(Heap):
    """One where chance says at which byte of a page it begins, and how far apart the works lie."""

    def __init__(self) -> None:
        self._chance = random.Random()  # noqa: S311 - seeded by the system, and no secret
        self._gaps: list[bytes] = []

    def settle(self) -> None:
        lib.cal_heap_settle(self._chance.randrange(0, _PAGE, _GRAIN))

    def gap(self) -> None:
        self._gaps += [bytes(self._chance.randrange(_SMALL)) for _ in range(_SMALL_GAPS)]
        self._gaps.append(bytes(_SMALL + self._chance.randrange(_PAGE)))
