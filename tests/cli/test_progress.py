"""What is said of work that goes on where there is no terminal."""

import time
from collections.abc import Iterator

import pytest

from costmodel.cli import progress
from costmodel.timing.session import Progress


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


def session(seconds: float, expected: float | None, left: float | None = None) -> Progress:
    return Progress(
        now=("addInteger", "sha2_256", "appendString"),
        cells=86,
        cells_done=12,
        processes=4,
        blocks=20,
        median_half_width=0.02,
        worst_half_width=0.08,
        discard_rate=0.01,
        seconds=seconds,
        seconds_left=left,
        seconds_expected=expected,
    )


def test_a_session_says_at_once_that_it_began_and_then_what_it_measures(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.shown("measuring") as observe:
        first = capsys.readouterr().err
        clock[0] += 11
        observe(session(11, 600))
    assert first == "measuring: preparing\n"
    assert capsys.readouterr().err == (
        "measuring: 12 of 86 cells precise enough, process 5, block 21: addInteger sha2_256 and 1 more, "
        "±2 % (worst ±8 %), 1 % discarded, about 10 min left\n"
    )


def test_the_estimate_follows_a_jump_slowly_and_never_passes_the_budget(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.shown("measuring") as observe:
        for seconds, expected, left in ((20, 40, None), (35, 325, None), (50, 310, None), (65, 295, 90)):
            clock[0] = 200 + seconds
            observe(session(seconds, expected, left))
    shown = [line.rpartition(", ")[2] for line in capsys.readouterr().err.splitlines()[1:]]
    # The end was expected after 60 s, and then after 360 s: 210 and 285 s are halfway each time.
    assert shown == ["about 40 s left", "about 2.9 min left", "about 3.9 min left", "about 1.5 min left"]


def test_without_an_estimate_the_budget_or_the_time_is_shown(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with progress.shown("measuring") as observe:
        for seconds, left in ((20, 45.0), (35, None)):
            clock[0] = 200 + seconds
            observe(session(seconds, None, left))
    shown = [line.rpartition(", ")[2] for line in capsys.readouterr().err.splitlines()[1:]]
    assert shown == ["at most 45 s left", "35 s so far"]
