"""The sample repository of examples/ci as a git repository: a good commit, tagged `before`, and a slower one on top."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "examples" / "ci" / "sample"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def sample_repository(folder: Path, *, slower: bool = True) -> Path:
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "An evaluator")
    git(folder, "tag", "before")
    if slower:
        git(folder, "apply", "slower.patch")
        git(folder, "commit", "-qam", "Copy environments")
    return folder
