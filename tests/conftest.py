"""Fixtures that the tests of every package share."""

import fcntl
import os
import signal
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings

from costmodel.experiments import EXPERIMENTS, design_cells
from costmodel.runs.design import Cell

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# A shell starts what runs in its background with SIGINT ignored, and nohup does so with SIGHUP. Every process that a
# test starts would inherit that, and those that test an interrupt would wait for it in vain. Workers of pytest-xdist
# read this file too.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

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


@pytest.fixture(scope="session")
def whole_design(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cell, ...]:
    """The cells of every experiment, of the seed 0. They take many seconds to make, so workers of pytest-xdist share
    them, by a file in the folder that is above those of the workers."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    made = folder / "whole_design"
    with (folder / "whole_design.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_bytes(msgspec.msgpack.encode(design_cells(EXPERIMENTS, "*", 0)))
    return msgspec.msgpack.decode(made.read_bytes(), type=tuple[Cell, ...])
