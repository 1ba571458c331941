"""Where several sessions stand together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from costmodel.timing.session import Observer, Progress


class Together:
    """Merges the progress of sessions that run at the same time for one observer."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._lock = threading.Lock()
        self._latest: dict[str, Progress] = {}

    def of(self, session: str) -> Observer:
        """The observer of one session."""

        def observe(progress: Progress) -> None:
            with self._lock:
                self._latest[session] = progress
                self._observer(merged(list(self._latest.values())))

        return observe


def merged(all_of: Sequence[Progress]) -> Progress:
    """Sums of what is counted, and the worst of what is judged. The discard rate is that of the worst session."""
    left = [progress.seconds_left for progress in all_of if progress.seconds_left is not None]
    expected = [progress.seconds_expected for progress in all_of if progress.seconds_expected is not None]
    return Progress(
        cells=sum(progress.cells for progress in all_of),
        cells_done=sum(progress.cells_done for progress in all_of),
        processes=sum(progress.processes for progress in all_of),
        blocks=sum(progress.blocks for progress in all_of),
        median_half_width=max(progress.median_half_width for progress in all_of),
        worst_half_width=max(progress.worst_half_width for progress in all_of),
        discard_rate=max(progress.discard_rate for progress in all_of),
        seconds=max(progress.seconds for progress in all_of),
        seconds_left=max(left, default=None),
        seconds_expected=max(expected) if len(expected) == len(all_of) else None,
    )
