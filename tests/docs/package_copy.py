"""What the package is built from, copied, so that a test can change it."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("costmodel", "native", "setup.py", "pyproject.toml", "README.md", "LICENSE")


def copy_of_package(folder: Path) -> Path:
    """The sources without what was compiled, in `folder`. Skips the test where a build would need a network."""
    bundled = ROOT / "build" / "bundled"
    if not bundled.is_dir():
        pytest.skip("the libraries that the build brings are not cached in build/bundled")
    (folder / "build").mkdir(parents=True)
    (folder / "build" / "bundled").symlink_to(bundled)
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("*.so", "__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder
