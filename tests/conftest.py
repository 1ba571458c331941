"""Fixtures that every room's tests share."""

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of published data (official models, conformance cases, scripts) that lies beside the repository.

    It is no part of the repository; tests that need it are skipped where it is absent.
    """
    if not SHARED_DATA.is_dir():
        pytest.skip(f"published test data is not present at {SHARED_DATA}")
    return SHARED_DATA
