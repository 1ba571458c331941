"""What is said of work that goes on where there is no terminal."""

import time
from collections.abc import Iterator

import pytest

from costmodel.cli import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What the clock shows; its one item may be set."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    yield now


def test_a_plain_line_says_how_much_is_done_and_how_long_the_rest_takes(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.counted("evaluating", "rows") as say:
        for seconds, done in ((1, 1000), (4, 2000), (5, 2500), (20, 10_000)):
            clock[0] = 100 + seconds
            say(done, 20_000)
    assert capsys.readouterr().err.splitlines() == [
        "evaluating: 2,000 of 20,000 rows, about 36 s left",
        "evaluating: 10,000 of 20,000 rows, about 20 s left",
    ]
