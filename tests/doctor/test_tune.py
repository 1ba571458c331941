"""Settings are put back whatever happens: real files, real processes, real kills."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from costmodel.doctor.settings import Host, put_back_leftovers
from costmodel.doctor.tune import run_command, tuned
from costmodel.errors import DecodeError, EnvironmentFault, InputError
from costmodel.records import encode
from costmodel.records.doctor import SavedSettings, SettingChange
from tests.doctor.machines import BARE, CORE, DESKTOP, GUEST, host

ROOT = Path(__file__).resolve().parents[2]
GOVERNOR = "devices/system/cpu/cpu1/cpufreq/scaling_governor"
NO_TURBO = "devices/system/cpu/intel_pstate/no_turbo"
STATE = "calibrate/settings.json"

TUNER = """
import sys, time
from pathlib import Path
from costmodel.doctor.settings import Host
from costmodel.doctor.tune import tuned
root = Path(sys.argv[1])
with tuned(Host(root / "sys", root / "proc", root / "run"), 1):
    print("tuned", flush=True)
    time.sleep(60)
"""


def values(machine: Host) -> tuple[str, str]:
    governor, no_turbo = ((machine.sys / name).read_text().strip() for name in (GOVERNOR, NO_TURBO))
    return governor, no_turbo


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("what was waited for did not happen within 30 seconds")


@pytest.fixture
def machine(tmp_path: Path) -> Host:
    return host(tmp_path, DESKTOP)


@pytest.fixture
def tuner(machine: Host, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has tuned the machine and would keep it so for long."""
    arguments = [sys.executable, "-c", TUNER, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "tuned\n"
        yield process
        process.kill()


def guard_of(parent: int) -> int:
    (found,) = (
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/stat")
        if path.read_text().rpartition(")")[2].split()[1] == str(parent)
    )
    return found


def ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_settings_are_made_and_put_back(machine: Host) -> None:
    with tuned(machine, CORE) as changes:
        assert values(machine) == ("performance", "1")
        assert [(change.name, change.before, change.after) for change in changes] == [
            ("governor", "powersave", "performance"),
            ("turbo", "0", "1"),
        ]
    assert values(machine) == ("powersave", "0")
    assert not (machine.run / STATE).exists()


def test_they_are_put_back_after_an_error(machine: Host) -> None:
    with pytest.raises(ZeroDivisionError), tuned(machine, CORE):
        raise ZeroDivisionError
    assert values(machine) == ("powersave", "0")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_they_are_put_back_when_the_tuner_is_killed(
    tuner: subprocess.Popen[str], machine: Host, number: signal.Signals
) -> None:
    assert values(machine) == ("performance", "1")
    tuner.send_signal(number)
    tuner.wait(timeout=30)
    wait_for(lambda: values(machine) == ("powersave", "0"))
    wait_for(lambda: not (machine.run / STATE).exists())


def test_the_next_run_puts_back_what_a_killed_guard_left(tuner: subprocess.Popen[str], machine: Host) -> None:
    guard = guard_of(tuner.pid)
    os.kill(tuner.pid, signal.SIGSTOP)  # or it would notice the guard's end
    os.kill(guard, signal.SIGKILL)
    os.kill(tuner.pid, signal.SIGKILL)
    tuner.wait(timeout=30)
    wait_for(lambda: ended(guard))  # with it goes its hold on the lock
    assert values(machine) == ("performance", "1")
    assert [change.name for change in put_back_leftovers(machine)] == ["governor", "turbo"]
    assert values(machine) == ("powersave", "0")
    assert put_back_leftovers(machine) == []


@pytest.mark.usefixtures("tuner")
def test_what_another_run_tuned_is_left_alone(machine: Host) -> None:
    assert put_back_leftovers(machine) == []
    assert values(machine) == ("performance", "1")
    with pytest.raises(EnvironmentFault, match="written by another process"), tuned(machine, CORE):
        pass


def test_a_setting_that_somebody_changed_since_stays(machine: Host) -> None:
    with tuned(machine, CORE):
        (machine.sys / GOVERNOR).write_text("schedutil\n")
    assert values(machine) == ("schedutil", "0")


@pytest.mark.parametrize("files", [BARE, GUEST])
def test_where_nothing_is_to_be_set_nothing_is_kept(tmp_path: Path, files: dict[str, str]) -> None:
    machine = host(tmp_path, files)
    with tuned(machine, CORE) as changes:
        assert changes == []
        assert not (machine.run / STATE).exists()


def test_a_refused_setting_is_one_line_and_undoes_the_others(machine: Host) -> None:
    turbo = machine.sys / NO_TURBO
    turbo.unlink()
    turbo.symlink_to("/proc/version")  # root may not write it either
    with pytest.raises(EnvironmentFault, match="cannot set turbo"), tuned(machine, CORE):
        pass
    assert (machine.sys / GOVERNOR).read_text() == "powersave\n"
    assert not (machine.run / STATE).exists()


@pytest.mark.parametrize("path", ["../../etc/passwd", "kernel/mm/transparent_hugepage/enabled", GOVERNOR + "/../x"])
def test_only_known_settings_are_put_back(machine: Host, path: str) -> None:
    (machine.run / "calibrate").mkdir(parents=True)
    change = SettingChange(name="governor", path=path, before="evil", after="performance")
    (machine.run / STATE).write_bytes(encode(SavedSettings(changes=(change,))))
    with pytest.raises(DecodeError, match="this machine has no such setting"):
        put_back_leftovers(machine)


def test_a_commands_exit_code_is_handed_on() -> None:
    assert run_command([sys.executable, "-c", "raise SystemExit(7)"]) == 7
    assert run_command([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137


def test_a_command_that_does_not_exist_is_one_line() -> None:
    with pytest.raises(InputError, match="cannot run 'no-such-command'"):
        run_command(["no-such-command"])
