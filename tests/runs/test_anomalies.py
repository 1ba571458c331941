"""Runs with something wrong, made by hand from one that has nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from costmodel.errors import InputError
from costmodel.records.run import ClockRecord, Machine, RunStatus, manifest_checksum
from costmodel.runs.anomalies import Finding, Kind, pool_findings, run_findings, verify_folder
from costmodel.runs.store import Run, RunWriter, file_fact
from costmodel.trace import JsonLines, Message, Severity
from tests.runs.facts import CLOCK, MACHINE
from tests.runs.test_store import PLAN, sample

SECOND = 10**9
KINDS = ("start", "process_begin", "block", "process_end", "end")


def messages(kinds: tuple[str, ...] = KINDS) -> list[Message]:
    """A session's messages, one a second."""
    begin = 1_700_000_000 * SECOND
    return [
        Message(
            namespace="timing.session",
            kind=kind,
            severity=Severity.INFO,
            timestamp=begin + number * SECOND,
            fields={},
            uptime=(100 + number) * SECOND,
        )
        for number, kind in enumerate(kinds)
    ]


def make(
    root: Path,
    log: list[Message] | None = None,
    *,
    machine: str = "here",
    evaluator: str = "ab",
    clock: str = "tsc",
) -> Path:
    """A complete run with a log of one block, which its samples agree with."""
    source = root / "model.json"
    source.write_bytes(b"{}")
    writer = RunWriter.create(
        root,
        "builtins",
        PLAN,
        machine=Machine(id=machine),
        versions={"calibrate": "1"},
        evaluator={"sha256": evaluator},
        clock=ClockRecord(name=clock, unit="ns"),
        inputs={str(source): file_fact(source)},
    )
    backend = JsonLines(writer.messages_path)
    for message in messages() if log is None else log:
        backend.emit(message)
    backend.close()
    writer.append([sample(0), sample(1, "large")])
    return writer.finish(RunStatus.COMPLETE, "done", backend.summary).path


def rewrite(run: Path, change: Callable[[list[Message]], list[Message]]) -> None:
    """Change a run's log behind its back."""
    path = run / "messages.jsonl"
    read = [msgspec.json.decode(line, type=Message) for line in path.read_bytes().splitlines()]
    path.write_bytes(b"".join(msgspec.json.encode(message) + b"\n" for message in change(read)))


def shifted(seconds: float, number: int) -> Callable[[list[Message]], list[Message]]:
    """From message `number` on, the clock stands elsewhere."""

    def change(log: list[Message]) -> list[Message]:
        later = [
            msgspec.structs.replace(message, timestamp=message.timestamp + int(seconds * SECOND))
            for message in log[number:]
        ]
        return log[:number] + later

    return change


def kinds(findings: tuple[Finding, ...]) -> set[Kind]:
    return {finding.kind for finding in findings}


def only(findings: tuple[Finding, ...], kind: Kind) -> Finding:
    (found,) = (finding for finding in findings if finding.kind is kind)
    return found


def test_nothing_is_odd_about_a_whole_run(tmp_path: Path) -> None:
    assert run_findings(make(tmp_path)) == ()


def test_a_changed_byte_a_missing_kind_and_a_clock_jump_are_all_named(tmp_path: Path) -> None:
    run = make(tmp_path)
    rewrite(run, lambda log: [message for message in log if message.kind != "process_begin"])
    rewrite(run, shifted(-3600, 2))
    found = run_findings(run)
    assert only(found, Kind.CHANGED).severity is Severity.ERROR
    assert only(found, Kind.CHANGED).where.endswith("messages.jsonl")
    assert "timing.session/process_begin" in only(found, Kind.MISSING_KIND).text
    assert "back by 3,600 s before message 3 (process_end)" in only(found, Kind.CLOCK_JUMP).text


@pytest.mark.parametrize("seconds", [3600, -3600, 0.5, -0.5])
def test_a_clock_that_was_set_is_told_by_the_uptime(tmp_path: Path, seconds: float) -> None:
    run = make(tmp_path)
    rewrite(run, shifted(seconds, 3))
    assert kinds(run_findings(run)) == {Kind.CHANGED, Kind.CLOCK_JUMP}


def test_a_log_without_uptimes_shows_a_clock_set_back(tmp_path: Path) -> None:
    run = make(tmp_path, [msgspec.structs.replace(message, uptime=0) for message in messages()])
    assert run_findings(run) == ()
    rewrite(run, shifted(-3600, 3))
    assert kinds(run_findings(run)) == {Kind.CHANGED, Kind.CLOCK_JUMP}


def test_a_silence_is_a_gap_and_no_clock_jump(tmp_path: Path) -> None:
    log = messages()
    late = [
        msgspec.structs.replace(one, timestamp=one.timestamp + 60 * SECOND, uptime=one.uptime + 60 * SECOND)
        for one in log[3:]
    ]
    found = run_findings(make(tmp_path, log[:3] + late))
    assert "61 s without a message before message 4 (process_end)" in only(found, Kind.GAP).text
    assert kinds(found) == {Kind.GAP}


