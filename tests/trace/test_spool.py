"""The queue on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from costmodel.trace.spool import MessageSource, Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool.create(tmp_path, MessageSource("me", {}), 1 << 20)
    yield made
    made.close()


def on_disk(spool: Spool) -> int:
    return sum(path.stat().st_size for path in spool.folder.glob("*.jsonl"))


def test_lines_come_in_order_and_stay_until_they_are_delivered(spool: Spool) -> None:
    lines = [b"%d\n" % number for number in range(10)]
    assert all(map(spool.put, lines))
    assert spool.first(3, 100) == lines[:3] == spool.first(3, 100)
    spool.delivered(lines[:3])
    assert spool.first(100, 100) == lines[3:]


def test_room_on_the_disk_is_given_back_once_nothing_waits(spool: Spool) -> None:
    """A full disk would otherwise refuse all that comes after, though a collector takes everything."""
    lines = [b"%d\n" % number for number in range(10)]
    for _ in range(3):
        assert all(map(spool.put, lines))
        spool.delivered(spool.first(4, 100))
        assert on_disk(spool) == 20
        spool.delivered(spool.first(100, 100))
        assert on_disk(spool) == 0
    assert spool.empty
    assert spool.close() == 0
    assert not spool.folder.exists()
