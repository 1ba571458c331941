"""Whether instructions can be counted here."""

import shutil

import pytest

from costmodel.machine import build_info


def _obstacle() -> str:
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    return "valgrind and sanitizers do not go together" if "-fsanitize" in build_info().flags else ""


needs_counts = pytest.mark.skipif(bool(_obstacle()), reason=_obstacle())
