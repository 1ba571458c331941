"""Fixtures that the tests of every package share."""

from pathlib import Path

import pytest
from hypothesis import settings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# How long an example takes is the machine's affair; what else holds, as for CI, stays as it is.
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of published data (official models, conformance cases, scripts) that lies beside the repository.

    It is no part of the repository; tests that need it are skipped where it is absent.
    """
    if not SHARED_DATA.is_dir():
        pytest.skip(f"published test data is not present at {SHARED_DATA}")
    return SHARED_DATA
