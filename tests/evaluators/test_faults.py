"""What a driver does wrong costs the cell that it was asked about, with one line, and never the session."""

import json
import re
import sys
from pathlib import Path

import pytest

from costmodel.errors import CheckFailed, EnvironmentFault
from costmodel.records.run import RunStatus
from costmodel.runs.store import Run
from costmodel.timing import backend
from costmodel.timing.plan import Plan, choose_core
from costmodel.timing.session import measure
from tests.evaluators.drivers import command
from tests.timing.programs import ADD, DECODE, FORCE, cell

BAD = cell(
    "multiply",
    "[(builtin multiplyInteger) (con integer 2) (con integer 3)]",
    steps={"apply": 2, "builtin": 1, "const": 2},
    builtins={"multiplyInteger": 1},
)
# In other processes, where nobody is to wait half a minute for a driver that says nothing.
IMPATIENT = """
import costmodel.machine.driver_process as driver
driver._REPLY_SECONDS = 1.5
from costmodel.timing.worker import main
main()
"""

FAULTS = {
    "exits while loading": "its driver ended with code 7",
    "killed while loading": "its driver was killed by signal SIGKILL",
    "complains and exits": "its driver ended with code 1: boom: no such thing",
    "killed before a batch": "its driver was killed by signal SIGKILL",
    "killed during a batch": "its driver was killed by signal SIGKILL",
    "killed after a batch": "its driver was killed by signal SIGKILL",
    "silence": "it did not answer within 2 s",
    "silence while loading": "it did not answer within 2 s",
    "half a line": r"its driver ended with code 0 after half a line, '\{\"request\": .*'",
    "half a line and silence": "it did not answer within 2 s",
    "megabytes of noise": r"it wrote \d+ bytes without an end of the line",
    "noise before the answer": "it answered 'starting the evaluator', which is no message of the protocol: .*",
    "no JSON": r"it answered '\{\]', which is no message of the protocol: .*",
    "not UTF-8": "it answered .*, which is no message of the protocol: .*",
    "another request": r"it answered request \d+ where \d+ was asked",
    "unknown message": "it answered .*, which is no message of the protocol: .*",
    "wrong digest": "its result is another: digest 000000000000 instead of [0-9a-f]{12}",
    "changing digest": "it came to another result or other ExUnits than in the run before",
    "changing ExUnits": "it came to another result or other ExUnits than in the run before",
    "no results": "it answered 0 results for 1 programs",
    "clock backwards": "its clock ran backwards: -5 ns",
    "clock too fast": r"its clock counted 1000000000000 ns in a request that took \d+ ns",
    "refused builtin": "refused: no such builtin",
    "failure": "evaluation failure: it failed",
    "out of budget": "out of budget: no reason given",
    "loaded instead of timed": "it answered that a program is loaded where a time was asked",
}


def plan(fault: str, *cells: object) -> Plan:
    return Plan(
        cells=cells or (ADD, FORCE, BAD, DECODE),  # type: ignore[arg-type]
        core=choose_core(),
        target_batch_us=20.0,
        blocks_per_process=4,
        min_processes=1,
        max_processes=1,
        evaluator=command(fault),
    )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_WORKER", (sys.executable, "-P", "-c", IMPATIENT))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_costs_one_cell(fault: str, tmp_path: Path) -> None:
    run = measure(plan(fault), tmp_path, "test", time_budget=60.0)
    assert run.manifest.status is RunStatus.COMPLETE
    reason = run.manifest.uncertain["multiply"]
    assert re.fullmatch(f"lost: {FAULTS[fault]}", reason), reason
    assert set(run.samples()["cell"]) - {"multiply"} == {"add", "force", "decode"}
    assert not any(why.startswith("lost") for name, why in run.manifest.uncertain.items() if name != "multiply")
    kinds = [json.loads(line)["kind"] for line in (run.path / "messages.jsonl").read_text().splitlines()]
    assert kinds.count("cell_lost") == 1


@pytest.mark.parametrize("fault", ["", "megabytes of complaints"])
def test_a_driver_that_answers_loses_nothing(fault: str, tmp_path: Path) -> None:
    run = measure(plan(fault), tmp_path, "test", time_budget=60.0)
    assert set(run.samples()["cell"]) == {"add", "force", "multiply", "decode"}
    assert not any(why.startswith("lost") for why in run.manifest.uncertain.values())
    assert run.manifest.evaluator["name"] == "fake"
    assert run.manifest.ex_units == {}


def test_other_ex_units_are_told_by_cell(tmp_path: Path) -> None:
    run = measure(plan("other ExUnits"), tmp_path, "test", time_budget=60.0)
    assert list(run.manifest.ex_units) == ["multiply"]
    assert re.fullmatch(r"(\d+) ps and \d+ words, exact \d+ and \d+", run.manifest.ex_units["multiply"])
    assert "multiply" in set(run.samples()["cell"])


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("no hello", "its first line is 'ready', which is no hello"), ("another protocol", "it speaks version 2")],
)
def test_a_driver_that_does_not_start_leaves_no_run(fault: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=reason):
        measure(plan(fault), tmp_path, "test")
    assert list(tmp_path.iterdir()) == []


def test_a_session_in_which_every_cell_is_lost_fails(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="no cell could be measured, the first because: refused: no such builtin"):
        measure(plan("refused builtin", BAD), tmp_path, "test", time_budget=60.0)
    (path,) = tmp_path.iterdir()
    assert Run.open(path).manifest.status is RunStatus.INTERRUPTED
