"""What is said of machines of several kinds."""

import platform
from pathlib import Path

import pytest

from costmodel.doctor.checks import system_checks
from costmodel.records.doctor import CheckVerdict, MachineCheck
from costmodel.records.run import core_list
from tests.doctor.machines import BARE, CORE, DESKTOP, GUEST, host

needs_tsc = pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86-64 has a TSC")


def checks(root: Path, files: dict[str, str]) -> dict[str, MachineCheck]:
    return {check.name: check for check in system_checks(host(root, files), CORE)}


def test_a_machine_set_right_passes_every_check(tmp_path: Path) -> None:
    found = checks(tmp_path, BARE)
    assert {check.verdict for check in found.values()} == {CheckVerdict.OK}
    assert not any(check.advice for check in found.values())


@pytest.mark.parametrize(
    ("name", "found", "advice"),
    [
        ("governor", "powersave", "echo performance > {sys}/devices/system/cpu/cpu1/cpufreq/scaling_governor"),
        ("turbo", "on", "echo 1 > {sys}/devices/system/cpu/intel_pstate/no_turbo"),
        ("sibling", "core 3", "echo 0 > {sys}/devices/system/cpu/cpu3/online"),
        ("isolation", "other work", "isolcpus=1 nohz_full=1 rcu_nocbs=1"),
        ("load", "3.70 runnable threads in the last minute on 4 cores", "ps -eo"),
    ],
)
def test_what_disturbs_is_a_warning_with_its_remedy(tmp_path: Path, name: str, found: str, advice: str) -> None:
    check = checks(tmp_path, DESKTOP)[name]
    assert check.verdict is CheckVerdict.WARN
    assert found in check.found
    assert advice.format(sys=tmp_path / "sys") in check.advice


def test_isolation_by_half_is_a_warning(tmp_path: Path) -> None:
    check = checks(tmp_path, BARE | {"sys/devices/system/cpu/nohz_full": "2"})["isolation"]
    assert (check.verdict, check.found) == (CheckVerdict.WARN, "isolated only")


def test_boost_of_other_drivers_is_turbo_too(tmp_path: Path) -> None:
    files = dict(DESKTOP)
    del files["sys/devices/system/cpu/intel_pstate/no_turbo"]
    check = checks(tmp_path, files | {"sys/devices/system/cpu/cpufreq/boost": "1"})["turbo"]
    assert check.verdict is CheckVerdict.WARN
    assert "echo 0 > " in check.advice


@pytest.mark.parametrize("name", ["governor", "turbo"])
def test_a_guest_does_not_see_frequencies(tmp_path: Path, name: str) -> None:
    check = checks(tmp_path, GUEST)[name]
    assert (check.verdict, check.found) == (CheckVerdict.UNSEEN, "not visible in this guest")


def test_a_guest_is_told_to_be_one(tmp_path: Path) -> None:
    check = checks(tmp_path, GUEST)["virtualisation"]
    assert check.verdict is CheckVerdict.WARN
    assert "Elastic Machine" in check.found


@needs_tsc
def test_a_tsc_that_may_stop_is_a_warning(tmp_path: Path) -> None:
    check = checks(tmp_path, GUEST)["clock"]
    assert check.verdict is CheckVerdict.WARN
    assert "not constant and nonstop" in check.found


@needs_tsc
def test_a_kernel_that_distrusts_the_tsc_is_a_warning(tmp_path: Path) -> None:
    files = BARE | {"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet"}
    check = checks(tmp_path, files)["clock"]
    assert check.verdict is CheckVerdict.WARN
    assert "hpet" in check.found


@pytest.mark.parametrize(
    ("text", "cores"), [("0-2,5", {0, 1, 2, 5}), ("7", {7}), ("", set()), ("(null)", set()), (None, set())]
)
def test_lists_of_cores_are_read(text: str | None, cores: set[int]) -> None:
    assert core_list(text) == cores
