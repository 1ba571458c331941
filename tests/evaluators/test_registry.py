"""Drivers that come with calibrate, and how they are built."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from costmodel.errors import EnvironmentFault, InputError
from costmodel.evaluators import DRIVERS, Driver, cache_folder, driver_named, registry
from costmodel.evaluators.check import check
from costmodel.records.evaluator import TrustVerdict

MAKE = "import pathlib, sys; pathlib.Path('made').write_text('yes'); print('made it')"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A driver with one file of sources, and an empty cache."""
    sources = tmp_path / "sources"
    (sources / "toy").mkdir(parents=True)
    (sources / "toy" / "driver.txt").write_text("one")
    monkeypatch.setattr(registry, "SOURCES", sources)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Driver("toy", "toy", "1", "{python}", (("{python}", "-c", MAKE),), ("{python}", "{folder}/driver.txt"))


def test_builds_are_kept_where_caches_belong() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/var/cache/me"}) == Path("/var/cache/me/calibrate/evaluators")
    for unset in ({}, {"XDG_CACHE_HOME": "relative"}):
        assert cache_folder(unset) == Path.home() / ".cache" / "calibrate" / "evaluators"


def test_a_driver_is_built_once(toy: Driver) -> None:
    assert registry.built(toy) is None
    done = registry.build(toy)
    assert (done.folder / "made").read_text() == "yes"
    assert done.command.command == (sys.executable, str(done.folder / "driver.txt"))
    (done.folder / "made").unlink()
    assert registry.build(toy) == done
    assert not (done.folder / "made").exists()


def test_changed_sources_are_built_anew(toy: Driver) -> None:
    first = registry.build(toy)
    (registry.SOURCES / "toy" / "driver.txt").write_text("two")
    assert registry.built(toy) is None
    second = registry.build(toy)
    assert second.identity != first.identity
    assert (second.folder / "driver.txt").read_text() == "two"


def test_a_failed_build_is_one_line_and_no_build(toy: Driver) -> None:
    broken = replace(toy, build=(("{python}", "-c", "import sys; sys.exit('no compiler here')"),))
    with pytest.raises(EnvironmentFault, match="building toy failed: no compiler here"):
        registry.build(broken)
    assert registry.built(broken) is None


def test_a_missing_tool_is_named(toy: Driver) -> None:
    with pytest.raises(EnvironmentFault, match="building toy needs no-such-tool, which is not installed"):
        registry.build(replace(toy, tool="no-such-tool"))


def test_a_driver_that_is_not_built_says_how_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match="not built; run: calibrate evaluators build amaru"):
        driver_named("amaru")


def test_an_unknown_evaluator_is_named() -> None:
    with pytest.raises(InputError, match="unknown evaluator 'armadillo'"):
        driver_named("armadillo")


def test_commands_are_told_apart_by_their_files(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text("one")
    first = driver_named(f"{sys.executable} {script}")
    script.write_text("two")
    assert driver_named(f"{sys.executable} {script}").identity != first.identity


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_drivers_are_short_and_pinned(driver: Driver) -> None:
    files = [path for path in (registry.SOURCES / driver.name).iterdir() if path.is_file()]
    (source,) = (path for path in files if path.suffix in (".rs", ".go", ".py", ".mjs"))
    assert len(source.read_text().splitlines()) < 200
    # cargo's lock file names a registry's host, so its packages are pinned where they are named.
    pins = {"Cargo.toml", "go.mod", "package-lock.json", "requirements.txt"} & {path.name for path in files}
    assert any(driver.version in path.read_text() for path in files if path.name in pins)


UNTIMED = ("handshake", "refusals", "results", "threads")
# serialiseData: one writes maps with an end mark, the other lists with their length; the ledger does the opposite.
KNOWN_FAULTS = {"harmoniclabs": {"results"}, "opshin": {"results"}}


@pytest.mark.parametrize("driver", DRIVERS, ids=lambda driver: driver.name)
def test_a_built_driver_has_no_faults_but_the_known(driver: Driver) -> None:
    done = registry.built(driver)
    if done is None:
        pytest.skip(f"the driver of {driver.name} is not built; run: calibrate evaluators build {driver.name}")
    if shutil.which(done.command.command[0]) is None:
        pytest.skip(f"{done.command.command[0]} is not installed")
    checks = check(driver.name, names=UNTIMED).checks
    assert {one.name for one in checks} == set(UNTIMED)
    bad = {one.name: one.found for one in checks if one.verdict is TrustVerdict.BAD}
    assert set(bad) == KNOWN_FAULTS.get(driver.name, set()), bad
