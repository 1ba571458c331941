"""What happens to a result that cannot be written, and to names that are not text."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from costmodel.model import Variant, dump, ledger_model
from tests.cli.command import ENVIRONMENT, MAIN, calibrate, one_line


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "text.uplc"
    path.write_text('(program 1.0.0 (con string "\u00e9"))')
    return path


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_full_disk_is_one_line(program: Path, options: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [*MAIN, "eval", str(program), *options], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 2
    assert result.stderr == "calibrate: writing the result: No space left on device\n"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_reader_that_left_is_no_failure(program: Path, options: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [*MAIN, "eval", str(program), *options], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")


def test_closed_streams_are_no_traceback(program: Path) -> None:
    command = subprocess.list2cmdline([*MAIN, "eval", str(program)])
    result = subprocess.run(["sh", "-c", f"{command} >&-"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "calibrate: stdout is closed; leave it open for the result\n")


def test_a_complaint_does_not_go_to_stdout_instead(tmp_path: Path) -> None:
    command = subprocess.list2cmdline([*MAIN, "eval", str(tmp_path / "nowhere")])
    result = subprocess.run(["sh", "-c", f"{command} 2>&-"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")


def test_characters_that_the_terminal_lacks_are_escaped(program: Path) -> None:
    environment = ENVIRONMENT | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run([*MAIN, "eval", str(program)], capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0
    assert r"\xe9" in result.stdout


def test_ctrl_c_while_the_commands_are_loaded_is_one_line() -> None:
    # An interrupt in the middle of an import, at a moment that no timing has to hit.
    interrupting = """
import sys
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == "costmodel.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupter())
from costmodel.cli import main
main()
"""
    result = subprocess.run([MAIN[0], "-c", interrupting], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "calibrate: interrupted\n")


def test_no_command_shows_the_help() -> None:
    result = calibrate()
    assert result.returncode == 2
    assert "Make a cost model:\n" in result.stdout


def test_a_name_that_is_not_utf_8_is_one_line(tmp_path: Path) -> None:
    model = tmp_path / os.fsdecode(b"\xff.json")
    model.write_bytes(dump(ledger_model(Variant.D)))
    result = calibrate("validate", model, "--measurements", tmp_path, "--loops", "1", "--time-budget", "1s")
    assert "is not UTF-8" in one_line(result)


def test_ctrl_c_during_a_callback_is_not_lost() -> None:
    """The interpreter drops what callbacks of weak references raise."""
    script = """
import sys, time, weakref
from costmodel.cli.app import interrupt_again
sys.unraisablehook = interrupt_again
class Thing: ...
def callback(_): raise KeyboardInterrupt
thing = Thing()
reference = weakref.ref(thing, callback)
del thing
try:
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False)
    assert (result.stdout, result.stderr) == ("interrupted\n", "")


def test_a_request_to_end_is_as_ctrl_c(tmp_path: Path) -> None:
    """SIGTERM, as schedulers send it, in the middle of a command: it tidies up and says so."""
    ending = """
import os, signal, sys
from costmodel.cli import main
from costmodel.proposals import build
build.live_arrays = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
main()
"""
    model = tmp_path / "model.json"
    model.write_bytes(dump(ledger_model(Variant.E)))
    command = [MAIN[0], "-c", ending, "propose", str(model), "--out", str(tmp_path / "p"), "--jobs", "1"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (130, "", "calibrate: interrupted\n")
    assert list(tmp_path.iterdir()) == [model]


def test_a_reader_that_left_does_not_turn_a_failed_check_into_a_success(tmp_path: Path) -> None:
    program = tmp_path / "error.uplc"
    program.write_text("(program 1.0.0 (error))")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run([*MAIN, "eval", str(program), "--json"], stdout=writing, check=False)
    finally:
        os.close(writing)
    assert result.returncode == calibrate("eval", program, "--json").returncode == 1
