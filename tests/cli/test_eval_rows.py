"""`calibrate eval` over a Parquet corpus as its user meets it."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq

from tests.cli.command import ENVIRONMENT, MAIN, calibrate, one_line, workers_of
from tests.workloads.rows import CPU, row, write


def test_an_exact_corpus_ends_with_0_and_its_results_are_parquet(tmp_path: Path) -> None:
    corpus, out = write(tmp_path / "corpus.parquet", [row()] * 3), tmp_path / "results.parquet"
    result = calibrate("eval", corpus, "--out", out, "--json")
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert (document["rows"], document["exact"], document["statuses"]) == (3, 3, {"success": 3})
    assert pq.read_table(out).column("cpu").to_pylist() == [CPU] * 3


def test_what_is_refused_took_no_time_to_evaluate(tmp_path: Path) -> None:
    refused = row(program=b"\xff", success=False)
    document = json.loads(calibrate("eval", write(tmp_path / "a.parquet", [row(), refused, refused]), "--json").stdout)
    assert document["statuses"] == {"success": 1, "refused": 2}
    assert document["latency_ns"]["evaluate"]["median"] > 100
    nothing = json.loads(calibrate("eval", write(tmp_path / "b.parquet", [refused]), "--json").stdout)
    assert nothing["latency_ns"]["evaluate"] is None


def test_a_mismatch_ends_with_1_and_is_shown(tmp_path: Path) -> None:
    result = calibrate("eval", write(tmp_path / "corpus.parquet", [row(), row(id="odd\x1b[2J", cpu=1)]))
    assert result.returncode == 1
    assert "miss: odd\\x1b[2J" in result.stdout
    assert "1 of 2 rows exact" in result.stdout


def test_a_broken_corpus_is_refused_in_one_line_and_leaves_no_results(tmp_path: Path) -> None:
    corpus, out = write(tmp_path / "corpus.parquet", [row(), row(program=None)]), tmp_path / "results.parquet"
    assert "row 1 has no program" in one_line(calibrate("eval", corpus, "--out", out))
    assert list(tmp_path.iterdir()) == [corpus]


def test_the_corpus_is_never_written_over(tmp_path: Path) -> None:
    corpus = write(tmp_path / "corpus.parquet", [row()])
    assert "is the corpus itself" in one_line(calibrate("eval", corpus, "--out", corpus))


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    assert "no rows" in one_line(calibrate("eval", write(tmp_path / "corpus.parquet", [])))


def test_options_for_parquet_are_refused_elsewhere(tmp_path: Path) -> None:
    program = tmp_path / "program.uplc"
    program.write_text("(program 1.0.0 (con unit ()))")
    assert "not a corpus in rows" in one_line(calibrate("eval", program, "--jobs", "2"))


def test_an_interrupt_ends_it_in_one_line_and_leaves_no_results(tmp_path: Path) -> None:
    corpus, out = write(tmp_path / "corpus.parquet", [row()] * 1_000, times=300), tmp_path / "results.parquet"
    command = [*MAIN, "eval", str(corpus), "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    while process.poll() is None and not list(tmp_path.glob(".tmp-*")):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert (process.returncode, complaint.splitlines()[-1]) == (130, "calibrate: interrupted")
    assert list(tmp_path.iterdir()) == [corpus]


def test_a_kill_leaves_no_process_behind(tmp_path: Path) -> None:
    corpus = write(tmp_path / "corpus.parquet", [row()] * 1_000, times=300)
    command = [*MAIN, "eval", str(corpus), "--jobs", "2", "--out", str(tmp_path / "results.parquet")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        while process.poll() is None and not workers_of(process.pid):
            time.sleep(0.05)
        left = workers_of(process.pid)
        process.kill()
    assert left
    for _ in range(600):  # they notice at once, and one that did not would stay for ever
        left = [worker for worker in left if Path(f"/proc/{worker}").exists()]
        if not left:
            break
        time.sleep(0.05)
    assert not left
