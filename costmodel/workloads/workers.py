"""How the processes of a pool begin, and that none outlives the process that started them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def begin() -> None:
    """The initializer of a pool's processes. Ctrl-C reaches the whole terminal, and is the parent's to deal with, which
    ends them by SIGTERM; a parent that is killed takes its processes with it, which would wait for work for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork has the parent's
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