def test_a_resumed_run_has_a_gap_that_is_explained(tmp_path: Path) -> None:
    """It may also have been resumed after the machine was started anew."""
    again = [
        msgspec.structs.replace(one, timestamp=one.timestamp + 900 * SECOND, uptime=one.uptime - 50 * SECOND)
        for one in messages()
        if one.kind != "block"
    ]
    found = run_findings(make(tmp_path, messages() + again))
    assert kinds(found) == {Kind.GAP}
    assert only(found, Kind.GAP).severity is Severity.INFO


def test_session_that_the_time_budget_ended_in_its_first_process_is_whole(tmp_path: Path) -> None:
    assert run_findings(make(tmp_path, messages(("start", "process_begin", "block", "end")))) == ()


def test_a_kind_that_every_session_has_is_missed_even_if_the_run_never_wrote_it(tmp_path: Path) -> None:
    found = run_findings(make(tmp_path, messages(("start", "block", "process_end", "end"))))
    assert kinds(found) == {Kind.MISSING_KIND}


def test_a_clusters_log_is_held_to_what_clusters_say(tmp_path: Path) -> None:
    names = {"process_begin": "node_ready", "process_end": "node_end"}
    log = [
        msgspec.structs.replace(message, namespace="cluster", kind=names.get(message.kind, message.kind))
        for message in messages()
    ]
    assert run_findings(make(tmp_path, log)) == ()
    (found,) = run_findings(make(tmp_path, [message for message in log if message.kind != "node_ready"]))
    assert found.text == "no message cluster/node_ready, though every complete session has some"


def test_more_ends_than_beginnings_are_an_odd_frequency(tmp_path: Path) -> None:
    writer_log = messages(("start", "process_begin", "process_end", "process_end", "block", "end"))
    assert kinds(run_findings(make(tmp_path, writer_log))) == {Kind.FREQUENCY}


def test_fewer_messages_than_blocks_of_samples_are_an_odd_frequency(tmp_path: Path) -> None:
    run = make(tmp_path)
    more = [msgspec.structs.replace(sample(number), block=number) for number in range(3)]
    manifest = Run.open(run).manifest
    writer = RunWriter(run, manifest, PLAN, (run / ".lock").open("ab"))
    writer.append(more)
    writer.finish(RunStatus.COMPLETE, "done", manifest.messages)
    found = only(run_findings(run), Kind.FREQUENCY)
    assert found.text == "1 of timing.session/block, the samples are of 3 blocks: messages are missing"


def test_a_message_more_than_the_manifest_counts_is_an_odd_frequency(tmp_path: Path) -> None:
    run = make(tmp_path)
    rewrite(run, lambda log: [*log[:3], log[2], *log[3:]])
    found = [finding for finding in run_findings(run) if finding.kind is Kind.FREQUENCY]
    assert "2 of timing.session/block, the manifest counts 1" in [finding.text for finding in found]


def test_a_line_that_is_no_message_is_named(tmp_path: Path) -> None:
    run = make(tmp_path)
    path = run / "messages.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"\xff" + lines[1][1:], *lines[2:]]))
    found = only(run_findings(run), Kind.DAMAGED_LOG)
    assert found.severity is Severity.ERROR
    assert "1 of its lines are no messages: 2 (" in found.text


def test_a_changed_input_is_a_warning_and_one_that_is_gone_is_said(tmp_path: Path) -> None:
    run = make(tmp_path)
    (tmp_path / "model.json").write_bytes(b"[]")
    assert only(run_findings(run), Kind.CHANGED_INPUT).severity is Severity.WARNING
    (tmp_path / "model.json").unlink()
    assert only(run_findings(run), Kind.CHANGED_INPUT).severity is Severity.INFO


def test_files_that_are_gone_or_not_listed_are_named(tmp_path: Path) -> None:
    run = make(tmp_path)
    (run / "samples.parquet").unlink()
    (run / "notes.txt").touch()
    found = run_findings(run)
    assert only(found, Kind.MISSING_FILE).where.endswith("samples.parquet")
    assert only(found, Kind.UNLISTED_FILE).where.endswith("notes.txt")


def test_damaged_samples_and_manifests_are_findings(tmp_path: Path) -> None:
    run = make(tmp_path)
    (run / "samples.parquet").write_bytes(b"PAR1")
    assert {Kind.CHANGED, Kind.UNREADABLE} <= kinds(run_findings(run))
    (run / "manifest.json").write_bytes(b"{")
    assert kinds(run_findings(run)) == {Kind.UNREADABLE}


def test_a_manifest_cannot_make_files_elsewhere_be_read(tmp_path: Path) -> None:
    run = make(tmp_path)
    manifest = run / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"messages.jsonl"', b'"../../etc/passwd"'))
    assert "outside of it" in only(run_findings(run), Kind.UNREADABLE).text


def edited(run: Path, change: Callable[[dict[str, Any]], object], *, sealed: bool = False) -> None:
    """Change a run's manifest behind its back, and its checksum with it where `sealed`."""
    path = run / "manifest.json"
    document = msgspec.json.decode(path.read_bytes())
    change(document)
    if sealed:
        document["checksum"] = manifest_checksum(document)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=4))


