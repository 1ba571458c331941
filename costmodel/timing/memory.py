"""Where the data and the code of a measuring process lie: drawn by each process for itself.

Data: the kernel draws pages. Where in a page data lies, and how long malloc searches for room, follows from what the
process allocated before: it is the same in every process of a build, and another where the build lies in a folder with
a longer name, which made one and the same build a percent slower. So the holes in the heap are filled; what comes next
begins somewhere in a page, and between any two works lies a gap, both drawn by the process.

Code: the kernel keeps one copy of a file's pages for all processes, at one physical place for as long as the file is
cached. Where that place is makes some operations up to a percent or two faster or slower, in every process that loads
the file: two copies of one build, in two files, differ, however many processes are timed. So a measuring process moves
the extension to anonymous memory, whose place the kernel draws for it alone."""

from __future__ import annotations

import ctypes
import mmap
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from costmodel import _native
from costmodel._native import lib
from costmodel.errors import EnvironmentFault

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


_MREMAP_MAYMOVE: Final = 1
_MREMAP_FIXED: Final = 2
_MADV_NOHUGEPAGE: Final = 15
_FAILED: Final = ctypes.c_void_p(-1).value


def take_own_pages() -> None:
    """Move code and constants of the extension to pages of this process's own. Once is enough; each further call draws
    other pages. EnvironmentFault where the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = libc.mremap.restype = ctypes.c_void_p
    pointer, size, flag = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    libc.mmap.argtypes = [pointer, size, flag, flag, flag, ctypes.c_long]
    libc.mremap.argtypes = [pointer, size, size, flag, pointer]
    libc.mprotect.argtypes = [pointer, size, flag]
    libc.madvise.argtypes = [pointer, size, flag]
    for start, length, protection in list(_read_only_parts()):
        fresh = libc.mmap(None, length, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if fresh == _FAILED:
            _refuse()
        libc.madvise(fresh, length, _MADV_NOHUGEPAGE)
        ctypes.memmove(fresh, start, length)
        if libc.mprotect(fresh, length, protection) != 0:
            _refuse()
        # In one step: what lies there is at no moment absent, and is the same before and after.
        if libc.mremap(fresh, length, length, _MREMAP_MAYMOVE | _MREMAP_FIXED, start) == _FAILED:
            _refuse()


_parts: list[tuple[int, int, int]] = []


def _read_only_parts() -> Iterator[tuple[int, int, int]]:
    """Start, length and protection of the extension's mappings that are never written."""
    if not _parts:
        file = str(Path(_native.__file__).resolve())
        for line in Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            fields = line.split(maxsplit=5)
            if len(fields) < 6 or fields[5] != file or "w" in fields[1] or not fields[1].startswith("r"):
                continue
            start, end = (int(address, 16) for address in fields[0].split("-"))
            protection = mmap.PROT_READ | (mmap.PROT_EXEC if "x" in fields[1] else 0)
            _parts.append((start, end - start, protection))
    yield from _parts


def _refuse() -> None:
    raise EnvironmentFault("the kernel does not let this process move its code to pages of its own")
