"""The steps of the Containerfile: those that need neither root nor a network are run, and the others are looked at."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.command import ENVIRONMENT, MAIN

ROOT = Path(__file__).resolve().parents[2]
HOME = "/opt/calibrate"


def steps() -> list[str]:
    """What RUN lines run."""
    text = (ROOT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    return re.findall(r"^RUN (.+)$", text, flags=re.MULTILINE)


def packages() -> list[list[str]]:
    """What each apt-get step installs."""
    found = [shlex.split(step)[1:] for step in steps() if step.startswith("apt-get install")]
    return [[word for word in words[1:] if not word.startswith("-")] for words in found]


def test_every_step_is_of_a_kind_that_is_tested() -> None:
    kinds = {(words := shlex.split(step))[0] + (f" {words[1]}" if words[0] == "apt-get" else "") for step in steps()}
    assert kinds == {"apt-get update", "apt-get install", "python3", f"{HOME}/bin/pip", "calibrate"}


def test_it_builds_with_the_libraries_of_the_setup() -> None:
    libraries = re.search(r'^LIBRARIES="([^"]*)"', (ROOT / "scripts" / "setup").read_text("utf-8"), flags=re.MULTILINE)
    assert libraries is not None
    built, _ = packages()
    assert {each.partition(":")[2] for each in libraries[1].split()} <= set(built)


def test_a_library_to_build_with_has_one_to_run_with() -> None:
    built, run = packages()
    stems = [re.sub(r"^lib|-dev$", "", name) for name in built if name.endswith("-dev") and "python" not in name]
    assert [stem for stem in stems if stem != "c6" and not [name for name in run if stem in name]] == []


@pytest.mark.skipif(shutil.which("apt-cache") is None, reason="not a Debian: its packages cannot be looked up")
def test_debian_has_every_package() -> None:
    if 'VERSION_ID="12"' not in Path("/etc/os-release").read_text("utf-8"):
        pytest.skip("packages are named as Debian 12 names them")
    names = [name for each in packages() for name in each]
    done = subprocess.run(["apt-cache", "show", *names], capture_output=True, text=True, check=False)
    if not done.stdout:
        pytest.skip("apt has no lists of packages")
    known = set(re.findall(r"^Package: (.+)$", done.stdout, flags=re.MULTILINE))
    assert [name for name in names if name not in known] == []


def test_the_environment_is_made_and_compiled(tmp_path: Path) -> None:
    made = [step for step in steps() if step.startswith("python3 ")]
    assert len(made) == 2
    for step in made:
        # pip would be copied from Python's own wheel, which takes seconds and is not the project's.
        command = step.replace(HOME, str(tmp_path / "home")).replace("-m venv", "-m venv --without-pip")
        subprocess.run(shlex.split(command), check=True, cwd=tmp_path)
    assert (tmp_path / "home" / "bin" / "python3").exists()


def test_pip_installs_what_is_copied() -> None:
    """Run by `make wheel`, which installs the package into an empty environment; here it would take minutes."""
    (installed,) = (step for step in steps() if "/pip " in step)
    target = shlex.split(installed)[-1]
    assert f"COPY . {target}" in (ROOT / "Containerfile").read_text("utf-8").splitlines()


def test_the_last_steps_try_the_command(tmp_path: Path) -> None:
    tried = [step for step in steps() if step.startswith("calibrate ")]
    assert len(tried) == 2
    for step in tried:
        arguments = [word for word in shlex.split(step)[1:] if not word.startswith(">")]
        done = subprocess.run([*MAIN, *arguments], env=ENVIRONMENT, cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