def test_a_manifest_that_was_edited_is_named_and_one_that_was_reformatted_is_not(tmp_path: Path) -> None:
    run = make(tmp_path)
    edited(run, lambda manifest: None)
    assert run_findings(run) == ()
    edited(run, lambda manifest: manifest["machine"].update(id="another"))
    found = only(run_findings(run), Kind.CHANGED)
    assert (found.severity, found.where) == (Severity.ERROR, str(run / "manifest.json"))
    assert "was edited" in found.text


def test_a_manifest_without_a_checksum_is_not_called_edited(tmp_path: Path) -> None:
    run = make(tmp_path)
    edited(run, lambda manifest: manifest.pop("checksum"))
    (found,) = run_findings(run)
    assert (found.kind, found.severity) == (Kind.UNLISTED_FILE, Severity.INFO)


def test_a_manifest_that_names_another_design_is_told(tmp_path: Path) -> None:
    run = make(tmp_path)
    edited(run, lambda manifest: manifest.update(design_sha256="0" * 64), sealed=True)
    assert only(run_findings(run), Kind.CHANGED).where.endswith("design.json")


def test_files_that_an_ended_run_does_not_vouch_for_are_named(tmp_path: Path) -> None:
    run = make(tmp_path)
    edited(run, lambda manifest: manifest.update(files={}), sealed=True)
    found = run_findings(run)
    assert kinds(found) == {Kind.UNLISTED_FILE}
    assert {Path(finding.where).name for finding in found} == {
        "design.json",
        "messages.jsonl",
        "programs.parquet",
        "samples.parquet",
    }
    assert {finding.severity for finding in found} == {Severity.WARNING}


@pytest.mark.parametrize("name", ["messages.jsonl", "samples.parquet", "design.json", "manifest.json"])
def test_a_pipe_in_a_run_is_named_and_not_waited_for(tmp_path: Path, name: str) -> None:
    run = make(tmp_path)
    (run / name).unlink()
    os.mkfifo(run / name)
    found = run_findings(run)
    assert kinds(found) == {Kind.UNREADABLE}
    assert "not a regular file" in found[0].text


def test_a_killed_run_is_told_from_one_that_is_being_written(tmp_path: Path) -> None:
    writer = RunWriter.create(tmp_path, "builtins", PLAN, machine=MACHINE, clock=CLOCK, versions={}, evaluator={})
    JsonLines(writer.messages_path).close()
    (found,) = run_findings(writer.path)
    assert (found.kind, found.severity, found.text) == (Kind.UNFINISHED, Severity.INFO, "is being written")
    writer.close()
    (found,) = run_findings(writer.path)
    assert (found.kind, found.severity) == (Kind.UNFINISHED, Severity.WARNING)
    assert "was killed" in found.text


@pytest.mark.parametrize("name", [".", "manifest.json", "messages.jsonl", "samples.parquet", "design.json"])
def test_what_must_not_be_read_is_named_and_the_rest_is_checked(tmp_path: Path, name: str) -> None:
    closed, whole = make(tmp_path), make(tmp_path)
    (closed / name).chmod(0)
    code = "import sys; from pathlib import Path; from costmodel.runs.anomalies import verify_folder; "
    code += "[print(found.kind.value, found.where, found.text) for found in verify_folder(Path(sys.argv[1]))]"
    # Root may read everything, unless it gives that up.
    drop = "-dac_override,-dac_read_search"
    plain = [sys.executable, "-c", code, str(tmp_path)]
    asked = [*(["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"] if os.geteuid() == 0 else []), *plain]
    said = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    (closed / name).chmod(0o700)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"{Kind.UNREADABLE} {closed}")
    assert "ermission denied" in said.stdout
    assert str(whole) not in said.stdout


def test_a_folder_of_runs_is_verified_run_by_run(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)
    assert verify_folder(tmp_path) == ()
    (second / "design.json").write_bytes(b"")
    assert {finding.where for finding in verify_folder(tmp_path)} <= {str(second), str(second / "design.json")}
    assert verify_folder(first) == ()


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no run and has none in it"):
        verify_folder(tmp_path)


def test_unlike_machines_builds_and_clocks_are_not_pooled_unsaid(tmp_path: Path) -> None:
    runs = [Run.open(make(tmp_path)) for _ in range(2)]
    assert pool_findings(runs) == ()
    other = Run.open(make(tmp_path, machine="there", evaluator="cd", clock="raw"))
    found = pool_findings([*runs, other])
    assert kinds(found) == {Kind.UNLIKE}
    assert [finding.where for finding in found] == [other.name] * 3


def test_a_run_that_says_a_thing_far_more_often_than_others_is_odd(tmp_path: Path) -> None:
    runs = [Run.open(make(tmp_path)) for _ in range(3)]
    often = messages(("start", "process_begin", *(["block"] * 9), "process_end", "end"))
    found = pool_findings([*runs, Run.open(make(tmp_path, often))])
    assert "9 of timing.session/block a process, other runs of builtins have 1" in only(found, Kind.FREQUENCY).text
