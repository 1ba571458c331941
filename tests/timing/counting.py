"""Whether instructions can be counted here."""

import shutil

import pytest
from costmodel._native import lib

from costmodel.machine import build_info


def _obstacle() -> str:
    if shutil.which("valgrind") is None:
        return "valgrind is not installed"
    if not lib.cal_counting_built():
        return "the extension was built without valgrind's headers"
    return "valgrind and sanitizers do not go together" if "-fsanitize" in build_info().flags else ""


needs_counts = pytest.mark.skipif(bool(_obstacle()), reason=_obstacle())
