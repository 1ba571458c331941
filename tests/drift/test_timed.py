"""Timed drift: verdicts over known ratios, and two real builds side by side."""

import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from costmodel import __file__ as package_file
from costmodel.drift import timed as drift_timed
from costmodel.drift.limits import NO_LIMITS, with_defaults
from costmodel.drift.suite import drift_suite
from costmodel.drift.timed import compare_builds
from costmodel.drift.verdict import DriftVerdict
from costmodel.errors import EnvironmentFault, Inconclusive, InputError
from costmodel.judging.estimate import Change
from costmodel.timing import duet
from costmodel.timing.clock import choose_clock
from costmodel.timing.duet import Build, Ratios, play

CORE = max(os.sched_getaffinity(0))
CELLS = [cell for cell in drift_suite() if cell.id.startswith("steps")]


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> object:
    """Duets of known ratios instead of real ones: log-ratio and its spread between pairs, by cell."""

    def install(**law: tuple[float, float]) -> None:
        chance = np.random.default_rng(1)

        def known(_baseline: Build, _candidate: Build, cells: list[object], *, rounds: int, **_: object) -> Ratios:
            laws = [law.get(cell.operation, (0.0, 0.001)) for cell in cells]  # type: ignore[attr-defined]
            pair = np.array([chance.normal(mean, spread) for mean, spread in laws])
            return Ratios(np.tile(pair, (rounds, 1)), np.full((2, len(cells)), 1000.0))

        monkeypatch.setattr(drift_timed, "play", known)

    return install


def verdict(tolerance: float = 0.01, seconds: float = 100.0) -> DriftVerdict:
    limits = with_defaults(NO_LIMITS, f"{100 * tolerance:g}%", None)
    return compare_builds(Build.this(), Build.this(), CELLS, core=CORE, limits=limits, seconds=seconds)


def statuses(found: DriftVerdict) -> dict[str, Change]:
    return {drift.dominant: drift.status for drift in found.drifts}


def test_known_changes_are_named(played) -> None:  # type: ignore[no-untyped-def]
    played(loop=(0.03, 0.002), sums=(-0.03, 0.002), closures=(0.0, 0.002), delays=(0.01, 0.002))
    found = verdict()
    expected = {"regressed": "loop", "improved": "sums", "unchanged": "closures", "inconclusive": "delays"}
    assert statuses(found) == {name: Change(status) for status, name in expected.items()}
    assert found.exit_code == 1


def test_straddling_the_band_is_inconclusive_and_no_pass(played) -> None:  # type: ignore[no-untyped-def]
    played(loop=(0.01, 0.002))
    assert verdict().exit_code == 3


def test_no_change_is_rarely_called_one(played) -> None:  # type: ignore[no-untyped-def]
    played(**{cell.operation: (0.0, 0.01) for cell in CELLS})
    alarms = sum(verdict(tolerance=0.001).status in (Change.REGRESSED, Change.IMPROVED) for _ in range(40))
    assert alarms <= 5  # 2 are expected of the 5 %; more than 5 come by chance in 1 % of 40 trials


def test_a_process_that_is_slow_for_its_whole_life_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(2)
    taken: list[int] = []

    def known(_baseline: Build, _candidate: Build, cells: list[object], *, rounds: int, **_: object) -> Ratios:
        taken.append(1)
        pair = chance.normal(0, 0.002, len(cells)) + (0.8 if len(taken) % 9 == 3 else 0.0)
        return Ratios(np.tile(pair, (rounds, 1)), np.full((2, len(cells)), 1000.0))

    monkeypatch.setattr(drift_timed, "play", known)
    assert verdict().status is Change.UNCHANGED


def test_rounds_that_a_change_of_pace_hit_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)

    def known(_baseline: Build, _candidate: Build, cells: list[object], *, rounds: int, **_: object) -> Ratios:
        hit = chance.random((rounds, len(cells))) < 0.3
        logs = chance.normal(0.0, 0.002, (rounds, len(cells))) + hit * 0.1
        return Ratios(logs, np.full((2, len(cells)), 1000.0))

    monkeypatch.setattr(drift_timed, "play", known)
    assert verdict().status is Change.UNCHANGED


def test_too_little_time_is_inconclusive(played) -> None:  # type: ignore[no-untyped-def]
    played()
    with pytest.raises(Inconclusive, match="allow more time"):
        verdict(seconds=1e-9)


def test_rounds_of_a_pair_give_every_cell_a_ratio() -> None:
    found = play(Build.this(), Build.this(), CELLS, core=CORE, clock=choose_clock(), rounds=3, seed="x")
    assert found.logs.shape == (3, len(CELLS))
    assert found.ns.shape == (2, len(CELLS))
    known = found.ns[np.isfinite(found.ns)]
    assert ((known > 100) & (known < 1e8)).all()


def test_rounds_are_spread_over_places() -> None:
    found = play(Build.this(), Build.this(), CELLS, core=CORE, clock=choose_clock(), rounds=4, seed="x", draws=2)
    assert found.logs.shape == (4, len(CELLS))


def test_folder_of_a_package_is_a_build(tmp_path: Path) -> None:
    package = Path(package_file).parent
    shutil.copytree(package, tmp_path / "costmodel", ignore=shutil.ignore_patterns("__pycache__"))
    build = Build.at(tmp_path)
    assert build.path == (str(tmp_path),)
    play(build, Build.this(), CELLS[:1], core=CORE, clock=choose_clock(), rounds=1, seed="x")


def test_folder_without_a_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no build of calibrate"):
        Build.at(tmp_path)


def test_build_that_cannot_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "costmodel").mkdir()
    (tmp_path / "costmodel" / "__init__.py").touch()
    (tmp_path / "costmodel" / "_native.so").touch()
    with pytest.raises(EnvironmentFault, match=str(tmp_path)):
        play(Build.at(tmp_path), Build.this(), CELLS[:1], core=CORE, clock=choose_clock(), rounds=1, seed="x")


def test_build_of_another_version_is_named(tmp_path: Path) -> None:
    package = Path(package_file).parent
    shutil.copytree(package, tmp_path / "costmodel", ignore=shutil.ignore_patterns("__pycache__"))
    protocol = tmp_path / "costmodel" / "timing" / "protocol.py"
    head = "class DuetPart(msgspec.Struct, frozen=True, kw_only=True):\n"
    protocol.write_text(protocol.read_text().replace(head, f"{head}    more: int\n"))
    with pytest.raises(EnvironmentFault, match=r"more.*like versions"):
        play(Build.at(tmp_path), Build.this(), CELLS[:1], core=CORE, clock=choose_clock(), rounds=1, seed="x")


def test_turns_cover_every_cell_once() -> None:
    chance = random.Random(3)
    turns = [list(turn) for turn in duet._turns(21, chance)]
    assert sorted(index for turn in turns for index in turn) == list(range(21))
