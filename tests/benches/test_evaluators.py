"""Which drivers are there, and what is said of those that are not."""

import sys
from pathlib import Path

from benches.evaluators import EVALUATORS, PEERS, Evaluator, prepare


def test_absent_toolchain_leaves_a_line(tmp_path: Path) -> None:
    peer = Evaluator("aiken", "no-such-tool", run=("{product}/driver",), build=(("no-such-tool",),))
    prepared = prepare((peer,), tmp_path)
    assert prepared.ready == []
    assert prepared.left_out == ["aiken is left out: no-such-tool is not installed"]


def test_failed_build_leaves_its_last_line(tmp_path: Path) -> None:
    build = ("{python}", "-c", "import sys; sys.exit('no such crate')")
    prepared = prepare((Evaluator("aiken", sys.executable, run=("driver",), build=(build,)),), tmp_path)
    assert len(prepared.left_out) == 1
    assert prepared.left_out[0].startswith("aiken is left out: its build failed (no such crate; see ")


def test_driver_is_built_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    build = ("{python}", "-c", f"open({str(count)!r}, 'a').write('x')")
    peer = Evaluator("aiken", sys.executable, run=("{source}/driver",), build=(build,))
    for _ in range(2):
        (ready,) = prepare((peer,), tmp_path / "build").ready
    assert count.read_text() == "x"
    assert ready.command == (str(tmp_path / "build" / "source" / "aiken" / "driver"),)


def test_every_peer_has_a_folder() -> None:
    folders = {path.name for path in PEERS.iterdir() if path.is_dir()}
    assert {evaluator.name for evaluator in EVALUATORS if evaluator.build} == folders - {"__pycache__"}
