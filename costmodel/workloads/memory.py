"""How much memory a batch of rows may take that somebody else wrote."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

BATCH_BYTES: Final = 1 << 30
"""That a batch may take while it is read: ten times what rows of the chain's size do."""


@contextmanager
def most_memory(size: int) -> Iterator[None]:
    """Lets this process take no more than so many bytes beyond what it has: compression makes gigabytes of kilobytes,
    and nothing in a file or in a server's answer says so that could be believed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_bytes() + size
    tighter = all(limit < bound for bound in (soft, hard) if bound != resource.RLIM_INFINITY)
    if tighter:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
    try:
        yield
    finally:
        if tighter:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """What counts towards RLIMIT_DATA."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmData:"))
